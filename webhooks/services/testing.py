"""A test event for one endpoint: through the ordinary path, past subscriptions and filters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from webhooks.core import envelope, ids
from webhooks.errors import NotFound
from webhooks.models import Endpoint, Event, EventTypeVersion, Trigger
from webhooks.services import audit, deliveries

EVENT_TYPE = "webhook.test"


def send_test(endpoint_id: UUID, event_type: str = EVENT_TYPE) -> tuple[UUID, UUID]:
    """Make a test event with one delivery; return (event id, delivery id). The caller rings the endpoint.

    Of a registered type with an example it carries that, in the version the endpoint is pinned to if it has one.
    """
    endpoint = Endpoint.objects.existing().filter(id=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such webhook.")
    now, event_id = datetime.now(UTC), ids.new_id()
    version, data = _example(endpoint, event_type) or ("", _greeting(endpoint, now))
    with transaction.atomic():
        event = Event.objects.create(
            id=event_id, tenant_id=endpoint.tenant_id, type=event_type, version=version, data=data.encode(),
            origin=Event.Origin.TEST, created_at=now, fanned_out_at=now, matched=1,
            correlation_id=ids.show(ids.EVENT, event_id),
        )  # fmt: skip
        made, _ = deliveries.create([(event.id, endpoint_id)], Trigger.TEST)
        audit.record(
            "webhook.tested", "webhook", [endpoint_id], tenant_id=endpoint.tenant_id, label=endpoint.url,
            detail={"delivery": ids.show(ids.DELIVERY, made[0])} if made else None,
        )  # fmt: skip
    return event.id, made[0]


def _greeting(endpoint: Endpoint, now: datetime) -> str:
    return json.dumps(
        {
            "message": "This is a test. Nothing happened, and nothing needs to be done.",
            "webhook_id": endpoint.public_id,
            "sent_at": envelope.timestamp(now),
        }
    )


def _example(endpoint: Endpoint, event_type: str) -> tuple[str, str] | None:
    """(version, JSON text) of the example: the tenant's own type before everybody's, the pinned version first."""
    rows = EventTypeVersion.objects.filter(
        Q(event_type__tenant_id=endpoint.tenant_id) | Q(event_type__tenant_id=None),
        Q(name=endpoint.version) | Q(name=F("event_type__version")),
        event_type__name=event_type, example__isnull=False,
    )  # fmt: skip
    found = rows.values_list("event_type__tenant_id", "name", "example")
    best = min(found, key=lambda row: (row[0] is None, row[1] != endpoint.version), default=None)
    return (best[1], best[2] or "") if best else None
