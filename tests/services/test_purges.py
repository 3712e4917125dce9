"""Purges: the content goes, the rows stay, and nobody is sent what stands in its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.admin.pages import make_attempt
from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from tests.receiver import Receiver
from tests.services.engine import run_to_quiescence
from tests.services.operating import order, run
from webhooks.core import envelope, ids, purged
from webhooks.errors import InvalidInput
from webhooks.models import Attempt, AuditEntry, Delivery, Event, ReceivedMessage, Source, Tenant
from webhooks.services import endpoints
from webhooks.services.drain import drain
from webhooks.services.operations import purging

pytestmark = pytest.mark.django_db
ALL = {"since": "2020-01-01T00:00:00Z"}


def received(tenant: Tenant) -> ReceivedMessage:
    source = Source.objects.create(tenant=tenant, name="shop", provider="none")
    return ReceivedMessage.objects.create(
        tenant=tenant, source=source, body=b"private", headers=[["X-A", "private"]], received_at=timezone.now(),
        remote_address="192.0.2.7",
    )  # fmt: skip


def test_the_content_goes_and_the_rows_stay(tenant: Tenant) -> None:
    event = make_event(tenant, key="ord-1", data={"name": "Ada"}, metadata={"customer": "c_1"}, fanned_out=True)
    delivery = make_delivery(make_endpoint(tenant), event, state="succeeded", next_attempt_at=None)
    attempt = make_attempt(delivery, response_body=b"Hello Ada", response_headers=[["X-Name", "Ada"]])
    message = received(tenant)
    operation = run(tenant, "purge", ALL)
    assert operation.tally == {"events": 1, "deliveries_cancelled": 0, "attempts": 1, "received": 1}
    for row in (event, delivery, attempt, message):
        row.refresh_from_db()
    assert (bytes(event.data), event.metadata, event.key) == (b'{"clarion":"purged"}', {}, "ord-1")
    assert (bytes(attempt.response_body), attempt.response_headers) == (b"[purged]", [])
    assert (bytes(message.body), message.headers, message.remote_address) == (b"[purged]", [], None)
    assert delivery.state == "succeeded"
    assert AuditEntry.objects.filter(action="event.purged", objects_named__contains=[event_id(event)]).exists()


def event_id(event: Event) -> str:
    return ids.show(ids.EVENT, event.id)


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_cancelled_and_nothing_is_sent(tenant: Tenant, receiver: Receiver) -> None:
    endpoint, paused = make_endpoint(tenant, receiver.url("/hook")), make_endpoint(tenant)
    endpoints.pause(paused.id)
    routed = make_event(tenant, fanned_out=True)
    make_delivery(endpoint, routed)
    make_delivery(paused, routed, state="held", next_attempt_at=None)
    make_event(tenant)  # not routed yet
    operation = run(tenant, "purge", ALL)
    assert operation.tally["deliveries_cancelled"] == 2
    run_to_quiescence(endpoint.id)
    assert not receiver.requests()
    assert set(Delivery.objects.values_list("state", "reason")) == {("cancelled", purged.REASON)}


@pytest.mark.django_db(transaction=True)
def test_one_that_was_on_its_way_is_not_tried_again(tenant: Tenant, receiver: Receiver) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"))
    event = make_event(tenant, fanned_out=True)
    delivery = make_delivery(endpoint, event)
    Delivery.objects.update(state="sending")
    run(tenant, "purge", ALL)
    Delivery.objects.update(state="pending", next_attempt_at=timezone.now())  # its request failed
    drain(endpoint.id)
    assert not receiver.requests()
    delivery.refresh_from_db()
    assert delivery.state == "dead"
    assert purged.REASON in delivery.reason
    assert not Attempt.objects.get(delivery=delivery).request_url


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"events": ["own", "missing"]}, {"own"}),
        ({"metadata": {"customer": "c_1"}}, {"own", "other"}),
        ({"metadata": {"customer": "c_1", "shop": {"id": 1}}}, {"own"}),
        ({"metadata": {"customer": 1}}, set()),
        ({**ALL, "event_types": ["invoice.*"]}, {"other"}),
        ({"until": "2020-01-01T00:00:00Z"}, set()),
    ],
    ids=["events", "metadata", "nested", "type", "event-types", "until"],
)
def test_it_takes_what_it_was_asked_for(tenant: Tenant, params: dict[str, Any], expected: set[str]) -> None:
    make_event(tenant, key="own", metadata={"customer": "c_1", "shop": {"id": 1, "x": 2}})
    make_event(tenant, key="other", type="invoice.paid", metadata={"customer": "c_1"})
    make_event(tenant, key="third")
    dry = run(tenant, "purge", params | {"dry_run": True})
    assert dry.tally["events"] == len(expected)
    assert not Event.objects.filter(data=purged.MARKER).exists()
    run(tenant, "purge", params)
    assert set(Event.objects.filter(data=purged.MARKER).values_list("key", flat=True)) == expected


def test_by_clarions_own_id(tenant: Tenant) -> None:
    event, other = make_event(tenant), make_event(tenant)
    run(tenant, "purge", {"events": [event_id(event)]})
    assert list(Event.objects.filter(data=purged.MARKER).values_list("id", flat=True)) == [event.id]
    assert other.id != event.id


def test_a_period_has_an_end(tenant: Tenant) -> None:
    event = make_event(tenant)
    moment = ids.created_at(event.id)
    run(tenant, "purge", {"until": envelope.timestamp(moment), "received": False})
    assert not Event.objects.filter(data=purged.MARKER).exists()
    later = envelope.timestamp(moment + timedelta(milliseconds=1))
    run(tenant, "purge", {"since": envelope.timestamp(moment), "until": later})
    assert Event.objects.filter(data=purged.MARKER).count() == 1


def test_it_goes_on_step_by_step(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "_SCAN", 3)
    monkeypatch.setattr(purging, "_STEP", 2)
    for n in range(8):
        make_event(tenant, metadata={"n": n % 2})
    operation = run(tenant, "purge", {"metadata": {"n": 1}})
    assert operation.tally["events"] == 4
    assert operation.done == operation.total == 8


def test_nothing_of_another_tenant_is_touched(tenant: Tenant) -> None:
    stranger = make_tenant()
    event = make_event(stranger, key="own")
    received(stranger)
    run(tenant, "purge", ALL)
    run(tenant, "purge", {"events": ["own", event_id(event)]})
    assert not Event.objects.filter(data=purged.MARKER).exists()
    assert bytes(ReceivedMessage.objects.get().body) == b"private"


def test_a_second_purge_changes_nothing(tenant: Tenant) -> None:
    make_event(tenant)
    run(tenant, "purge", ALL)
    assert run(tenant, "purge", ALL).tally["events"] == 0


BAD: list[tuple[Any, list[str]]] = [
    ({}, ["/params"]),
    ({"dry_run": True}, ["/params"]),
    ({"event_types": ["a.b"]}, ["/params"]),
    ({"events": []}, ["/params/events"]),
    ({"events": ["a"], "since": "2025-01-01T00:00:00Z"}, ["/params/since"]),
    ({"events": ["a"], "metadata": {"a": 1}}, ["/params/metadata"]),
    ({"events": ["x" * 129]}, ["/params/events/0"]),
    ({"metadata": {}}, ["/params/metadata"]),
    ({"metadata": "c_1"}, ["/params/metadata"]),
    ({"metadata": {"a": "\x00"}}, ["/params/metadata"]),
    ({"metadata": {"a": 1}, "received": True}, ["/params/received"]),
    ({"since": "2025-01-01T00:00:00Z", "received": "yes"}, ["/params/received"]),
]


@pytest.mark.parametrize(("params", "pointers"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_a_bad_parameter_is_named(tenant: Tenant, params: Any, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "purge", params)
    assert [fault.pointer for fault in caught.value.errors] == pointers
