"""Drains beside each other: the endpoint's limits, its rate, and the order of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from tests.answers import Answer
from tests.factories import make_endpoint, make_event, make_tenant
from tests.receiver import Receiver
from tests.services.engine import (
    HOOK,
    at_once,
    in_thread,
    later,
    mailbox_faults,
    post,
    run_to_quiescence,
    states,
    wait_for_a_lock,
)
from webhooks.models import Attempt, Delivery, Endpoint, Event, Mailbox
from webhooks.services import drain as drain_module
from webhooks.services import endpoints
from webhooks.services.claim import claim
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.settle import settle
from webhooks.services.target import load

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_no_more_requests_are_under_way_than_the_endpoint_allows(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(delay=0.02))
    endpoint = endpoint_at(max_in_flight=3)
    post(endpoint, 60)

    def work() -> None:
        while Delivery.objects.filter(endpoint=endpoint, state="pending").exists():
            drain(endpoint.id)

    at_once(*[work] * 8)
    assert len(receiver.requests()) == 60
    assert receiver.peak_in_flight(HOOK) == 3
    assert set(states(endpoint)) == {"succeeded"}


def test_no_delivery_is_sent_twice_by_drains_at_once(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(max_in_flight=50)
    post(endpoint, 150)

    def work() -> None:
        while drain(endpoint.id).word != "idle":
            pass

    at_once(*[work] * 6)
    run_to_quiescence(endpoint.id)
    sent = [request.header("X-Webhook-Delivery") for request in receiver.requests()]
    assert len(sent) == len(set(sent)) == 150
    assert Attempt.objects.count() == 150


def test_the_rate_limit_is_kept(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(rate_limit={"limit": 4, "period": 3600}, max_in_flight=50)
    post(endpoint, 20)
    done = at_once(*[lambda: drain(endpoint.id)] * 5)
    assert sum(one.sent for one in done) == 4
    assert len(receiver.requests()) == 4
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.blocked_reason == "rate_limit"
    assert mailbox_faults(endpoint.id) == []
    assert Delivery.objects.filter(attempt_count=0, state="pending").count() == 16


def test_what_was_not_sent_is_not_charged_to_the_rate(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(rate_limit={"limit": 4, "period": 3600})
    for sent in (1, 2, 3, 4):
        post(endpoint)
        assert drain(endpoint.id).sent == 1
        assert len(receiver.requests()) == sent
    post(endpoint)
    assert drain(endpoint.id).word == "rate_limit"


def sequence(receiver: Receiver, path: str = HOOK) -> list[int]:
    return [request.json()["data"] for request in receiver.requests(path)]


def test_an_ordered_endpoint_gets_events_in_order_one_at_a_time(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(ordered=True, max_in_flight=50)
    post(endpoint, 40)

    def work() -> None:
        while Delivery.objects.filter(endpoint=endpoint, state__in=["pending", "sending"]).exists():
            drain(endpoint.id)

    at_once(*[work] * 4)
    assert sequence(receiver) == list(range(40))
    assert receiver.peak_in_flight(HOOK) == 1


def test_the_head_of_an_ordered_line_holds_it_while_others_proceed(receiver: Receiver) -> None:
    tenant = make_tenant()
    ordered = make_endpoint(tenant, receiver.url("/ordered"), ordered=True)
    other = make_endpoint(tenant, receiver.url("/other"))
    receiver.script("/ordered", [Answer(), Answer(500)])
    post(ordered, 5)
    for _ in range(3):
        drain(ordered.id)
        drain(other.id)
    assert sequence(receiver, "/ordered") == [0, 1]
    assert sorted(sequence(receiver, "/other")) == [0, 1, 2, 3, 4]
    later(ordered)
    run_to_quiescence(ordered.id)
    assert sequence(receiver, "/ordered") == [0, 1, 1, 2, 3, 4]


def test_a_dead_event_does_not_hold_the_line(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Answer(), Answer(400)])
    endpoint = endpoint_at(ordered=True)
    post(endpoint, 4)
    run_to_quiescence(endpoint.id)
    assert sequence(receiver) == [0, 1, 2, 3]
    assert states(endpoint) == ["succeeded", "dead", "succeeded", "succeeded"]


def test_a_later_event_that_was_routed_first_waits_for_the_earlier_one(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, settings: Settings
) -> None:
    """Attack: of two fan-outs at once the one with the later events commits first."""
    settings.WEBHOOKS_FAN_OUT_BATCH = 2
    endpoint = endpoint_at(ordered=True)
    publish(endpoint.tenant_id, [Draft(type="order.created", data=b"%d" % n) for n in range(4)])
    overtaking: list[int] = []

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE OF m" in sql:
            overtaking.append(in_thread(fan_out)().events)
            overtaking.append(in_thread(drain, endpoint.id)().sent)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt):
        fan_out()
    assert overtaking == [2, 0]
    assert mailbox_faults(endpoint.id) == []
    run_to_quiescence(endpoint.id)
    assert sequence(receiver) == [0, 1, 2, 3]


def test_an_earlier_event_that_is_routed_while_a_drain_begins_goes_first(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: the drain has read the bound on the endpoint's keys; then the slower of two fan-outs commits below it."""
    settings.WEBHOOKS_FAN_OUT_BATCH = 2
    endpoint = endpoint_at(ordered=True)
    for pair in ((0, 1), (2, 3)):  # in milliseconds of their own: within one, keys do not sort like their events
        publish(endpoint.tenant_id, [Draft(type="order.created", data=b"%d" % n) for n in pair])
    begun: list[Any] = []

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "FOR UPDATE OF m" in sql:
            in_thread(fan_out)()
            begun.append(in_thread(load, endpoint.id)())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt):
        fan_out()
    with monkeypatch.context() as patched:
        patched.setattr(drain_module, "load", lambda _: begun[0])
        assert drain(endpoint.id).sent == 4
    assert sequence(receiver) == [0, 1, 2, 3]
    assert set(states(endpoint)) == {"succeeded"}
    assert mailbox_faults(endpoint.id) == []


def test_what_was_held_goes_first_when_an_ordered_endpoint_is_resumed(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    """Attack: a later event is routed and drained between the resumption and the release of the held ones."""
    endpoint = endpoint_at(ordered=True)
    endpoints.pause(endpoint.id)
    post(endpoint, 3)
    settle(endpoint.id)
    assert set(states(endpoint)) == {"held"}
    endpoints.resume(endpoint.id)
    post(endpoint, 2)
    assert drain(endpoint.id).sent == 0
    settle(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert [request.header("webhook-id") for request in receiver.requests()] == [
        event.public_id for event in Event.objects.order_by("id")
    ]


def test_an_event_of_another_tenant_that_is_not_routed_holds_no_line(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(ordered=True)
    early = make_event(make_tenant())
    post(endpoint, 2)
    Event.objects.filter(id=early.id).update(fanned_out_at=None)
    assert drain(endpoint.id).sent == 2


@pytest.mark.usefixtures("no_redis")
def test_the_order_is_kept_without_redis(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    """Attack: without slots two drains claim at once; the second skips the rows of the first and overtakes it."""
    endpoint = endpoint_at(ordered=True)
    post(endpoint, 30)
    target = load(endpoint.id)
    assert target is not None
    with transaction.atomic():
        assert len(claim(target, uuid4(), limit=10, lease=30).rows) == 10
        second = in_thread(lambda: claim(target, uuid4(), limit=10, lease=30))
        wait_for_a_lock(seconds=2)
    assert second().rows == []
