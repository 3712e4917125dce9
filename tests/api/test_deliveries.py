"""``/api/deliveries`` and ``/api/dead-letters``: what is shown, and the verbs."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.utils import timezone

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Event, Tenant

State = Delivery.State


def _delivery(tenant: Tenant, state: str = "pending", **fields: Any) -> Delivery:
    finished = {"finished_at": timezone.now(), "next_attempt_at": None} if state in ("dead", "succeeded") else {}
    event = make_event(tenant, fanned_out=True)
    return make_delivery(make_endpoint(tenant), event, state=state, **finished, **fields)


def _letter(tenant: Tenant) -> DeadLetter:
    delivery = _delivery(tenant, "dead", reason="HTTP 500", response_status=500)
    return DeadLetter.objects.create(
        tenant=tenant, endpoint=delivery.endpoint, delivery=delivery, event=delivery.event, event_type="order.created",
        reason="HTTP 500", response_status=500, attempt_count=6,
    )  # fmt: skip


def test_a_delivery_is_shown_with_its_attempts_first_one_first(api: ApiClient, tenant: Tenant) -> None:
    delivery = _delivery(tenant, attempt_count=2)
    for number in (1, 2):
        Attempt.objects.create(
            tenant=tenant, delivery=delivery, endpoint=delivery.endpoint, number=number, trigger="event",
            outcome="failed", started_at=timezone.now(), request_url="https://receiver.example/hook",
            request_headers={"Authorization": "********"}, response_status=500, response_headers=[["X-A", "1"]],
            response_body=b"no", timings={"total": 12.5}, address="192.0.2.1", worker="w1",
        )  # fmt: skip
    shown = api.get(f"/api/deliveries/{delivery.public_id}").json()
    assert [one["number"] for one in shown["attempts"]] == [1, 2]
    assert (shown["event_id"], shown["event_type"]) == (delivery.event.public_id, "order.created")
    assert shown["webhook_id"] == delivery.endpoint.public_id
    first = shown["attempts"][0]
    assert (first["response_body"], first["response_headers"], first["timings"]) == (
        "no",
        [["X-A", "1"]],
        {"total": 12.5},
    )
    assert (first["error"], first["detail"], first["address"], first["worker"]) == (None, None, "192.0.2.1", "w1")


def test_a_delivery_outlives_its_event(api: ApiClient, tenant: Tenant) -> None:
    delivery = _delivery(tenant)
    Event.objects.all().delete()
    (listed,) = api.get("/api/deliveries").json()["results"]
    assert (listed["event_id"], listed["event_type"]) == (ids.show(ids.EVENT, delivery.event_id), None)


# --- retry


def test_retrying_a_waiting_delivery_makes_it_due(api: ApiClient, tenant: Tenant) -> None:
    later = timezone.now() + timezone.timedelta(hours=1)
    delivery = _delivery(tenant, next_attempt_at=later)
    response = api.post(f"/api/deliveries/{delivery.public_id}/retry")
    assert (response.status_code, response.json()["id"]) == (202, delivery.public_id)
    delivery.refresh_from_db()
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at < later
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("state", ["dead", "succeeded"])
def test_retrying_a_finished_delivery_makes_a_new_one(api: ApiClient, tenant: Tenant, state: str) -> None:
    delivery = _delivery(tenant, state)
    made = api.post(f"/api/deliveries/{delivery.public_id}/retry").json()
    assert made["id"] != delivery.public_id
    assert (made["status"], made["trigger"], made["event_id"]) == ("pending", "manual", delivery.event.public_id)
    delivery.refresh_from_db()
    assert delivery.state == state


@pytest.mark.parametrize("state", ["held", "sending"])
def test_a_delivery_that_is_held_or_being_sent_cannot_be_retried(api: ApiClient, tenant: Tenant, state: str) -> None:
    problem(api.post(f"/api/deliveries/{_delivery(tenant, state).public_id}/retry"), 409)
    assert Delivery.objects.count() == 1


def test_a_delivery_of_a_deleted_webhook_cannot_be_retried(api: ApiClient, tenant: Tenant) -> None:
    delivery = _delivery(tenant, "dead")
    api.delete(f"/api/webhooks/{delivery.endpoint.public_id}")
    problem(api.post(f"/api/deliveries/{delivery.public_id}/retry"), 409)


def test_retrying_rings(api: ApiClient, tenant: Tenant, valkey: redis.Redis) -> None:
    delivery = _delivery(tenant)
    api.post(f"/api/deliveries/{delivery.public_id}/retry")
    assert any(str(delivery.endpoint_id) in str(key) for key in valkey.scan_iter("clarion:bell:*"))


# --- cancel


@pytest.mark.parametrize("state", ["pending", "held", "dead"])
def test_a_delivery_can_be_cancelled_twice(api: ApiClient, tenant: Tenant, state: str) -> None:
    path = f"/api/deliveries/{_delivery(tenant, state).public_id}/cancel"
    first, second = api.post(path), api.post(path)
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert second.json() == first.json()


@pytest.mark.parametrize("state", ["sending", "succeeded"])
def test_a_delivery_that_is_being_sent_or_done_cannot_be_cancelled(api: ApiClient, tenant: Tenant, state: str) -> None:
    delivery = _delivery(tenant, state)
    problem(api.post(f"/api/deliveries/{delivery.public_id}/cancel"), 409)
    delivery.refresh_from_db()
    assert delivery.state == state


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_a_verb_takes_no_fields(api: ApiClient, tenant: Tenant, verb: str) -> None:
    path = f"/api/deliveries/{_delivery(tenant).public_id}/{verb}"
    assert pointers(api.post(path, {"x": 1})) == ["/x"]
    assert api.post(path, {}).status_code in (200, 202)


# --- dead letters


def test_a_dead_letter_is_shown(api: ApiClient, tenant: Tenant) -> None:
    letter = _letter(tenant)
    shown = api.get(f"/api/dead-letters/{letter.public_id}").json()
    assert shown == api.get("/api/dead-letters").json()["results"][0]
    assert (shown["status"], shown["reason"], shown["response_status"], shown["attempt_count"]) == (
        "open",
        "HTTP 500",
        500,
        6,
    )
    assert shown["delivery_id"] == letter.delivery.public_id


def test_a_dead_letter_is_replayed_once(api: ApiClient, tenant: Tenant) -> None:
    letter = _letter(tenant)
    response = api.post(f"/api/dead-letters/{letter.public_id}/replay")
    assert (response.status_code, response.json()["status"]) == (202, "replayed")
    assert response.json()["resolved_at"]
    problem(api.post(f"/api/dead-letters/{letter.public_id}/replay"), 409)
    problem(api.post(f"/api/dead-letters/{letter.public_id}/discard"), 409)
    made = Delivery.objects.exclude(id=letter.delivery_id).get()
    assert (made.trigger, made.state, made.event_id) == ("replay", "pending", letter.event_id)


def test_a_dead_letter_is_discarded_once(api: ApiClient, tenant: Tenant) -> None:
    letter = _letter(tenant)
    response = api.post(f"/api/dead-letters/{letter.public_id}/discard")
    assert (response.status_code, response.json()["status"]) == (200, "discarded")
    problem(api.post(f"/api/dead-letters/{letter.public_id}/replay"), 409)
    assert Delivery.objects.count() == 1
