"""What people do with deliveries: try again, cancel, replay. A finished one is never edited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.factories import make_delivery, make_endpoint, make_event
from tests.services.engine import mailbox_faults
from webhooks.models import DeadLetter, Delivery, Endpoint, Mailbox
from webhooks.services import dead_letters, endpoints
from webhooks.services.bell import Bell
from webhooks.services.deliveries import cancel, replay_events, retry

pytestmark = pytest.mark.django_db

LATER = datetime.now(UTC) + timedelta(days=1)
FINISHED: dict[str, Any] = {"next_attempt_at": None, "finished_at": datetime.now(UTC)}


def test_a_pending_delivery_is_made_due_and_nothing_else() -> None:
    delivery = make_delivery(next_attempt_at=LATER, attempt_count=2, reason="HTTP 500")
    assert retry([delivery.id]) == [Bell(delivery.endpoint_id, delivery.tenant_id)]
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at <= datetime.now(UTC)
    assert (delivery.state, delivery.attempt_count) == ("pending", 2)
    assert Delivery.objects.count() == 1
    assert mailbox_faults(delivery.endpoint_id) == []


@pytest.mark.parametrize("state", ["dead", "cancelled", "succeeded"])
def test_a_finished_delivery_gets_a_new_one_and_is_not_edited(state: str) -> None:
    old = make_delivery(state=state, attempt_count=6, reason="HTTP 500", response_status=500, **FINISHED)
    before = Delivery.objects.values().get()
    assert retry([old.id]) == [Bell(old.endpoint_id, old.tenant_id)]
    assert Delivery.objects.values().get(id=old.id) == before
    new = Delivery.objects.exclude(id=old.id).get()
    assert (new.state, new.trigger, new.attempt_count, new.reason) == ("pending", "manual", 0, "")
    assert (new.event_id, new.endpoint_id, new.tenant_id) == (old.event_id, old.endpoint_id, old.tenant_id)
    assert mailbox_faults(old.endpoint_id) == []


@pytest.mark.parametrize("state", ["sending", "held"])
def test_what_is_under_way_or_held_is_left_alone(state: str) -> None:
    delivery = make_delivery(state=state, next_attempt_at=None)
    before = Delivery.objects.values().get()
    assert retry([delivery.id, uuid4()]) == []
    assert Delivery.objects.values().get() == before


def test_many_of_all_kinds_at_once() -> None:
    endpoint = make_endpoint()
    pending = [make_delivery(endpoint, next_attempt_at=LATER) for _ in range(3)]
    dead = [make_delivery(endpoint, state="dead", **FINISHED) for _ in range(3)]
    bells = retry([delivery.id for delivery in [*pending, *dead, *pending]])
    assert {bell.endpoint_id for bell in bells} == {endpoint.id}
    assert Delivery.objects.filter(state="pending").count() == 6
    assert Delivery.objects.count() == 9


def test_a_blocked_endpoint_stays_blocked() -> None:
    delivery = make_delivery(next_attempt_at=LATER)
    Mailbox.objects.update(blocked_until=LATER)
    assert retry([delivery.id]) == []
    assert Mailbox.objects.get().next_due_at == LATER


@pytest.mark.parametrize("state", [Endpoint.State.PAUSED, Endpoint.State.DISABLED])
def test_a_new_delivery_of_an_endpoint_that_is_not_active_is_held(state: str) -> None:
    endpoint = make_endpoint(state=state)
    old = make_delivery(endpoint, state="dead", **FINISHED)
    assert retry([old.id]) == []
    new = Delivery.objects.exclude(id=old.id).get()
    assert (new.state, new.next_attempt_at, new.reason) == ("held", None, f"the endpoint is {state}")
    mailbox = Mailbox.objects.get()
    assert mailbox.unsettled
    assert mailbox_faults(endpoint.id) == []


@pytest.mark.usefixtures("valkey")
def test_a_deleted_endpoint_gets_no_new_delivery() -> None:
    old = make_delivery(state="dead", **FINISHED)
    endpoints.delete(old.endpoint_id)
    assert retry([old.id]) == []
    assert replay_events([old.event_id], None) == ([], [])
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(("state", "cancelled"), [
    ("pending", True), ("held", True), ("dead", True), ("sending", False), ("succeeded", False), ("cancelled", False),
])  # fmt: skip
def test_what_may_be_cancelled(state: str, cancelled: bool) -> None:
    delivery = make_delivery(state=state)
    before = Delivery.objects.values().get()
    assert cancel([delivery.id]) == int(cancelled)
    delivery.refresh_from_db()
    if cancelled:
        assert (delivery.state, delivery.reason, delivery.next_attempt_at) == ("cancelled", "cancelled by hand", None)
        assert delivery.finished_at is not None
    else:
        assert Delivery.objects.values().get() == before


def test_cancelling_nothing_or_strangers_is_zero() -> None:
    assert cancel([]) == 0
    assert cancel([uuid4()]) == 0
    assert retry([]) == []
    assert replay_events([], None) == ([], [])
    assert replay_events([uuid4()], None) == ([], [])


def test_events_are_replayed_to_those_who_had_them() -> None:
    first, second = make_delivery(state="succeeded", **FINISHED), make_delivery(state="dead", **FINISHED)
    again = make_delivery(first.endpoint, first.event, id=uuid4(), state="succeeded", trigger="manual", **FINISHED)
    made, bells = replay_events([first.event_id, second.event_id], None)
    new = Delivery.objects.filter(id__in=made)
    assert set(new.values_list("event_id", "endpoint_id")) == {
        (first.event_id, first.endpoint_id), (second.event_id, second.endpoint_id),
    }  # fmt: skip
    assert len(made) == 2
    assert set(new.values_list("state", "trigger")) == {("pending", "replay")}
    assert {bell.endpoint_id for bell in bells} == {first.endpoint_id, second.endpoint_id}
    assert again.id not in made
    assert mailbox_faults(first.endpoint_id, second.endpoint_id) == []


def test_events_are_replayed_to_chosen_endpoints_even_if_they_never_had_them() -> None:
    endpoint = make_endpoint()
    made = [make_event(endpoint.tenant, fanned_out=True).id for _ in range(3)]
    new, bells = replay_events(made, [endpoint.id])
    assert len(new) == 3
    assert set(Delivery.objects.values_list("event_id", flat=True)) == set(made)
    assert bells == [Bell(endpoint.id, endpoint.tenant_id)]
    replay_events(made, [endpoint.id])
    assert Delivery.objects.count() == 6


@pytest.mark.django_db
@pytest.mark.parametrize(("act", "resolution"), [(retry, "replayed"), (cancel, "discarded")])
def test_the_dead_letter_of_a_delivery_follows_it(act: Any, resolution: str) -> None:
    delivery, other = (make_delivery(state="dead", finished_at=datetime.now(UTC)) for _ in range(2))
    for dead in (delivery, other):
        dead_letters.bury(dead.id)
    act([delivery.id])
    assert DeadLetter.objects.get(delivery=delivery).resolution == resolution
    assert DeadLetter.objects.get(delivery=other).resolution == "open"
