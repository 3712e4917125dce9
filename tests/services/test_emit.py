"""webhooks.emit: in the caller's transaction, with the checks of the API."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

import webhooks
from project.celery import app
from tests.factories import make_tenant
from tests.nodes import broker_of
from tests.services.engine import in_thread, statements
from webhooks import doorbells
from webhooks.errors import Conflict, InvalidInput, NotFound, TooLarge
from webhooks.models import Event, EventKey, EventType, Tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_broker(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """emit rings the fan-out; whatever a test before did to the broker is forgotten, and so is what this one does."""
    monkeypatch.setattr(doorbells, "_broker_rests_until", 0.0)


def queued(valkey: redis.Redis) -> int:
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        return int(broker.llen("fan_out"))


def test_it_commits_with_the_callers_transaction_and_rings_afterwards(tenant: Tenant, valkey: redis.Redis) -> None:
    with transaction.atomic():
        public_id = webhooks.emit("order.created", {"n": 1}, tenant=tenant)
        assert queued(valkey) == 0
    assert queued(valkey) == 1
    event = Event.objects.get()
    assert (event.public_id, event.origin, event.tenant_id) == (public_id, "library", tenant.id)
    assert bytes(event.data) == b'{"n": 1}'


def test_it_is_rolled_back_with_the_callers_transaction(tenant: Tenant, valkey: redis.Redis) -> None:
    with transaction.atomic():
        webhooks.emit("order.created", {"n": 1}, tenant=tenant, id="k")
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert queued(valkey) == 0
    webhooks.emit("order.created", {"other": 1}, tenant=tenant, id="k")


def test_it_stands_on_its_own_outside_a_transaction(tenant: Tenant, valkey: redis.Redis) -> None:
    assert webhooks.emit("order.created", None, tenant=tenant, id="ord-1") == "ord-1"
    assert Event.objects.get().key == "ord-1"
    assert queued(valkey) == 1


def test_a_tenant_is_named_in_four_ways(tenant: Tenant) -> None:
    for name in (tenant, tenant.id, tenant.public_id, tenant.slug, str(tenant.id)):
        webhooks.emit("order.created", 1, tenant=name)
    assert Event.objects.filter(tenant=tenant).count() == 5


@pytest.mark.parametrize("name", ["nobody", "", "ten_" + "0" * 32, uuid.UUID(int=5), "ten_x"])
def test_an_unknown_tenant_is_not_found(name: Any) -> None:
    with pytest.raises(NotFound):
        webhooks.emit("order.created", 1, tenant=name)


def test_values_are_written_as_djangos_encoder_writes_them(tenant: Tenant) -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    value = {"at": moment, "on": moment.date(), "amount": Decimal("1.10"), "id": uuid.UUID(int=7), "é": "😀"}
    webhooks.emit("order.created", value, tenant=tenant)
    text = bytes(Event.objects.get().data).decode()
    assert json.loads(text) == {
        "at": "2025-01-02T03:04:05Z", "on": "2025-01-02", "amount": "1.10", "id": str(uuid.UUID(int=7)), "é": "😀",
    }  # fmt: skip
    assert "é" in text


def test_bytes_are_delivered_as_they_are(tenant: Tenant) -> None:
    data = b'{ "n" : 1.0, "n":1E5 }'
    webhooks.emit("order.created", data, tenant=tenant)
    assert bytes(Event.objects.get().data) == data


def test_all_arguments_reach_the_event(tenant: Tenant) -> None:
    moment = datetime(2025, 1, 2, 5, 4, 5, 123_000, tzinfo=timezone(timedelta(hours=2)))
    webhooks.emit(
        "order.created", 1, tenant=tenant, id="k", version="v2", created_at=moment,
        metadata={"source": "shop", "correlation_id": "c-1"}, channels=("eu",),
    )  # fmt: skip
    event = Event.objects.get()
    assert (event.key, event.version, event.created_at, event.channels) == ("k", "v2", moment, ["eu"])
    assert event.metadata == {"source": "shop", "correlation_id": "c-1"}
    assert event.correlation_id == "c-1"


@pytest.mark.parametrize(
    ("type_", "data", "options", "pointer"),
    [
        ("a b", 1, {}, "/type"),
        ("a.*", 1, {}, "/type"),
        ("a", 1, {"id": "x y"}, "/id"),
        ("a", 1, {"version": ""}, "/version"),
        ("a", 1, {"channels": ["a,b"]}, "/channels/0"),
        ("a", 1, {"created_at": datetime(2025, 1, 1)}, "/created_at"),  # noqa: DTZ001
        ("a", 1, {"metadata": {"a": "\0"}}, "/metadata"),
        ("a", {"x": ["\ud800"]}, {}, "/data/x/0"),
        ("a", {"x": float("nan")}, {}, "/data/x"),
        ("a", [float("inf")], {}, "/data/0"),
        ("a", b'1,"type":"b"', {}, ""),
        ("a", b"", {}, ""),
        ("a", b'"\xff"', {}, ""),
        ("a", b"[" * 65 + b"]" * 65, {}, "/data"),
    ],
)
def test_bad_input_is_refused_with_a_pointer(
    tenant: Tenant, type_: str, data: Any, options: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        webhooks.emit(type_, data, tenant=tenant, **options)
    assert caught.value.errors[0].pointer.startswith(pointer)
    assert not Event.objects.exists()


def test_an_event_that_is_too_large_is_refused(tenant: Tenant) -> None:
    with pytest.raises(TooLarge):
        webhooks.emit("order.created", "x" * 262_144, tenant=tenant)


def test_the_same_id_twice_is_one_event_or_a_conflict(tenant: Tenant) -> None:
    first = webhooks.emit("order.created", {"n": 1}, tenant=tenant, id="k")
    assert webhooks.emit("order.created", {"n": 1}, tenant=tenant, id="k") == first
    with pytest.raises(Conflict, match="k"):
        webhooks.emit("order.created", {"n": 2}, tenant=tenant, id="k")
    assert Event.objects.count() == 1


def test_many_events_are_all_accepted_or_none(tenant: Tenant) -> None:
    events = [{"type": "order.created", "data": n, "id": f"k{n}"} for n in range(3)]
    assert webhooks.emit_many(events, tenant=tenant) == ["k0", "k1", "k2"]
    clash: list[dict[str, Any]] = [
        {"type": "order.created", "data": "new", "id": "new"},
        {"type": "order.created", "data": 9, "id": "k0"},
    ]
    with pytest.raises(Conflict):
        webhooks.emit_many(clash, tenant=tenant)
    with pytest.raises(InvalidInput):
        webhooks.emit_many([{"type": "order.created", "data": 1}, {"type": "", "data": 1}], tenant=tenant)
    assert Event.objects.count() == 3


def test_a_transaction_that_goes_on_after_a_conflict_keeps_nothing_of_the_batch(tenant: Tenant) -> None:
    webhooks.emit("order.created", 1, tenant=tenant, id="k")
    with transaction.atomic():
        clash = [{"type": "a", "data": 1}, {"type": "order.created", "data": 9, "id": "k"}]
        with pytest.raises(Conflict):
            webhooks.emit_many(clash, tenant=tenant)
        other = make_tenant()
    assert Tenant.objects.filter(id=other.id).exists()
    assert Event.objects.count() == 1


def test_a_broker_that_is_away_does_not_break_the_callers_commit(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with broker_of(app, "redis://127.0.0.1:1/0"), transaction.atomic():
        webhooks.emit("order.created", 1, tenant=tenant)
    assert Event.objects.count() == 1


# --- the caller's transaction


def test_nothing_stays_of_an_inner_block_that_is_rolled_back(tenant: Tenant, valkey: redis.Redis) -> None:
    with transaction.atomic():
        with transaction.atomic():
            webhooks.emit("order.created", 1, tenant=tenant, id="k")
            webhooks.emit_many([{"type": "order.created", "data": n} for n in range(3)], tenant=tenant)
            transaction.set_rollback(True)
        assert not Event.objects.exists()
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
    assert queued(valkey) == 0


def test_an_inner_block_that_is_rolled_back_takes_nothing_else_with_it(tenant: Tenant, valkey: redis.Redis) -> None:
    with transaction.atomic():
        webhooks.emit("order.created", 1, tenant=tenant, id="outer")
        with transaction.atomic():
            webhooks.emit("order.created", 2, tenant=tenant, id="inner")
            transaction.set_rollback(True)
        webhooks.emit("order.created", 3, tenant=tenant, id="inner")
        assert queued(valkey) == 0
    assert sorted((event.key, bytes(event.data)) for event in Event.objects.all()) == [("inner", b"3"), ("outer", b"1")]
    assert queued(valkey) == 1


def test_a_transaction_goes_on_after_an_event_was_refused(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    EventType.objects.create(name="order.created")
    webhooks.emit("order.created", 1, tenant=tenant, id="k")
    with transaction.atomic():
        with pytest.raises(Conflict):
            webhooks.emit("order.created", 2, tenant=tenant, id="k")
        with pytest.raises(InvalidInput):
            webhooks.emit("unknown", 2, tenant=tenant, id="new")
        webhooks.emit("order.created", 3, tenant=tenant, id="new")
    assert sorted(Event.objects.values_list("key", flat=True)) == ["k", "new"]


def test_a_failure_of_the_caller_after_emit_takes_the_event_back(tenant: Tenant, valkey: redis.Redis) -> None:
    @transaction.atomic
    def sign_up() -> None:
        webhooks.emit("order.created", 1, tenant=tenant)
        Tenant.objects.create(slug=tenant.slug, name="the same again")

    with pytest.raises(IntegrityError):
        sign_up()
    assert not Event.objects.exists()
    assert queued(valkey) == 0


@pytest.fixture
def by_hand() -> Iterator[None]:
    """Autocommit is off and there is no atomic block: the caller commits."""
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


@pytest.mark.parametrize("many", [False, True])
def test_a_transaction_by_hand_that_is_rolled_back_leaves_nothing(
    tenant: Tenant, valkey: redis.Redis, by_hand: None, many: bool
) -> None:
    emitted(tenant, many)
    assert Event.objects.exists()
    transaction.rollback()
    transaction.set_autocommit(True)
    assert not Event.objects.exists()
    assert queued(valkey) == 0


@pytest.mark.parametrize("many", [False, True])
def test_a_transaction_by_hand_rings_when_autocommit_is_on_again(
    tenant: Tenant, valkey: redis.Redis, by_hand: None, many: bool
) -> None:
    emitted(tenant, many)
    assert queued(valkey) == 0
    assert not in_thread(Event.objects.exists)()
    transaction.commit()
    assert in_thread(Event.objects.exists)()
    transaction.set_autocommit(True)
    assert queued(valkey) == 1


def emitted(tenant: Tenant, many: bool) -> None:
    if many:
        webhooks.emit_many([{"type": "order.created", "data": n} for n in range(3)], tenant=tenant)
    else:
        webhooks.emit("order.created", 1, tenant=tenant)


# --- many


def test_many_may_be_any_iterable(tenant: Tenant) -> None:
    events = [{"type": "order.created", "data": n} for n in range(3)]
    for iterable in (
        events,
        tuple(events),
        iter(events),
        (event for event in events),
        dict(enumerate(events)).values(),
    ):
        made = webhooks.emit_many(iterable, tenant=tenant)
        found = {event.public_id: bytes(event.data) for event in Event.objects.all()}
        assert [found[public_id] for public_id in made] == [b"0", b"1", b"2"]


def test_no_events_are_none(tenant: Tenant, valkey: redis.Redis) -> None:
    assert webhooks.emit_many([], tenant=tenant) == []
    assert queued(valkey) == 0


def test_one_event_is_one_statement_inside_a_transaction_and_outside(tenant: Tenant) -> None:
    for key in (None, "k"):
        with CaptureQueriesContext(connection) as captured:
            webhooks.emit("order.created", 1, tenant=tenant, id=key)
        assert len(captured) == 1
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        webhooks.emit("order.created", 1, tenant=tenant, id="k2")
    assert len(captured) == 1


def test_many_are_inserted_in_portions_and_yet_all_or_none(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_MAX_BATCH_EVENTS = 10
    settings.WEBHOOKS_MAX_BATCH_BYTES = 1000
    with statements() as seen:
        made = webhooks.emit_many(({"type": "a", "data": n, "id": f"k{n}"} for n in range(25)), tenant=tenant)
    assert made == [f"k{n}" for n in range(25)]
    assert len(seen) == 3
    with statements() as seen:
        webhooks.emit_many(({"type": "a", "data": "x" * 600} for _ in range(4)), tenant=tenant)
    assert len(seen) == 2
    with pytest.raises(Conflict):
        webhooks.emit_many(({"type": "a", "data": n, "id": f"k{35 - n}"} for n in range(25)), tenant=tenant)
    with pytest.raises(InvalidInput):
        webhooks.emit_many(({"type": "a" if n < 24 else "", "data": n} for n in range(25)), tenant=tenant)
    assert Event.objects.count() == 29


def test_what_an_iterable_raises_reaches_the_caller_and_nothing_is_stored(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_MAX_BATCH_EVENTS = 2

    def events() -> Iterator[dict[str, Any]]:
        for n in range(5):
            yield {"type": "order.created", "data": n}
        raise LookupError("there are no more")

    with pytest.raises(LookupError):
        webhooks.emit_many(events(), tenant=tenant)
    assert not Event.objects.exists()
