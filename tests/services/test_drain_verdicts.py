"""What a drain makes of answers: success, retries by the policy, death, an endpoint that is gone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.answers import Answer
from tests.factories import make_delivery, make_endpoint
from tests.receiver import Receiver
from tests.services.engine import (
    HOOK,
    SOON,
    later,
    mailbox_faults,
    post,
    run_to_quiescence,
    states,
)
from webhooks.core import envelope
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.services import endpoints
from webhooks.services.drain import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_a_failure_is_retried_by_the_policy_and_is_dead_after_the_last(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(503, body=b"down"))
    endpoint = endpoint_at(retry_policy="default")
    (delivery_id,) = post(endpoint)
    for number, step in enumerate((10, 30, 90, 270), 1):
        done = drain(endpoint.id)
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.attempt_count, delivery.reason) == ("pending", number, "HTTP 503")
        attempt = Attempt.objects.get(number=number)
        assert delivery.next_attempt_at is not None
        delay = (delivery.next_attempt_at - attempt.started_at).total_seconds()
        assert step <= delay < step * 1.1 + 5
        assert (done.word, done.dead) == ("failing", [])
        assert (done.retry_in is not None) is (step < 60)
        assert mailbox_faults(endpoint.id) == []
        later(endpoint)
    drain(endpoint.id)
    later(endpoint)
    done = drain(endpoint.id)
    assert done.dead == [delivery_id]
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.next_attempt_at) == ("dead", 6, None)
    assert delivery.reason == "no retries left after 6 attempts: HTTP 503"
    assert len(receiver.requests()) == 6
    triggers = list(Attempt.objects.order_by("number").values_list("trigger", flat=True))
    assert triggers == ["event", *["retry"] * 5]
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"failed"}


def test_nothing_is_sent_before_its_time(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Answer(500)])
    endpoint = endpoint_at()
    post(endpoint)
    drain(endpoint.id)
    assert drain(endpoint.id).word == "idle"
    assert len(receiver.requests()) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_a_refusal_is_dead_at_once(endpoint_at: Callable[..., Endpoint], receiver: Receiver, status: int) -> None:
    receiver.always(HOOK, Answer(status, [("Location", receiver.url("/other"))]))
    endpoint = endpoint_at()
    (delivery_id,) = post(endpoint)
    done = drain(endpoint.id)
    assert done.dead == [delivery_id]
    assert Delivery.objects.get().reason == f"HTTP {status}"
    assert len(receiver.requests()) == 1
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert (mailbox.consecutive_failures, mailbox.failing_since) == (0, None)


def test_a_refusal_is_retried_for_an_endpoint_that_asks_for_it(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(404)])
    endpoint = endpoint_at(retry_client_errors=True, retry_policy=SOON)
    post(endpoint)
    drain(endpoint.id)
    assert states(endpoint) == ["pending"]
    drain(endpoint.id)
    assert states(endpoint) == ["succeeded"]


def test_a_policy_without_retries_is_dead_after_one_attempt(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at(retry_policy="none")
    post(endpoint)
    assert len(drain(endpoint.id).dead) == 1
    assert drain(endpoint.id).word == "idle"


def test_gone_disables_the_endpoint_and_holds_what_is_left(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Answer(410)])
    endpoint = endpoint_at()
    first, *_ = post(endpoint, 5)
    done = drain(endpoint.id)
    assert done.dead == [first]
    endpoint.refresh_from_db()
    assert endpoint.state == "disabled"
    assert "410" in endpoint.disabled_reason
    assert states(endpoint) == ["dead", "held", "held", "held", "held"]
    assert len(receiver.requests()) == 1
    assert set(Delivery.objects.filter(state="held").values_list("attempt_count", flat=True)) == {0}
    endpoints.enable(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["dead", *["succeeded"] * 4]


def test_only_failures_for_five_days_disable_the_endpoint(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    drain(endpoint.id)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    since = datetime.now(UTC) - timedelta(days=5, seconds=1)
    Mailbox.objects.filter(endpoint=endpoint).update(failing_since=since, consecutive_failures=4)
    drain(endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "Every delivery failed for 5 days.")
    assert states(endpoint) == ["held"]


def test_two_failures_with_idle_days_between_them_disable_nothing(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Answer(500))
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    long_ago = datetime.now(UTC) - timedelta(days=6)
    Mailbox.objects.filter(endpoint=endpoint).update(failing_since=long_ago, consecutive_failures=1)
    drain(endpoint.id)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"


def test_one_success_ends_the_count_of_failing_days(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Answer(500)])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    drain(endpoint.id)
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.failing_since is not None
    assert mailbox.consecutive_failures == 1
    drain(endpoint.id)
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert (mailbox.failing_since, mailbox.consecutive_failures) == (None, 0)
    assert mailbox.last_success_at is not None


def test_an_event_that_is_gone_is_dead_with_the_reason(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at()
    make_delivery(endpoint).event.delete()
    assert len(drain(endpoint.id).dead) == 1
    assert "retention" in Delivery.objects.get().reason
    assert Attempt.objects.get().error == "internal_error"
    assert receiver.requests() == []


def test_a_forbidden_address_is_dead_at_once_and_says_nothing_of_the_network() -> None:
    endpoint = make_endpoint()
    Endpoint.objects.filter(id=endpoint.id).update(url="http://10.0.0.1/x", updated_at=datetime.now(UTC))
    post(endpoint)
    assert len(drain(endpoint.id).dead) == 1
    attempt = Attempt.objects.get()
    assert attempt.error == "invalid_url"
    assert attempt.address == ""


def test_a_refused_connection_is_retried_with_its_error_class() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    endpoint = make_endpoint(url=f"http://127.0.0.1:{port}/x", retry_policy=SOON)
    post(endpoint)
    drain(endpoint.id)
    assert states(endpoint) == ["pending"]
    attempt = Attempt.objects.get()
    assert (attempt.error, attempt.response_status) == ("connect_refused", None)
    assert attempt.detail


def test_a_fault_of_our_own_costs_its_delivery_an_attempt_and_the_others_nothing(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: one event that cannot be built makes a drain raise after it sent others, which are sent for ever."""
    endpoint = endpoint_at(retry_policy={"schedule": [0], "jitter": 0})
    post(endpoint, 3)
    build = envelope.build

    def explode(**fields: Any) -> bytes:
        if fields["data"] == b"1":
            raise ValueError("an event nobody thought of")
        return build(**fields)

    monkeypatch.setattr(envelope, "build", explode)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded", "dead", "succeeded"]
    assert len(receiver.requests()) == 2
    assert Attempt.objects.filter(error="internal_error").count() == 2
    assert "nobody thought of" not in Delivery.objects.get(state="dead").reason
