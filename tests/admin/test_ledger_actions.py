"""Retry, cancel, replay and discard, from lists and from the page of one row."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.test import Client

from tests.admin.pages import act, list_page, make_dead_letter, page, text
from tests.factories import make_delivery, make_endpoint, make_event
from webhooks.models import DeadLetter, Delivery, Event

NOW = datetime.now(UTC)
ENDED = {"finished_at": NOW, "next_attempt_at": None}


def rung() -> int:
    """Doorbells for deliveries that wait in the broker."""
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        return sum(int(broker.llen(name)) for name in broker.scan_iter("deliver*"))  # type: ignore[arg-type]


def test_retry_makes_a_waiting_delivery_due_and_rings(
    admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    delivery = make_delivery(next_attempt_at=NOW + timedelta(hours=5))
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, list_page(Delivery), "retry", delivery)
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at <= datetime.now(UTC)
    assert rung() == 1


def test_nothing_rings_when_the_transaction_does_not_commit(
    admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=False):
        act(admin_client, list_page(Delivery), "retry", make_delivery())
    assert rung() == 0


@pytest.mark.parametrize("state", ["dead", "succeeded", "cancelled"])
def test_retry_of_an_ended_delivery_makes_a_new_one(admin_client: Client, state: str) -> None:
    delivery = make_delivery(state=state, **ENDED)
    shown = text(act(admin_client, page(delivery), "retry", delivery))
    delivery.refresh_from_db()
    assert delivery.state == state
    again = Delivery.objects.exclude(pk=delivery.pk).get()
    assert (again.event_id, again.endpoint_id, again.trigger) == (delivery.event_id, delivery.endpoint_id, "manual")
    assert "as a new delivery" in shown
    assert page(again) in shown, "the page shows the sibling"


def test_cancel_says_what_it_could_not_cancel(admin_client: Client) -> None:
    waiting, sending = make_delivery(), make_delivery(state="sending")
    shown = text(act(admin_client, list_page(Delivery), "cancel", waiting, sending))
    waiting.refresh_from_db()
    sending.refresh_from_db()
    assert (waiting.state, sending.state) == ("cancelled", "sending")
    assert "Cancelled 1 of 2" in shown


def test_the_history_of_a_delivery_says_who_did_what(admin_client: Client, admin_user: Any) -> None:
    delivery = make_delivery()
    act(admin_client, page(delivery), "cancel", delivery)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (admin_user, str(delivery.pk), "Cancelled.")


def test_ticking_select_all_acts_on_the_ticked_rows_only(admin_client: Client) -> None:
    ticked, other = make_delivery(), make_delivery()
    act(admin_client, list_page(Delivery), "cancel", ticked, select_across="1")
    ticked.refresh_from_db()
    other.refresh_from_db()
    assert (ticked.state, other.state) == ("cancelled", "pending")


def test_replaying_a_dead_letter_delivers_again_once(
    admin_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    letter = make_dead_letter()
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, list_page(DeadLetter), "replay", letter)
    shown = text(act(admin_client, f"{list_page(DeadLetter)}?resolution=all", "replay", letter))
    letter.refresh_from_db()
    assert letter.resolution == "replayed"
    assert Delivery.objects.filter(trigger="replay").count() == 1
    assert "Replayed 0 of 1" in shown
    assert rung() == 1


def test_discarding_asks_first(admin_client: Client) -> None:
    letter = make_dead_letter()
    asked = text(act(admin_client, list_page(DeadLetter), "discard", letter))
    letter.refresh_from_db()
    assert letter.resolution == "open"
    assert 'name="confirmed"' in asked
    act(admin_client, list_page(DeadLetter), "discard", letter, confirmed="Discard")
    letter.refresh_from_db()
    assert letter.resolution == "discarded"
    assert not Delivery.objects.filter(trigger="replay").exists()


def test_a_resolved_dead_letter_offers_nothing_more(admin_client: Client) -> None:
    shown = text(admin_client.get(page(make_dead_letter(resolution="discarded"))))
    assert 'value="replay"' not in shown
    assert 'value="discard"' not in shown


def test_dead_letters_are_filtered_by_resolution_and_reason(admin_client: Client) -> None:
    first, second = make_dead_letter(reason="HTTP 500"), make_dead_letter(reason="timeout")
    done = make_dead_letter(resolution="replayed")

    def shown(**query: str) -> set[str]:
        html = text(admin_client.get(list_page(DeadLetter), query))
        return {str(letter.pk) for letter in (first, second, done) if page(letter) in html}

    assert shown() == {str(first.pk), str(second.pk)}, "the open ones, unless asked otherwise"
    assert shown(resolution="replayed") == {str(done.pk)}
    assert shown(resolution="all") == {str(first.pk), str(second.pk), str(done.pk)}
    assert shown(reason="timeout") == {str(second.pk)}


def test_replaying_an_event_asks_and_then_delivers_to_who_had_it(admin_client: Client) -> None:
    endpoint = make_endpoint()
    event = make_event(endpoint.tenant, fanned_out=True)
    make_delivery(endpoint, event, state="succeeded", **ENDED)
    assert 'name="confirmed"' in text(act(admin_client, page(event), "replay", event))
    assert Delivery.objects.count() == 1
    act(admin_client, list_page(Event), "replay", event, confirmed="Replay")
    assert list(Delivery.objects.filter(trigger="replay").values_list("endpoint_id", "event_id")) == [
        (endpoint.pk, event.pk)
    ]
