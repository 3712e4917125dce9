"""Drains on real sockets: what is sent, and how much of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from pytest_django import Settings
from standardwebhooks import Webhook

from tests.answers import Answer, Close
from tests.factories import make_event, secret_of
from tests.receiver import Receiver
from tests.services.engine import (
    HOOK,
    SOON,
    mailbox_faults,
    post,
    run_to_quiescence,
    states,
)
from webhooks.core import envelope, ids
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.services import deliveries, endpoints
from webhooks.services.drain import Drained, drain
from webhooks.services.fan_out import fan_out
from webhooks.services.testing import send_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_a_delivery_arrives_signed_and_is_recorded(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.always(HOOK, Answer(201, [("X-Trace", "t")], b"thanks"))
    endpoint = endpoint_at(headers={"X-Team": "billing"}, auth={"type": "bearer", "token": "s3cret-canary"})
    event = make_event(endpoint.tenant, data=b'{ "n":1.0, "n":1E5 }', key="ord-1", correlation_id="req-1")
    fan_out()
    before = int(time.time())
    done = drain(endpoint.id)
    assert (done.word, done.sent, done.retry_in, done.dead, done.bells) == ("sent", 1, None, [], [])
    (request,) = receiver.requests()
    delivery = Delivery.objects.get()
    assert (request.method, request.header("webhook-id")) == ("POST", "ord-1")
    assert request.header("X-Webhook-Event") == "order.created"
    assert request.header("X-Webhook-Delivery") == delivery.public_id
    assert request.header("X-Webhook-Attempt") == "1"
    assert request.header("X-Correlation-ID") == "req-1"
    assert request.header("X-Team") == "billing"
    assert request.header("Authorization") == "Bearer s3cret-canary"
    assert request.header("Content-Type") == "application/json"
    assert (request.header("User-Agent") or "").startswith("Clarion/")
    assert before <= int(request.header("webhook-timestamp") or 0) <= time.time()
    secret = secret_of(endpoint)
    assert Webhook(secret).verify(request.body, {k.lower(): v for k, v in request.headers})
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.header("X-Webhook-Signature") == expected
    assert (delivery.state, delivery.attempt_count, delivery.response_status) == ("succeeded", 1, 201)
    assert delivery.finished_at is not None
    assert (delivery.lease_token, delivery.lease_until) == (None, None)
    attempt = Attempt.objects.get()
    assert (attempt.delivery_id, attempt.number, attempt.trigger) == (delivery.id, 1, "event")
    assert (attempt.outcome, attempt.response_status, bytes(attempt.response_body)) == ("succeeded", 201, b"thanks")
    assert ["X-Trace", "t"] in attempt.response_headers
    assert (attempt.address, attempt.request_url) == ("127.0.0.1", receiver.url(HOOK))
    assert attempt.timings["total"] > 0
    assert "s3cret-canary" not in json.dumps(attempt.request_headers)
    assert attempt.request_headers["X-Team"] == "billing"
    assert mailbox_faults(endpoint.id) == []
    assert event.public_id == "ord-1"


@pytest.mark.parametrize(
    "data",
    [b'{ "b":1, "a":2, "a":3 }', b"[1.0,1E5,-0,1e400,12345678901234567890.10]", b'"\\u0041\\u0000\\ud83d\\ude00"',
     '"é😀\u2028"'.encode(), b"null", b"9" * 5000],
)  # fmt: skip
def test_the_bytes_that_arrive_are_the_bytes_that_were_published(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, data: bytes
) -> None:
    endpoint = endpoint_at()
    moment = datetime(2025, 1, 2, tzinfo=UTC)
    event = make_event(
        endpoint.tenant, data=data, version="v2", metadata={"é": 1}, created_at=moment, correlation_id="c"
    )
    fan_out()
    drain(endpoint.id)
    (request,) = receiver.requests()
    assert request.body == envelope.build(
        public_id=event.public_id, event_type="order.created", created_at=moment, version="v2", data=data,
        metadata={"é": 1}, correlation_id="c", tenant_id=endpoint.tenant.public_id, tenant_metadata={},
    )  # fmt: skip
    assert b'"data":' + data + b',"metadata":' in request.body


def test_only_the_data_is_sent_when_that_is_the_format(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(payload_format="data")
    post(endpoint, data=lambda n: b'{ "n":1.0 }')
    drain(endpoint.id)
    assert receiver.requests()[0].body == b'{ "n":1.0 }'


def test_each_attempt_has_a_fresh_signature_and_the_same_id(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(500)])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    now = datetime.now(UTC)
    for seconds in (0, 10):
        with time_machine.travel(now + timedelta(seconds=seconds)):
            drain(endpoint.id)
    first, second = receiver.requests()
    assert first.header("webhook-id") == second.header("webhook-id")
    assert first.header("X-Webhook-Delivery") == second.header("X-Webhook-Delivery")
    assert [r.header("X-Webhook-Attempt") for r in (first, second)] == ["1", "2"]
    stamps = [int(r.header("webhook-timestamp") or 0) for r in (first, second)]
    assert stamps[1] - stamps[0] >= 9
    assert first.header("webhook-signature") != second.header("webhook-signature")
    assert first.body == second.body


def test_a_rotation_reaches_the_next_delivery_with_both_secrets(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at()
    old = secret_of(endpoint)
    post(endpoint)
    drain(endpoint.id)
    new = endpoints.rotate_secret(endpoint.id)
    post(endpoint)
    drain(endpoint.id)
    newest = endpoints.rotate_secret(endpoint.id, overlap_seconds=0)
    post(endpoint)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=1)):
        drain(endpoint.id)
    before, during, after = receiver.requests()
    assert len((before.header("webhook-signature") or "").split()) == 1
    for secret in (old, new):
        assert Webhook(secret).verify(during.body, {k.lower(): v for k, v in during.headers})
    assert Webhook(newest).verify(after.body, {k.lower(): v for k, v in after.headers})
    assert len((after.header("webhook-signature") or "").split()) == 1


def test_a_test_event_has_all_headers(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(event_types=["other"])
    event_id, delivery_id = send_test(endpoint.id)
    drain(endpoint.id)
    (request,) = receiver.requests()
    assert request.header("webhook-id") == ids.show(ids.EVENT, event_id)
    assert request.header("X-Webhook-Delivery") == ids.show(ids.DELIVERY, delivery_id)
    assert request.header("X-Correlation-ID")
    assert Attempt.objects.get().trigger == "test"


@pytest.mark.usefixtures("no_redis")
def test_deliveries_go_out_without_redis(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Answer(500), Close(), Answer(429)])
    endpoint = endpoint_at(retry_policy=SOON, rate_limit={"limit": 1, "period": 3600})
    post(endpoint, 10)
    run_to_quiescence(endpoint.id)
    assert set(states(endpoint)) == {"succeeded"}
    assert len(receiver.requests()) == 13


def test_a_drain_that_has_more_says_so_before_and_after(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at()
    post(endpoint, 15)
    early: list[UUID] = []
    done = drain(endpoint.id, lambda bells: early.extend(bell.endpoint_id for bell in bells))
    assert (done.sent, [bell.endpoint_id for bell in done.bells], early) == (10, [endpoint.id], [endpoint.id])
    done = drain(endpoint.id)
    assert (done.sent, done.bells) == (5, [])
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is None


def test_a_drain_stops_when_its_time_is_up(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_DRAIN_BUDGET = 0.1
    receiver.always(HOOK, Answer(delay=0.06))
    endpoint = endpoint_at()
    post(endpoint, 8)
    done = drain(endpoint.id)
    assert 1 <= done.sent < 8
    assert len(done.bells) == 1
    assert Delivery.objects.filter(attempt_count=0, state="pending").count() == 8 - done.sent
    assert mailbox_faults(endpoint.id) == []


def test_an_unknown_endpoint_is_gone() -> None:
    assert drain(uuid4()) == Drained("gone")


def test_a_delivery_of_a_manual_retry_goes_to_the_front(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(500)])
    endpoint = endpoint_at()
    (delivery_id,) = post(endpoint)
    drain(endpoint.id)
    assert [bell.endpoint_id for bell in deliveries.retry([delivery_id])] == [endpoint.id]
    assert mailbox_faults(endpoint.id) == []
    drain(endpoint.id)
    assert states(endpoint) == ["succeeded"]
