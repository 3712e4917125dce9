"""Addresses of admin pages, and what the tests do on them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from webhooks.models import Attempt, DeadLetter, Delivery


def list_page(model: type[Model]) -> str:
    return reverse(f"admin:webhooks_{model._meta.model_name}_changelist")


def add_page(model: type[Model]) -> str:
    return reverse(f"admin:webhooks_{model._meta.model_name}_add")


def page(row: Model) -> str:
    return reverse(f"admin:webhooks_{row._meta.model_name}_change", args=[row.pk])


def text(response: Any) -> str:
    """The HTML of a page that must have been found."""
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def act(client: Client, url: str, action: str, *rows: Model, follow: bool = True, **data: Any) -> Any:
    """Run an action on rows of a list, or on the object whose page ``url`` is."""
    return client.post(
        url, {"action": action, "_selected_action": [str(row.pk) for row in rows], **data}, follow=follow
    )


def make_attempt(delivery: Delivery, **fields: Any) -> Attempt:
    values: dict[str, Any] = {
        "number": 1, "trigger": "event", "outcome": "failed", "started_at": datetime.now(UTC),
        "request_url": "https://receiver.example/hook", "request_headers": {"X-Webhook-Attempt": "1"},
        "response_status": 500, "response_headers": [["Content-Type", "text/plain"]], "response_body": b"no",
        "timings": {"connect": 3, "first_byte": 20, "total": 25}, "address": "192.0.2.7", "worker": "delivery-1",
    }  # fmt: skip
    return Attempt.objects.create(
        delivery=delivery, endpoint_id=delivery.endpoint_id, tenant_id=delivery.tenant_id, **(values | fields)
    )


def make_dead_letter(delivery: Delivery | None = None, **fields: Any) -> DeadLetter:
    """A dead delivery with its dead letter."""
    now = datetime.now(UTC)
    delivery = delivery or make_delivery(state="dead", finished_at=now, next_attempt_at=None, dead_lettered_at=now)
    values: dict[str, Any] = {"event_type": "order.created", "reason": "HTTP 500", "attempt_count": 6}
    return DeadLetter.objects.create(
        delivery=delivery, event_id=delivery.event_id, endpoint_id=delivery.endpoint_id, tenant_id=delivery.tenant_id,
        **(values | fields),
    )  # fmt: skip


def fill(count: int) -> list[Delivery]:
    """``count`` events, each with a delivery to an endpoint and a tenant of its own, an attempt and a dead letter."""
    deliveries = []
    for _ in range(count):
        tenant = make_tenant()
        endpoint = make_endpoint(tenant, url=f"https://{secrets.token_hex(4)}.example/hook")
        event = make_event(tenant, fanned_out=True)
        deliveries.append(make_delivery(endpoint, event, state="dead", next_attempt_at=None))
        make_attempt(deliveries[-1])
        make_dead_letter(deliveries[-1])
    return deliveries
