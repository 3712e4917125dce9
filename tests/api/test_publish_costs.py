"""What publishing over HTTP costs in statements, and when it is answered."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.client import ApiClient
from tests.factories import make_key, make_tenant
from tests.services.engine import in_thread, statements, wait_for_a_lock
from webhooks import doorbells
from webhooks.models import ApiKey, Event, EventKey, EventType, Tenant

# Transactions of their own: nothing is kept of a look-up before it is committed.
pytestmark = pytest.mark.django_db(transaction=True)

EVENT = {"type": "order.created", "data": {"n": 1}}


@pytest.fixture(autouse=True)
def _kept(settings: Settings, valkey: redis.Redis) -> None:
    """What is looked up is kept for longer than a test takes; no doorbell is left behind."""
    settings.WEBHOOKS_LOOKUP_TTL = 1000.0


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    return make_tenant()


def post(client: ApiClient, body: Any, status: int, path: str = "/api/events") -> list[str]:
    """The statements of a request, those that begin and end transactions left out."""
    with statements() as seen:
        response = client.post(path, body)
    assert response.status_code == status, response.content
    return seen


KINDS = [
    pytest.param(EVENT, 202, 1, id="without an id"),
    pytest.param(EVENT | {"id": "new"}, 202, 1, id="with an id"),
    pytest.param(EVENT | {"id": "old"}, 200, 2, id="duplicate"),
    pytest.param(EVENT | {"id": "old", "data": 2}, 409, 2, id="conflict"),
    pytest.param(EVENT | {"id": "evt_" + "0" * 32}, 202, 2, id="an id like Clarion's own"),
    pytest.param({"type": "order.created"}, 422, 0, id="bad input"),
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("body", "status", "expected"), KINDS)
def test_an_event_takes_one_or_two_statements_and_one_more_when_the_key_is_new(
    api: ApiClient, settings: Settings, body: Any, status: int, expected: int, strict: bool
) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = strict
    EventType.objects.create(name="order.created")
    post(api, EVENT | {"id": "old"}, 202)
    assert len(post(api, body, status)) == expected
    Event.objects.exclude(key="old").delete()
    EventKey.objects.exclude(key="old").delete()
    ApiKey.objects.get().save()  # which ends what is known of it
    assert len(post(api, body, status)) == expected + 1


def test_an_unknown_type_is_refused_by_the_statement_that_would_store_it(api: ApiClient, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    EventType.objects.create(name="order.created")
    post(api, EVENT, 202)
    assert len(post(api, EVENT | {"type": "x", "id": "k"}, 422)) == 1


def test_an_event_is_its_own_transaction(api: ApiClient) -> None:
    post(api, EVENT, 202)
    with CaptureQueriesContext(connection) as captured:
        api.post("/api/events", EVENT | {"id": "k"})
    assert len(captured) == 1


def test_a_platform_key_that_names_its_tenant_takes_no_more(tenant: Tenant) -> None:
    for name in (tenant.slug, tenant.public_id):
        client = ApiClient(make_key(None), headers={"Clarion-Tenant": name})
        assert len(post(client, EVENT, 202)) <= 3
        assert len(post(client, EVENT, 202)) == 1
    assert Event.objects.filter(tenant=tenant).count() == 4


@pytest.mark.parametrize("ids", [False, True])
def test_a_full_batch_takes_as_many(api: ApiClient, ids: bool) -> None:
    post(api, EVENT, 202)
    events = [EVENT | ({"id": f"e-{n}"} if ids else {}) for n in range(1000)]
    body = json.dumps({"events": events}).encode()
    assert len(post(api, body, 202, "/api/events/batch")) == 1
    assert len(post(api, body, 202, "/api/events/batch")) == (2 if ids else 1)
    assert Event.objects.count() == (1001 if ids else 2001)


def test_a_read_takes_no_statement_for_a_key_that_is_known(api: ApiClient) -> None:
    api.get("/api/events")
    with statements() as seen:
        assert api.get("/api/events").status_code == 200
    assert not [sql for sql in seen if "webhooks_apikey" in sql]


# --- when it is answered


def test_the_answer_waits_for_the_row(api: ApiClient) -> None:
    """Attack: 202 for an event that is not committed yet, and then never is."""
    answered = threading.Event()

    def publish() -> int:
        status = api.post("/api/events", EVENT | {"id": "k"}).status_code
        answered.set()
        return status

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE webhooks_event IN SHARE MODE")
        status = in_thread(publish)
        wait_for_a_lock()
        assert not answered.is_set()
    assert status() == 202


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch"])
def test_when_it_is_answered_everybody_sees_the_event(api: ApiClient, path: str) -> None:
    event = EVENT | {"id": "k"}
    body = event if path == "/api/events" else {"events": [event, EVENT]}
    assert api.post(path, body).status_code == 202
    assert in_thread(Event.objects.filter(key="k").exists)()


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch"])
def test_the_bell_rings_when_the_answer_is_out_and_the_connection_is_free(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Attack: a broker that hangs keeps every publisher waiting, and a database connection with each."""
    rung: list[bool] = []
    monkeypatch.setattr(doorbells, "ring_fan_out", lambda: rung.append(connection.connection is None))
    token = make_key(tenant)

    def request() -> tuple[int, list[bool]]:
        from django.test import RequestFactory

        from project.wsgi import application

        body = EVENT if path == "/api/events" else {"events": [EVENT]}
        environ = RequestFactory().post(
            path, json.dumps(body), "application/json", headers={"Authorization": f"Bearer {token}"}
        ).environ  # fmt: skip
        status: list[str] = []
        response = application(environ, lambda line, headers: status.append(line))
        b"".join(response)
        before = list(rung)
        response.close()
        return int(status[0][:3]), before

    assert in_thread(request)() == (202, [])
    assert rung == [True]


def test_nothing_rings_for_a_duplicate(api: ApiClient, valkey: redis.Redis) -> None:
    api.post("/api/events", EVENT | {"id": "k"})
    valkey.flushdb()
    assert api.post("/api/events", EVENT | {"id": "k"}).status_code == 200
    assert api.post("/api/events/batch", {"events": [EVENT | {"id": "k"}]}).status_code == 202
    assert not list(valkey.scan_iter("clarion:bell:*"))


def test_with_a_transaction_for_each_request_the_answer_is_still_after_the_commit(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host project may set ATOMIC_REQUESTS."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    for _ in range(2):
        assert len(post(api, EVENT, 202)) <= 2
    assert in_thread(Event.objects.count)() == 2
