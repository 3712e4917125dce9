"""Routing: which endpoints get an event, exactly once, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from tests.factories import make_endpoint, make_event, make_tenant
from tests.services.engine import at_once, in_thread, mailbox_faults, run_to_quiescence, statements
from webhooks.core import ids
from webhooks.models import Delivery, Endpoint, Event, Mailbox, Subscription, Tenant
from webhooks.services import endpoints
from webhooks.services.bell import Bell
from webhooks.services.fan_out import FannedOut, fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.settle import settle

pytestmark = pytest.mark.django_db


def routed(event: Event) -> set[Endpoint]:
    """Route the outbox; the endpoints with a delivery of the event."""
    fan_out()
    return {delivery.endpoint for delivery in Delivery.objects.filter(event=event).select_related("endpoint")}


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("order.created", ["order.created"], ["order", "order.created.late", "order.createdx", "xorder.created"]),
        ("order.*", ["order.created", "order.x"], ["order", "order.a.b", "orders.created"]),
        ("order.**", ["order.created", "order.a.b.c"], ["order", "orders.created"]),
        ("order.line.*", ["order.line.added"], ["order.line", "order.added", "order.line.a.b"]),
        ("*", ["order", "order.created", "a.b.c.d"], []),
        ("order", ["order"], ["order.created"]),
    ],
)
def test_patterns_choose_by_type(tenant: Tenant, pattern: str, matching: list[str], other: list[str]) -> None:
    endpoint = make_endpoint(tenant, event_types=[pattern])
    made = {name: make_event(tenant, name) for name in [*matching, *other]}
    fan_out()
    got = set(Delivery.objects.filter(endpoint=endpoint).values_list("event_id", flat=True))
    assert {name for name, event in made.items() if event.id in got} == set(matching)
    assert {event.id for event in made.values()} == set(
        Event.objects.filter(fanned_out_at__isnull=False).values_list("id", flat=True)
    )


def test_an_endpoint_with_several_matching_patterns_gets_one_delivery(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["*", "order.*", "order.**", "order.created"])
    event = make_event(tenant)
    assert routed(event) == {endpoint}
    assert Delivery.objects.count() == 1
    assert Event.objects.get().matched == 1


def test_events_stay_within_their_tenant(tenant: Tenant) -> None:
    mine, foreign = make_endpoint(tenant), make_endpoint(make_tenant())
    assert routed(make_event(tenant)) == {mine}
    assert routed(make_event(foreign.tenant)) == {foreign}


def test_a_delivery_is_due_at_once_and_so_is_its_mailbox(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant)
    batch = fan_out()
    delivery = Delivery.objects.get()
    assert delivery.id == ids.delivery_id(event.id, endpoint.id)
    assert (delivery.state, delivery.trigger, delivery.attempt_count) == ("pending", "event", 0)
    assert delivery.tenant_id == tenant.id
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at <= datetime.now(UTC)
    assert mailbox_faults(endpoint.id) == []
    assert batch == FannedOut(1, 1, False, [Bell(endpoint.id, tenant.id)])
    assert fan_out() == FannedOut(0, 0, False, [])


# --- channels, filters, versions


@pytest.mark.parametrize(
    ("wanted", "given", "matches"),
    [
        ([], [], True),
        ([], ["eu"], True),
        (["eu"], [], False),
        (["eu"], ["us"], False),
        (["eu", "us"], ["us", "x"], True),
    ],
)
def test_channels(tenant: Tenant, wanted: list[str], given: list[str], matches: bool) -> None:
    endpoint = make_endpoint(tenant, channels=wanted)
    event = make_event(tenant, channels=given)
    assert (endpoint in routed(event)) is matches
    assert_trace(event, endpoint, None if matches else "channel")


@pytest.mark.parametrize(
    ("pinned", "given", "matches"), [("", "v1", True), ("v1", "v1", True), ("v1", "v2", False), ("v1", "", True)]
)
def test_a_version_pin(tenant: Tenant, pinned: str, given: str, matches: bool) -> None:
    endpoint = make_endpoint(tenant, version=pinned)
    event = make_event(tenant, version=given)
    assert (endpoint in routed(event)) is matches
    assert_trace(event, endpoint, None if matches else "version")


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({"data.amount": {"$gte": 100}}, True),
        ({"data.amount": {"$gte": 101}}, False),
        ({"metadata.plan": "pro", "version": "v1", "type": "order.created", "channels.0": "eu"}, True),
        ({"data.missing": 1}, False),
    ],
)
def test_content_filters(tenant: Tenant, condition: dict[str, Any], matches: bool) -> None:
    endpoint = make_endpoint(tenant, filter=condition)
    event = make_event(tenant, data=b'{"amount":100.0}', metadata={"plan": "pro"}, channels=["eu"])
    assert (endpoint in routed(event)) is matches
    assert_trace(event, endpoint, None if matches else "filter")


def test_one_subscription_that_fits_is_enough(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["order.*"], filter={"data.n": 2})
    Subscription.objects.create(endpoint=endpoint, pattern="order.**", filter={"data.n": 1})
    assert routed(make_event(tenant, data={"n": 1})) == {endpoint}
    assert routed(make_event(tenant, data={"n": 3})) == set()


@pytest.mark.parametrize(
    "data",
    [
        *(b"9" * 5000, b"[1e400]", b'"\\u0000"', b"null", b"[" * 64 + b"]" * 64, b'{"a":1,"a":2}'),
        *(b"{", b"\xff", b"[" * 100_000),  # by SQL only
    ],
    ids=lambda data: repr(data[:8]),
)
def test_no_data_stops_the_routing(tenant: Tenant, data: bytes) -> None:
    """Attack: one event (or filter) that raises would stop everybody's events."""
    make_endpoint(tenant, filter={"data.a": {"$gt": 1}})
    make_endpoint(tenant, filter={"data." + "9" * 5000: {"$exists": True}})
    make_endpoint(tenant, filter={"data": {"$gte": 5}})
    make_event(tenant, data=data)
    make_event(tenant, data=[1, 2])
    assert fan_out().events == 2


def test_a_filter_that_cannot_be_asked_stops_nobody_elses_events(tenant: Tenant) -> None:
    broken, other = make_endpoint(tenant, filter={"data.n": 1}), make_endpoint(tenant)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_subscription SET filter = '5' WHERE filter IS NOT NULL")  # past all checks
    event = make_event(tenant)
    assert fan_out().events == 1
    assert Delivery.objects.get().endpoint == other
    event.refresh_from_db()
    assert event.routing == [{"webhook": broken.public_id, "reason": "filter"}]


def assert_trace(event: Event, endpoint: Endpoint, refusal: str | None) -> None:
    event.refresh_from_db()
    expected = [] if refusal is None else [{"webhook": endpoint.public_id, "reason": refusal}]
    assert event.routing == expected
    assert event.matched == (refusal is None)


def test_the_trace_names_each_refusal_and_counts_the_matches(tenant: Tenant) -> None:
    for _ in range(2):
        make_endpoint(tenant)
    by_channel, by_version = make_endpoint(tenant, channels=["eu"]), make_endpoint(tenant, version="v9")
    by_filter = make_endpoint(tenant, filter={"data.n": 2})
    make_endpoint(tenant, event_types=["other"])
    event = make_event(tenant, version="v1")
    fan_out()
    event.refresh_from_db()
    assert event.matched == 2
    assert {(entry["webhook"], entry["reason"]) for entry in event.routing} == {
        (by_channel.public_id, "channel"), (by_version.public_id, "version"), (by_filter.public_id, "filter"),
    }  # fmt: skip


def test_an_event_nobody_wants_is_routed_and_says_so(tenant: Tenant) -> None:
    make_endpoint(tenant, event_types=["other"])
    event = make_event(tenant)
    assert fan_out() == FannedOut(1, 0, False, [])
    event.refresh_from_db()
    assert (event.matched, event.routing) == (0, [])
    assert event.fanned_out_at is not None


# --- states of the endpoint


@pytest.mark.parametrize("state", [Endpoint.State.PAUSED, Endpoint.State.DISABLED])
def test_deliveries_of_an_endpoint_that_is_not_active_are_held_with_the_reason(tenant: Tenant, state: str) -> None:
    endpoint = make_endpoint(tenant, state=state)
    assert routed(make_event(tenant)) == {endpoint}
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_attempt_at) == ("held", None)
    assert state in delivery.reason


def test_a_deleted_endpoint_gets_nothing(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    Endpoint.objects.filter(id=endpoint.id).update(deleted_at=Now())
    assert routed(make_event(tenant)) == set()


def test_an_endpoint_that_is_blocked_is_due_when_that_is_over(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    until = datetime(2999, 1, 1, tzinfo=UTC)
    Mailbox.objects.filter(endpoint=endpoint).update(blocked_until=until)
    make_event(tenant)
    assert fan_out().bells == []
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at == until


def test_an_endpoint_that_is_slow_or_failing_is_rung_on_the_slow_lane(tenant: Tenant) -> None:
    slow, failing, well = make_endpoint(tenant), make_endpoint(tenant), make_endpoint(tenant)
    Mailbox.objects.filter(endpoint=slow).update(latency_ms=1001)
    Mailbox.objects.filter(endpoint=failing).update(consecutive_failures=1)
    make_event(tenant)
    assert {bell.endpoint_id: bell.slow for bell in fan_out().bells} == {
        slow.id: True,
        failing.id: True,
        well.id: False,
    }


# --- operational events


def test_operational_events_reach_only_those_who_ask_by_name(tenant: Tenant) -> None:
    make_endpoint(tenant, event_types=["*"])
    wanting = {
        make_endpoint(tenant, event_types=[pattern]) for pattern in ("delivery.dead", "delivery.*", "delivery.**")
    }
    event = make_event(tenant, "delivery.dead", origin=Event.Origin.OPERATIONAL)
    assert routed(event) == wanting


def test_a_published_event_of_that_type_is_an_ordinary_one(tenant: Tenant) -> None:
    everything = make_endpoint(tenant, event_types=["*"])
    assert routed(make_event(tenant, "delivery.dead")) == {everything}


# --- once, and in batches


def test_a_repeat_makes_no_second_delivery(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant)
    fan_out()
    Delivery.objects.update(state="succeeded", next_attempt_at=None)
    Event.objects.filter(id=event.id).update(fanned_out_at=None)
    assert fan_out().deliveries == 0
    assert Delivery.objects.filter(endpoint=endpoint).values_list("state", flat=True).get() == "succeeded"


def test_a_repeat_keeps_the_trace(tenant: Tenant) -> None:
    make_endpoint(tenant)
    refused = make_endpoint(tenant, version="v9")
    event = make_event(tenant, version="v1")
    for _ in range(2):
        Event.objects.filter(id=event.id).update(fanned_out_at=None)
        fan_out()
    event.refresh_from_db()
    assert event.matched == 1
    assert event.routing == [{"webhook": refused.public_id, "reason": "version"}]


def test_a_batch_takes_the_oldest_events_and_says_whether_there_may_be_more(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_FAN_OUT_BATCH = 4
    endpoint = make_endpoint(tenant)
    made = [make_event(tenant).id for _ in range(10)]
    for taken, more in ((4, True), (8, True), (10, False)):
        batch = fan_out()
        assert batch.more is more
        assert sorted(Delivery.objects.filter(endpoint=endpoint).values_list("event_id", flat=True)) == made[:taken]


@pytest.mark.django_db(transaction=True)
def test_fan_outs_at_once_route_each_event_once(settings: Settings) -> None:
    settings.WEBHOOKS_FAN_OUT_BATCH = 7
    tenant = make_tenant()
    targets = [make_endpoint(tenant) for _ in range(5)]
    publish(tenant.id, [Draft(type="order.created", data=b"1") for _ in range(200)])

    def work() -> tuple[int, int]:
        events = deliveries = 0
        while (batch := fan_out()).events:
            events, deliveries = events + batch.events, deliveries + batch.deliveries
        return events, deliveries

    done = at_once(*[work] * 4)
    assert sum(events for events, _ in done) == 200
    assert sum(deliveries for _, deliveries in done) == 1000
    assert Delivery.objects.count() == 1000
    assert set(Event.objects.values_list("matched", flat=True)) == {5}
    assert mailbox_faults(*[endpoint.id for endpoint in targets]) == []


@pytest.mark.django_db(transaction=True)
def test_a_fan_out_that_dies_is_repeated_by_the_next() -> None:
    endpoint = make_endpoint()
    make_event(endpoint.tenant)
    with transaction.atomic():
        assert fan_out().deliveries == 1
        assert in_thread(fan_out)().events == 0
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
    assert fan_out().deliveries == 1


def count(tenant: Tenant, targets: Iterable[Endpoint], events: int) -> int:
    publish(tenant.id, [Draft(type="order.created", data=b'{"n":1}') for _ in range(events)])
    with statements() as seen:
        assert fan_out().deliveries == events * len(list(targets))
    return len(seen)


def test_the_number_of_statements_does_not_grow(tenant: Tenant) -> None:
    conditions: list[dict[str, Any] | None] = [None, {"data.n": 1}] * 10
    targets = [make_endpoint(tenant, filter=conditions[0]), make_endpoint(tenant, filter=conditions[1])]
    few = count(tenant, targets, 1)
    targets += [make_endpoint(tenant, filter=condition) for condition in conditions[2:]]
    assert count(tenant, targets, 100) == few <= 7


# --- races with a change of the endpoint's state


@pytest.mark.django_db(transaction=True)
def test_deliveries_held_while_the_endpoint_is_being_resumed_are_not_forgotten(valkey: object) -> None:
    """Attack: the fan-out sees a paused endpoint, and what resumes it does not see the fan-out's rows yet."""
    endpoint = make_endpoint()
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    make_event(endpoint.tenant)
    with connection.execute_wrapper(before_mailboxes(endpoints.resume, endpoint)):
        assert fan_out().deliveries == 1
    settle_what_is_unsettled()
    assert Delivery.objects.get().state == "pending"
    assert mailbox_faults(endpoint.id) == []


def before_mailboxes(change: Callable[[UUID], None], endpoint: Endpoint) -> Callable[..., Any]:
    """An execute wrapper: ``change`` and its settle run just before the fan-out locks the mailboxes."""

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE OF m" in sql:
            in_thread(change, endpoint.id)()
            in_thread(settle, endpoint.id)()
        return execute(sql, params, many, context)

    return interrupt


def settle_what_is_unsettled() -> None:
    for endpoint_id in Mailbox.objects.filter(unsettled=True).values_list("endpoint_id", flat=True):
        settle(endpoint_id)


@pytest.mark.django_db(transaction=True)
def test_deliveries_made_while_the_endpoint_is_being_paused_are_held_by_its_next_drain() -> None:
    endpoint = make_endpoint()
    make_event(endpoint.tenant)

    with connection.execute_wrapper(before_mailboxes(endpoints.pause, endpoint)):
        fan_out()
    assert mailbox_faults(endpoint.id) == []
    run_to_quiescence(endpoint.id)
    assert Delivery.objects.get().state == "held"
