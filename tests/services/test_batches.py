"""Several events in one request: when it goes, what it holds, and what its answer settles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from standardwebhooks import Webhook

from tests.answers import Answer, Request
from tests.factories import secret_of
from tests.receiver import Receiver
from tests.services.engine import HOOK, SOON, later, mailbox_faults, post, run_to_quiescence, states
from webhooks.guards import gate
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.services.drain import drain
from webhooks.services.testing import send_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

OF_THREE = {"max_events": 3, "max_wait": 60}


def batches(receiver: Receiver) -> list[list[int]]:
    """The ``data`` of each request's events."""
    return [[event["data"] for event in request.json()["events"]] for request in receiver.requests()]


def settling(**status: int) -> Callable[[Request], Answer]:
    """A 207 answer that names events by their data: ``settling(_0=200, _1=500)``."""

    def answer(request: Request) -> Answer:
        named = {f"_{event['data']}": event["id"] for event in request.json()["events"]}
        results = [{"id": named[name], "status": code} for name, code in status.items()]
        return Answer(207, body=json.dumps({"results": results}).encode())

    return answer


def waited(endpoint: Endpoint) -> None:
    """The oldest waiting delivery has waited long enough."""
    oldest = Delivery.objects.filter(endpoint=endpoint, state="pending").order_by("id").first()
    assert oldest is not None
    Delivery.objects.filter(id=oldest.id).update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
    Mailbox.objects.filter(endpoint=endpoint).update(next_due_at=F("next_due_at") - timedelta(hours=1))


def test_a_full_batch_goes_at_once(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch=OF_THREE)
    post(endpoint, 3)

    assert drain(endpoint.id).sent == 3

    assert batches(receiver) == [[0, 1, 2]]
    assert states(endpoint) == ["succeeded"] * 3


def test_what_does_not_fill_a_batch_waits_and_asks_nobody_meanwhile(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(batch=OF_THREE)
    post(endpoint, 5)

    drain(endpoint.id)
    assert drain(endpoint.id).word == "idle"

    assert batches(receiver) == [[0, 1, 2]]
    assert states(endpoint) == ["succeeded"] * 3 + ["pending"] * 2
    assert set(Delivery.objects.filter(state="pending").values_list("attempt_count", flat=True)) == {0}
    due = Mailbox.objects.get(endpoint=endpoint).next_due_at
    assert due == min(Delivery.objects.filter(state="pending").values_list("next_attempt_at", flat=True))


def test_a_batch_that_has_waited_long_enough_takes_along_what_came_since(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(batch={"max_events": 100, "max_wait": 60})
    post(endpoint, 4)
    assert drain(endpoint.id).word == "idle"

    waited(endpoint)
    run = drain(endpoint.id)

    assert (run.sent, batches(receiver)) == (4, [[0, 1, 2, 3]])


def test_without_a_wait_every_drain_sends_what_there_is(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(batch={"max_events": 10, "max_wait": 0})
    post(endpoint, 12)

    run_to_quiescence(endpoint.id)

    assert batches(receiver) == [list(range(10)), [10, 11]]


def test_a_batch_is_one_signed_message_with_the_batch_as_its_id(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(batch=OF_THREE)
    post(endpoint, 3, data=b'{"n":%d.0}'.__mod__)

    drain(endpoint.id)

    (request,) = receiver.requests()
    body = request.json()
    assert list(body) == ["batch_id", "created_at", "event_count", "events"]
    assert (body["event_count"], len(body["events"])) == (3, 3)
    assert body["batch_id"].startswith("bat_")
    assert request.header("webhook-id") == request.header("X-Webhook-Delivery") == body["batch_id"]
    assert request.header("X-Webhook-Event") == "webhook.batch"
    assert b'"data":{"n":2.0},' in request.body
    Webhook(secret_of(endpoint)).verify(request.body, {k.lower(): v for k, v in request.headers})
    assert Attempt.objects.filter(response_status=200, outcome="succeeded").count() == 3


def test_a_batch_that_fails_comes_again_as_the_same_bytes_under_the_same_id(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(500)])
    endpoint = endpoint_at(batch=OF_THREE, retry_policy=SOON)
    post(endpoint, 3)
    drain(endpoint.id)
    post(endpoint, 2)  # younger ones do not mix in
    later(endpoint)

    run_to_quiescence(endpoint.id)

    first, second, third = receiver.requests()
    assert first.body == second.body
    assert first.header("webhook-id") == second.header("webhook-id") != third.header("webhook-id")
    assert (first.header("X-Webhook-Attempt"), second.header("X-Webhook-Attempt")) == ("1", "2")
    assert states(endpoint) == ["succeeded"] * 5


def test_a_failed_batch_counts_once_against_its_endpoint(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(503))
    endpoint = endpoint_at(batch={"max_events": 100, "max_wait": 0})
    post(endpoint, 50)

    drain(endpoint.id)

    assert len(receiver.requests()) == 1
    assert Mailbox.objects.get(endpoint=endpoint).consecutive_failures == 1
    assert gate.breaker_states([endpoint.id])[endpoint.id] == "closed"
    assert Delivery.objects.filter(state="pending").values("next_attempt_at").distinct().count() == 1


def test_a_207_answer_settles_each_event_by_itself(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch={"max_events": 4, "max_wait": 0}, retry_policy=SOON)
    receiver.script(HOOK, [settling(_0=200, _1=500, _2=422), settling(_1=201, _3=200)])
    post(endpoint, 4)

    drain(endpoint.id)
    assert states(endpoint) == ["succeeded", "pending", "dead", "pending"]  # the last one was not named
    assert Mailbox.objects.get(endpoint=endpoint).consecutive_failures == 0
    run_to_quiescence(endpoint.id)

    assert batches(receiver) == [[0, 1, 2, 3], [1, 3]]
    assert states(endpoint) == ["succeeded", "succeeded", "dead", "succeeded"]
    dead = Delivery.objects.get(state="dead")
    assert dead.reason == "HTTP 207 with status 422 for this event"
    assert dead.response_status == 207


def test_an_event_that_is_gone_does_not_disable_the_endpoint(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(batch={"max_events": 2, "max_wait": 0})
    receiver.script(HOOK, [settling(_0=200, _1=410)])
    post(endpoint, 2)

    drain(endpoint.id)

    endpoint.refresh_from_db()
    assert (states(endpoint), endpoint.state) == (["succeeded", "dead"], "active")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b'{"results":{}}',
        b'{"results":[{"id":1,"status":500}]}',
        b'{"results":[{"id":"a"}]}',
        b"[" * 9999,
    ],
)
def test_a_207_that_is_no_such_answer_is_a_success_like_any_2xx(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, body: bytes
) -> None:
    endpoint = endpoint_at(batch={"max_events": 2, "max_wait": 0})
    receiver.always(HOOK, Answer(207, body=body))
    post(endpoint, 2)

    drain(endpoint.id)

    assert states(endpoint) == ["succeeded"] * 2


def test_a_207_means_nothing_special_without_batches(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at()
    (delivery_id,) = post(endpoint, 1)
    event = Delivery.objects.get(id=delivery_id).event
    body = json.dumps({"results": [{"id": event.public_id, "status": 500}]}).encode()
    receiver.always(HOOK, Answer(207, body=body))

    drain(endpoint.id)

    assert states(endpoint) == ["succeeded"]


def test_a_hundred_long_ids_fit_in_an_answer(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch={"max_events": 100, "max_wait": 0}, retry_policy="none")

    def answer(request: Request) -> Answer:
        results = [{"id": e["id"], "status": 500, "detail": "x" * 200} for e in request.json()["events"]]
        return Answer(207, body=json.dumps({"results": results}).encode())

    receiver.script(HOOK, [answer])
    post(endpoint, 100)

    drain(endpoint.id)

    assert set(states(endpoint)) == {"dead"}
    assert max(len(bytes(body)) for body in Attempt.objects.values_list("response_body", flat=True)) == 16_384


def test_large_events_make_small_batches(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch={"max_events": 100, "max_wait": 0})
    post(endpoint, 10, data=lambda n: b'"%b"' % (b"x" * 250_000))

    run_to_quiescence(endpoint.id)

    assert sorted(len(batch) for batch in batches(receiver)) == [1, 3, 3, 3]
    assert states(endpoint) == ["succeeded"] * 10


def test_one_token_of_the_rate_pays_for_a_batch(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch={"max_events": 5, "max_wait": 0}, rate_limit={"limit": 2, "period": 3600})
    post(endpoint, 15)

    words = [drain(endpoint.id).word for _ in range(3)]

    assert words == ["sent", "rate_limit", "blocked"]
    assert [len(batch) for batch in batches(receiver)] == [5, 5]
    assert mailbox_faults(endpoint.id) == []


def test_a_test_event_does_not_wait_for_others(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(batch=OF_THREE)

    send_test(endpoint.id)
    drain(endpoint.id)

    (request,) = receiver.requests()
    assert [event["type"] for event in request.json()["events"]] == ["webhook.test"]
