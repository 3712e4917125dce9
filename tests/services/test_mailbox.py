"""The promise of the mailbox under any interleaving: what is pending is found by the sweep, and arrives."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from tests.answers import Answer, Request, Step
from tests.factories import make_endpoint, make_tenant
from tests.receiver import Receiver
from tests.services.engine import at_once, in_thread, mailbox_faults, run_to_quiescence
from webhooks.core import ids
from webhooks.errors import Conflict
from webhooks.models import Delivery, Endpoint, Event, Mailbox
from webhooks.services import deliveries, endpoints, record
from webhooks.services.claim import claim
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.settle import settle
from webhooks.services.sweep import sweep
from webhooks.services.target import load

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

PATIENT = {"schedule": [0] * 20, "jitter": 0}


def one_more(endpoint: Endpoint) -> None:
    publish(endpoint.tenant_id, [Draft(type="order.created", data=b"1")])
    fan_out()


@pytest.mark.parametrize(
    "before",
    [
        "WITH due AS",
        "WITH r AS",
        "SELECT oldest_pending_id",
        "latency_ms = CASE",
        "next_due_at = CASE WHEN (SELECT ordered",
    ],
)
def test_a_fan_out_in_the_middle_of_a_drain_is_not_overlooked(receiver: Receiver, before: str) -> None:
    """Attack: a drain finds its endpoint empty; before it says so, a fan-out brings something new."""
    endpoint = make_endpoint(url=receiver.url("/hook"))
    one_more(endpoint)
    started: list[Callable[[], None]] = []

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if before in sql and not started:
            started.append(in_thread(one_more, endpoint))
            let_it_run_or_wait(endpoint)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt):
        drain(endpoint.id)
        drain(endpoint.id)
    started[0]()
    assert mailbox_faults(endpoint.id) == []
    run_to_quiescence(endpoint.id)
    assert len(receiver.requests()) == 2


def let_it_run_or_wait(endpoint: Endpoint) -> None:
    """Until the other thread has committed its delivery or waits for a lock of ours."""
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), EXISTS (SELECT 1 FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'), "
                "(SELECT count(*) FROM webhooks_delivery WHERE endpoint_id = %s)",
                [endpoint.id],
            )
            _, waiting, count = cursor.fetchone()
        if waiting or count > 1:
            return


def test_an_older_key_that_commits_late_lowers_the_bound(receiver: Receiver) -> None:
    """Attack: the key of a delivery has the time of its event, so one routed later may lie below the bound."""
    endpoint = make_endpoint(url=receiver.url("/hook"))
    first, new = publish(endpoint.tenant_id, [Draft(type="order.created", data=b"%d" % n) for n in range(2)])
    old = ids.floor(datetime.now(UTC) - timedelta(seconds=1))
    Event.objects.filter(id=first.id).update(id=old, fanned_out_at=datetime.now(UTC))
    fan_out()
    assert Mailbox.objects.get().oldest_pending_id == ids.delivery_id(new.id, endpoint.id)
    Event.objects.filter(id=old).update(fanned_out_at=None)
    fan_out()
    assert Mailbox.objects.get().oldest_pending_id == ids.delivery_id(old, endpoint.id)
    run_to_quiescence(endpoint.id)
    assert len(receiver.requests()) == 2


def test_the_bound_rises_when_what_it_named_is_finished(receiver: Receiver) -> None:
    endpoint = make_endpoint(url=receiver.url("/hook"), retry_policy={"schedule": [500], "jitter": 0})
    receiver.script("/hook", [Answer(), Answer(500)])
    made = publish(endpoint.tenant_id, [Draft(type="order.created", data=b"%d" % n) for n in range(3)])
    fan_out()
    drain(endpoint.id)
    mailbox = Mailbox.objects.get()
    waiting = Delivery.objects.get(state="pending")
    assert waiting.event_id == made[1].id
    assert (mailbox.oldest_pending_id, mailbox.next_due_at) == (waiting.id, waiting.next_attempt_at)


def test_settling_an_empty_mailbox_empties_it() -> None:
    endpoint = make_endpoint()
    Mailbox.objects.update(next_due_at="2020-01-01T00:00:00Z", oldest_pending_id=uuid4())
    record.settle_mailbox(endpoint.id)
    mailbox = Mailbox.objects.get()
    assert (mailbox.next_due_at, mailbox.oldest_pending_id) == (None, None)


def test_a_drain_and_a_change_of_its_endpoint_do_not_deadlock(receiver: Receiver) -> None:
    """Attack: the drain holds the mailbox and its commit looks at the endpoint; the change holds them the other way."""
    endpoint = make_endpoint(url=receiver.url("/hook"))
    one_more(endpoint)
    started: list[Callable[[], None]] = []

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "latency_ms = CASE" in sql:
            started.append(in_thread(endpoints.pause, endpoint.id))
            let_it_run_or_wait(endpoint)
        return result

    with connection.execute_wrapper(interrupt):
        assert drain(endpoint.id).sent == 1
    started[0]()
    endpoint.refresh_from_db()
    assert endpoint.state == "paused"


class Chaos:
    """Threads that do anything a deployment can do at any time, with workers that die and answers that fail."""

    def __init__(self, seed: int, receiver: Receiver) -> None:
        self._draw = random.Random(seed)
        self._lock = threading.Lock()
        self.accepted: list[UUID] = []
        self.tenant = make_tenant()
        self.steady = make_endpoint(self.tenant, receiver.url("/steady"), retry_policy=PATIENT, max_in_flight=3)
        self.paused = make_endpoint(self.tenant, receiver.url("/paused"), retry_policy=PATIENT)
        self.ordered = make_endpoint(self.tenant, receiver.url("/ordered"), retry_policy=PATIENT, ordered=True)
        self.all = (self.steady, self.paused, self.ordered)
        for endpoint in self.all:
            receiver.always("/" + endpoint.url.rsplit("/", 1)[1], self.answer)

    def choose(self, choices: Any) -> Any:
        with self._lock:
            return self._draw.choice(choices)

    def answer(self, request: Request) -> Step:
        return Answer(self.choose([200] * 6 + [500, 503, 429]))

    def work(self) -> None:
        for _ in range(25):
            step = self.choose(
                [self.publish, fan_out, self.drain, self.drain, self.pause, self.crash, sweep, self.hurry]
            )
            step()

    def publish(self) -> None:
        made = publish(self.tenant.id, [Draft(type="order.created", data=b"%d" % n) for n in range(3)])
        with self._lock:
            self.accepted += [event.id for event in made]

    def drain(self) -> None:
        drain(self.choose(self.all).id)

    def pause(self) -> None:
        change = self.choose([endpoints.pause, endpoints.resume, endpoints.enable, endpoints.disable])
        try:
            change(self.paused.id)
        except Conflict:
            return
        if self.choose([True, False]):  # the doorbell may be lost
            settle(self.paused.id)

    def crash(self) -> None:
        """A worker that claims and is never heard of again."""
        target = load(self.choose(self.all).id)
        if target is not None and target.active:
            claim(target, uuid4(), limit=2, lease=0.01)

    def hurry(self) -> None:
        deliveries.retry(list(Delivery.objects.filter(state="pending").values_list("id", flat=True)[:3]))


@pytest.mark.parametrize("seed", range(4))
def test_after_any_interleaving_every_event_arrives_and_nothing_is_stuck(
    receiver: Receiver, settings: Settings, seed: int
) -> None:
    settings.WEBHOOKS_FAN_OUT_BATCH = 5
    settings.WEBHOOKS_FAN_OUT_GRACE = -1.0
    settings.WEBHOOKS_BREAKER_COOLDOWN = 0.05
    settings.WEBHOOKS_BREAKER_MAX_COOLDOWN = 0.05
    chaos = Chaos(seed, receiver)
    at_once(*[chaos.work] * 4)
    run_to_quiescence(chaos.steady.id, chaos.ordered.id)
    endpoints.enable(chaos.paused.id)
    keys = [endpoint.id for endpoint in chaos.all]
    run_to_quiescence(*keys)
    # A retry by hand of what had just arrived makes a delivery more, for the same event.
    states = Counter(Delivery.objects.exclude(trigger="manual").values_list("state", flat=True))
    assert states == {"succeeded": 3 * len(chaos.accepted)}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"succeeded"}
    shown = {ids.show(ids.EVENT, event_id) for event_id in chaos.accepted}
    for path in ("/steady", "/paused", "/ordered"):
        assert {request.header("webhook-id") for request in receiver.requests(path)} == shown
    assert mailbox_faults(*keys) == []
    assert set(Mailbox.objects.values_list("next_due_at", "oldest_pending_id", "unsettled")) == {(None, None, False)}
    assert receiver.peak_in_flight("/ordered") == 1
    assert receiver.peak_in_flight("/steady") <= 3
