"""Endpoints that are not well: Retry-After, time-outs, the breaker and its one probe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from tests.answers import Answer, Drip, Hang
from tests.receiver import Receiver
from tests.services.engine import (
    HOOK,
    SOON,
    at_once,
    in_thread,
    later,
    mailbox_faults,
    post,
    run_to_quiescence,
    states,
)
from webhooks.guards import gate
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.services.drain import drain
from webhooks.services.sweep import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_blocks_the_endpoint(endpoint_at: Callable[..., Endpoint], receiver: Receiver, status: int) -> None:
    receiver.script(HOOK, [Answer(status, [("Retry-After", "3600")])])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint, 3)
    before = datetime.now(UTC)
    done = drain(endpoint.id)
    assert (done.sent, done.bells, done.retry_in) == (1, [], None)
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.blocked_reason == "retry_after"
    assert mailbox.blocked_until is not None
    assert timedelta(seconds=3600) <= mailbox.blocked_until - before < timedelta(seconds=3660)
    assert mailbox.next_due_at == mailbox.blocked_until
    assert drain(endpoint.id).word == "blocked"
    post(endpoint)
    assert sweep().bells == []
    assert len(receiver.requests()) == 1
    assert mailbox_faults(endpoint.id) == []
    later(endpoint)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"] * 4


def test_retry_after_counts_when_its_own_delivery_has_no_retry_left(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(503, [("Retry-After", "3600")])])
    endpoint = endpoint_at(retry_policy="none")
    post(endpoint, 2)
    done = drain(endpoint.id)
    assert (done.sent, len(done.dead)) == (1, 1)
    assert Mailbox.objects.get(endpoint=endpoint).blocked_reason == "retry_after"


def test_a_short_block_does_not_end_a_long_one(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Hang(Answer(503, [("Retry-After", "10")])), Answer(503, [("Retry-After", "3600")])])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint, 20)
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    drain(endpoint.id)
    receiver.release()
    first()
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.blocked_until is not None
    assert mailbox.blocked_until - datetime.now(UTC) > timedelta(seconds=3000)


def test_a_time_out_ends_the_batch_and_the_rest_is_given_back_uncounted(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(), Hang()])
    endpoint = endpoint_at(timeout=1, retry_policy={"schedule": [500], "jitter": 0})
    post(endpoint, 5)
    done = drain(endpoint.id)
    assert (done.sent, len(done.bells)) == (2, 1)
    assert done.bells[0].slow
    rows = list(Delivery.objects.order_by("event_id").values_list("state", "attempt_count", "lease_token"))
    assert rows == [("succeeded", 1, None), ("pending", 1, None), *[("pending", 0, None)] * 3]
    assert Attempt.objects.get(outcome="failed").error == "timeout"
    assert mailbox_faults(endpoint.id) == []
    while drain(endpoint.id).word != "idle":
        pass
    assert states(endpoint) == ["succeeded", "pending", *["succeeded"] * 3]
    assert set(Delivery.objects.values_list("attempt_count", flat=True)) == {1}


def test_a_drip_is_a_time_out(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Drip(Answer(200), interval=0.3, head_too=True)])
    endpoint = endpoint_at(timeout=1)
    post(endpoint)
    drain(endpoint.id)
    assert Attempt.objects.get().error == "timeout"
    assert states(endpoint) == ["pending"]


def test_the_breaker_opens_after_five_failures_in_a_row(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at()
    post(endpoint, 20)
    done = drain(endpoint.id)
    assert (done.sent, done.bells) == (5, [])
    assert gate.breaker_states([endpoint.id]) == {endpoint.id: "open"}
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert (mailbox.blocked_reason, mailbox.consecutive_failures) == ("breaker", 5)
    assert drain(endpoint.id).word == "blocked"
    Mailbox.objects.update(blocked_until=None, next_due_at=datetime.now(UTC))
    assert drain(endpoint.id).word == "breaker"
    assert len(receiver.requests()) == 5
    assert Delivery.objects.filter(attempt_count=0).count() == 15
    assert mailbox_faults(endpoint.id) == []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_whose_clock_is_wrong_leaves_an_endpoint_alone_for_as_long_as_any_other(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Attack: Redis says when the breaker lets through, and the worker counts from an hour before or after."""
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at()
    post(endpoint, 6)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)
    for word, again in (("failing", "blocked"), ("breaker", "blocked")):
        assert drain(endpoint.id).word == word
        mailbox = Mailbox.objects.get(endpoint=endpoint)
        assert mailbox.blocked_until is not None
        assert timedelta(seconds=50) < mailbox.blocked_until - datetime.now(UTC) < timedelta(seconds=62)
        assert drain(endpoint.id).word == again
        Mailbox.objects.update(blocked_until=None, next_due_at=datetime.now(UTC))


def test_of_many_drains_at_an_open_breaker_one_is_the_probe(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_BREAKER_COOLDOWN = 0.2
    receiver.script(HOOK, [Answer(500)] * 5 + [Hang()])
    endpoint = endpoint_at(retry_policy=SOON, max_in_flight=50)
    post(endpoint, 20)
    drain(endpoint.id)
    half_open(endpoint)
    probe = in_thread(drain, endpoint.id)
    receiver.wait_for(6)
    others = at_once(*[lambda: drain(endpoint.id)] * 6)
    assert {done.sent for done in others} == {0}
    assert len(receiver.requests()) == 6
    receiver.release()
    assert probe().sent == 1
    assert gate.breaker_states([endpoint.id]) == {endpoint.id: "closed"}
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.blocked_until is None or mailbox.blocked_until < datetime.now(UTC) + timedelta(seconds=1)
    run_to_quiescence(endpoint.id, seconds=10)
    assert set(states(endpoint)) == {"succeeded"}


def half_open(endpoint: Endpoint) -> None:
    """Wait until the breaker lets a probe through, and forget what the mailbox knows of it."""
    while gate.breaker_states([endpoint.id])[endpoint.id] != "half_open":
        threading.Event().wait(0.01)
    Mailbox.objects.filter(endpoint=endpoint).update(blocked_until=None, blocked_reason="")


def test_a_probe_among_drains_that_start_together_is_one(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_BREAKER_COOLDOWN = 0.2
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at(retry_policy={"schedule": [0] * 20, "jitter": 0}, max_in_flight=50)
    post(endpoint, 20)
    drain(endpoint.id)
    half_open(endpoint)
    done = at_once(*[lambda: drain(endpoint.id)] * 8)
    assert sorted(one.sent for one in done) == [0] * 7 + [1]
    assert len(receiver.requests()) == 6
    # Its failure opens the breaker again, for twice the time.
    assert gate.breaker_states([endpoint.id]) == {endpoint.id: "open"}
