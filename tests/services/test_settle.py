"""Deliveries follow their endpoint: held, released, cancelled, in bounded steps that may get lost."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from tests.answers import Answer
from tests.factories import make_delivery, make_endpoint
from tests.receiver import Receiver
from tests.services.engine import in_thread, mailbox_faults, run_to_quiescence, wait_for_a_lock
from webhooks.models import Delivery, Endpoint, Mailbox
from webhooks.services import endpoints
from webhooks.services import settle as module
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.settle import settle
from webhooks.services.sweep import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.fixture(autouse=True)
def _steps_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 3)


def waiting(count: int, url: str = "https://receiver.example/hook", **fields: Any) -> Endpoint:
    """An endpoint with so many deliveries due."""
    endpoint = make_endpoint(url=url, **fields)
    publish(endpoint.tenant_id, [Draft(type="order.created", data=b"%d" % n) for n in range(count)])
    fan_out()
    return endpoint


def states(endpoint: Endpoint) -> set[str]:
    return set(Delivery.objects.filter(endpoint=endpoint).values_list("state", flat=True))


def unsettled(endpoint: Endpoint) -> bool:
    return Mailbox.objects.get(endpoint=endpoint).unsettled


def test_pausing_holds_everything_step_by_step() -> None:
    endpoint = waiting(8)
    endpoints.pause(endpoint.id)
    for held in (3, 6):
        assert settle(endpoint.id)
        assert Delivery.objects.filter(state="held").count() == held
        assert unsettled(endpoint)
        assert mailbox_faults(endpoint.id) == []
    assert not settle(endpoint.id)
    assert states(endpoint) == {"held"}
    assert set(Delivery.objects.values_list("reason", "next_attempt_at")) == {("the endpoint is paused", None)}
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert (mailbox.unsettled, mailbox.next_due_at) == (False, None)
    assert mailbox_faults(endpoint.id) == []


def test_the_oldest_are_moved_first() -> None:
    endpoint = waiting(5)
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    keys = sorted(Delivery.objects.values_list("id", flat=True))
    assert sorted(Delivery.objects.filter(state="held").values_list("id", flat=True)) == keys[:3]


def test_a_number_that_fills_the_last_step_exactly_is_settled_too() -> None:
    endpoint = waiting(3)
    endpoints.pause(endpoint.id)
    assert settle(endpoint.id)
    assert not settle(endpoint.id)
    assert not unsettled(endpoint)


def test_resuming_sends_what_was_held(receiver: Receiver) -> None:
    endpoint = waiting(8, receiver.url("/hook"))
    endpoints.pause(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"held"}
    endpoints.resume(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"succeeded"}
    assert len(receiver.requests()) == 8
    assert Mailbox.objects.get(endpoint=endpoint).oldest_pending_id is None


def test_deliveries_published_during_a_pause_are_sent_after_it(receiver: Receiver) -> None:
    endpoint = waiting(2, receiver.url("/hook"))
    endpoints.pause(endpoint.id)
    publish(endpoint.tenant_id, [Draft(type="order.created", data=b"9")])
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"held"}
    endpoints.resume(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert len(receiver.requests()) == 3


def test_disabling_holds_and_enabling_releases(receiver: Receiver) -> None:
    endpoint = waiting(4, receiver.url("/hook"))
    endpoints.disable(endpoint.id, "by hand")
    run_to_quiescence(endpoint.id)
    assert set(Delivery.objects.values_list("state", "reason")) == {("held", "the endpoint is disabled")}
    endpoints.enable(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"succeeded"}


def test_a_pause_that_ends_before_it_was_followed_loses_nothing(receiver: Receiver) -> None:
    endpoint = waiting(8, receiver.url("/hook"))
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    endpoints.resume(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"succeeded"}


def test_deleting_cancels_pending_and_held() -> None:
    endpoint = waiting(5)
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    done = make_delivery(endpoint, state="succeeded", next_attempt_at=None)
    endpoints.delete(endpoint.id)
    run_to_quiescence(endpoint.id)
    rows = Delivery.objects.exclude(id=done.id)
    assert set(rows.values_list("state", "reason", "next_attempt_at")) == {
        ("cancelled", "the endpoint was deleted", None)
    }
    assert not rows.filter(finished_at=None).exists()
    done.refresh_from_db()
    assert done.state == "succeeded"
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is None


def test_a_retry_time_survives_only_while_it_is_pending(receiver: Receiver) -> None:
    receiver.script("/hook", [Answer(500)])
    endpoint = waiting(1, receiver.url("/hook"))
    drain(endpoint.id)
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    assert Delivery.objects.get().next_attempt_at is None
    endpoints.resume(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == {"succeeded"}


def test_a_change_of_state_marks_the_mailbox_and_the_sweep_finds_it() -> None:
    endpoint = waiting(2)
    assert sweep().unsettled == []
    endpoints.pause(endpoint.id)
    assert sweep().unsettled == [endpoint.id]
    settle(endpoint.id)
    assert sweep().unsettled == []


def test_the_drain_of_a_paused_endpoint_settles_it() -> None:
    endpoint = waiting(5)
    endpoints.pause(endpoint.id)
    done = drain(endpoint.id)
    assert (done.word, [bell.endpoint_id for bell in done.bells]) == ("settled", [endpoint.id])
    assert drain(endpoint.id).bells == []
    assert states(endpoint) == {"held"}


def test_an_unknown_endpoint_needs_no_settling() -> None:
    assert settle(uuid4()) is False


def test_a_settle_that_waits_for_a_resume_follows_the_resume() -> None:
    """Attack: settle reads "paused", waits for the mailbox, and then clears the mark that the resume has set."""
    endpoint = waiting(2)
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    with transaction.atomic():
        endpoints.resume(endpoint.id)
        late = in_thread(settle, endpoint.id)
        wait_for_a_lock()
    late()
    while unsettled(endpoint):
        settle(endpoint.id)
    assert states(endpoint) == {"pending"}
    assert mailbox_faults(endpoint.id) == []


def test_a_settle_that_waits_for_a_pause_follows_the_pause() -> None:
    endpoint = waiting(2)
    with transaction.atomic():
        endpoints.pause(endpoint.id)
        late = in_thread(settle, endpoint.id)
        wait_for_a_lock()
    late()
    while unsettled(endpoint):
        settle(endpoint.id)
    assert states(endpoint) == {"held"}
