"""Changing the encryption key under real rows, with others writing at the same time."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, transaction

from tests.factories import make_endpoint, make_event, make_tenant, secret_of
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks import doorbells
from webhooks.errors import DecryptionFailed
from webhooks.models import Delivery, Endpoint, EndpointSecret, Source
from webhooks.models.fields import key_of
from webhooks.services import endpoints, key_rotation

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
AUTH = {"type": "basic", "username": "ada", "password": "pass word"}
HEADERS = {"X-Api-Key": "k-1234567890"}


@pytest.fixture
def keys(settings: Any) -> Callable[..., None]:
    """Sets the keys of this process: ``keys(NEW, OLD)``. They begin as the old one alone."""

    def choose(*chosen: str) -> None:
        settings.WEBHOOKS_ENCRYPTION_KEYS = chosen

    choose(OLD)
    return choose


@pytest.fixture
def stored(db: None, keys: Callable[..., None]) -> Endpoint:
    """Three values of an endpoint and two of a source, all under the old key; the new one stands in front."""
    endpoint = make_endpoint(auth=AUTH, headers=HEADERS)
    Source.objects.create(tenant=endpoint.tenant, name="in", provider="github", secrets=["one", "two"])
    keys(NEW, OLD)
    return endpoint


def raw() -> list[str]:
    """Everything that is stored encrypted, as it stands in the tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT headers FROM webhooks_endpoint UNION ALL SELECT auth FROM webhooks_endpoint "
            "UNION ALL SELECT value FROM webhooks_endpointsecret UNION ALL SELECT secrets FROM webhooks_source "
            "UNION ALL SELECT verification FROM webhooks_source"
        )
        return [value for (value,) in cursor.fetchall()]


def numbers() -> list[int | None]:
    return [key_of(value) for value in raw()]


def elsewhere(work: Callable[[], Any]) -> Any:
    """Run in another thread, with a connection of its own."""

    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=60)


def test_every_encrypted_column_is_found_by_its_type() -> None:
    assert {column.place for column in key_rotation.columns()} >= {
        "webhooks_endpoint.headers",
        "webhooks_endpoint.auth",
        "webhooks_endpointsecret.value",
        "webhooks_source.secrets",
        "webhooks_source.verification",
        "webhooks_source.forward_to",
    }


def test_no_text_column_of_any_table_holds_ciphertext_that_rotation_does_not_know(stored: Endpoint) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND data_type IN ('text', 'character varying')"
        )
        texts = cursor.fetchall()
        found = set()
        for table, column in texts:
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE "{column}" LIKE %s)', ["gAAAA%"])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    assert found == {
        "webhooks_endpoint.headers", "webhooks_endpoint.auth", "webhooks_endpointsecret.value",
        "webhooks_source.secrets", "webhooks_source.verification",
    }  # fmt: skip
    assert found <= {column.place for column in key_rotation.columns()}


def test_afterwards_the_first_key_alone_reads_everything(stored: Endpoint, keys: Callable[..., None]) -> None:
    secret, changed = secret_of(stored), stored.updated_at
    assert numbers() == [2] * 5
    counts = key_rotation.rotate(batch=1)
    assert all(count.done for count in counts)
    assert sum(count.written for count in counts) == 5
    keys(NEW)
    again = Endpoint.objects.get(pk=stored.pk)
    assert (again.auth, again.headers, secret_of(stored)) == (AUTH, HEADERS, secret)
    assert Source.objects.get().secrets == ["one", "two"]
    assert again.updated_at == changed, "what workers keep of the endpoint goes on being right"


def test_a_second_run_writes_nothing(stored: Endpoint) -> None:
    key_rotation.rotate()
    before = raw()
    assert sum(count.written for count in key_rotation.rotate()) == 0
    assert raw() == before


def test_a_check_counts_by_key_and_changes_nothing(stored: Endpoint) -> None:
    EndpointSecret.objects.create(endpoint=stored, value="whsec_new")
    before = raw()
    by_place = {count.column.place: count for count in key_rotation.check(batch=1)}
    secrets = by_place["webhooks_endpointsecret.value"]
    assert (dict(secrets.keys), secrets.behind, secrets.written, secrets.done) == ({1: 1, 2: 1}, 1, 0, False)
    assert raw() == before


def test_an_interrupted_run_is_begun_again(stored: Endpoint) -> None:
    for _ in range(4):
        make_endpoint()  # under the new key
    EndpointSecret.objects.all().delete()

    class Interrupted(Exception):
        pass

    def stop(count: key_rotation.Count) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        key_rotation.rotate(batch=1, told=stop)
    assert all(count.done for count in key_rotation.rotate(batch=1))
    assert set(numbers()) == {1}


def test_a_value_that_no_key_opens_is_named_and_left_alone(stored: Endpoint, keys: Callable[..., None]) -> None:
    keys(LOST)
    lost = make_endpoint(auth=AUTH)
    keys(NEW, OLD)
    before = set(raw())
    counts = {count.column.place: count for count in key_rotation.rotate()}
    auth = counts["webhooks_endpoint.auth"]
    assert auth.unreadable == [f"webhooks_endpoint.auth of row {lost.pk}"]
    assert (auth.unreadable_count, auth.done) == (1, False)
    assert sorted(numbers(), key=str) == [1, 1, 1, 1, 1, None, None, None]
    assert len(before & set(raw())) == 3, "what cannot be read stays as it is"


def test_a_change_between_reading_and_writing_is_not_overwritten(
    transactional_db: None, stored: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypt_again, changed = key_rotation.encrypt_again, threading.Event()

    def change_first(value: str) -> str:
        if not changed.is_set():
            changed.set()
            elsewhere(lambda: endpoints.update(None, stored.pk, {"headers": {"X-Team": "changed meanwhile"}}))
        return encrypt_again(value)

    monkeypatch.setattr(key_rotation, "encrypt_again", change_first)
    counts = key_rotation.rotate()
    assert changed.is_set()
    assert Endpoint.objects.get(pk=stored.pk).headers == {"X-Team": "changed meanwhile"}
    assert all(count.done for count in counts)


def test_a_process_that_still_writes_with_the_old_key_is_not_overwritten_and_rotated_in_the_end(
    transactional_db: None, stored: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_old = Fernet(OLD.encode()).encrypt(b'{"X-Team":"changed meanwhile"}').decode()
    encrypt_again, changed = key_rotation.encrypt_again, threading.Event()

    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE webhooks_endpoint SET headers = %s", [with_old])

    def change_first(value: str) -> str:
        if not changed.is_set():
            changed.set()
            elsewhere(write)
        return encrypt_again(value)

    monkeypatch.setattr(key_rotation, "encrypt_again", change_first)
    monkeypatch.setattr(key_rotation, "_PAUSE", 0)
    assert all(count.done for count in key_rotation.rotate())
    assert Endpoint.objects.get(pk=stored.pk).headers == {"X-Team": "changed meanwhile"}


def test_a_row_that_somebody_holds_is_passed_over_and_done_later(
    transactional_db: None, stored: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "_PAUSE", 0)
    with transaction.atomic():
        Endpoint.objects.select_for_update().get(pk=stored.pk)
        counts = {count.column.place: count for count in elsewhere(key_rotation.rotate)}
    assert counts["webhooks_endpoint.auth"].behind == 1
    assert counts["webhooks_endpointsecret.value"].done
    assert all(count.done for count in key_rotation.rotate())


def test_writers_and_two_rotations_at_once_lose_nothing(transactional_db: None, keys: Callable[..., None]) -> None:
    tenant = make_tenant()
    several = [make_endpoint(tenant, auth=AUTH) for _ in range(12)]
    keys(NEW, OLD)
    stop = threading.Event()

    def write(endpoint: Endpoint) -> str:
        number = 0
        while number < 5 or not stop.is_set():
            number += 1
            endpoints.update(None, endpoint.pk, {"auth": {"type": "bearer", "token": f"t-{number}"}})
            endpoints.rotate_secret(endpoint.pk, 0)
        connection.close()
        return f"t-{number}"

    def rotate() -> None:
        try:
            key_rotation.rotate(batch=3)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        last = [pool.submit(write, endpoint) for endpoint in several[:2]]
        runs = [pool.submit(rotate) for _ in range(2)]
        for run in runs:
            run.result(timeout=60)
        stop.set()
        tokens = [future.result(timeout=60) for future in last]
    for endpoint, token in zip(several[:2], tokens, strict=True):
        endpoint.refresh_from_db()
        assert endpoint.auth["token"] == token
    assert all(count.done for count in key_rotation.rotate())
    keys(NEW)
    assert all(endpoint.auth for endpoint in Endpoint.objects.all())


def test_workers_deliver_before_while_and_after(
    worker_nodes: Workers, valkey: object, receiver: Receiver, keys: Callable[..., None]
) -> None:
    endpoint = make_endpoint(url=receiver.url("/hook"), auth=AUTH)
    keys(NEW, OLD)
    worker_nodes(name="both", env={"WEBHOOKS_ENCRYPTION_KEYS": f"{NEW},{OLD}"})

    def deliver(number: int) -> None:
        make_event(endpoint.tenant)
        doorbells.ring_fan_out()
        receiver.wait_for(number, "/hook")
        eventually(lambda: Delivery.objects.filter(state="succeeded").count() == number)

    deliver(1)
    key_rotation.rotate()
    deliver(2)  # from what the worker keeps
    worker_nodes.stop()
    worker_nodes(name="new", env={"WEBHOOKS_ENCRYPTION_KEYS": NEW})
    deliver(3)
    pair = base64.b64encode(b"ada:pass word").decode()
    assert {request.header("Authorization") for request in receiver.requests("/hook")} == {f"Basic {pair}"}


def test_a_wrong_key_raises_wherever_a_value_is_read(stored: Endpoint, keys: Callable[..., None]) -> None:
    keys(LOST)
    for read in (
        lambda: Endpoint.objects.get(pk=stored.pk),
        lambda: Endpoint.objects.values_list("auth", flat=True)[0],
        lambda: EndpointSecret.objects.get(endpoint=stored),
        lambda: Source.objects.get(),
    ):
        with pytest.raises(DecryptionFailed, match=r"webhooks_\w+\.\w+") as caught:
            read()
        assert "gAAAA" not in str(caught.value)
