"""The failure queue: dead deliveries become dead letters, which people replay or discard.

Invariant: every dead delivery has exactly one dead letter. The row's unique constraint and
``dead_lettered_at`` make the worker's task repeatable; the sweep announces what a lost message left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import connection, transaction

from webhooks.core import ids
from webhooks.models import DeadLetter, Event, Trigger
from webhooks.services import audit, deliveries
from webhooks.services.bell import Bell
from webhooks.services.ingest import Draft, publish

log = structlog.get_logger(__name__)

EVENT_TYPE = "delivery.dead"

_WRITE = """
WITH dead AS (
    UPDATE webhooks_delivery SET dead_lettered_at = now()
    WHERE id = %s AND state = 'dead' AND dead_lettered_at IS NULL
    RETURNING id, tenant_id, endpoint_id, event_id, reason, response_status, attempt_count
)
INSERT INTO webhooks_deadletter (id, tenant_id, endpoint_id, delivery_id, event_id, event_type, reason,
                                 response_status, attempt_count, resolution, created_at)
SELECT %s, d.tenant_id, d.endpoint_id, d.id, d.event_id, COALESCE(e.type, ''), d.reason, d.response_status,
       d.attempt_count, 'open', now()
FROM dead d LEFT JOIN webhooks_event e ON e.id = d.event_id
ON CONFLICT (delivery_id) DO NOTHING
RETURNING tenant_id, endpoint_id, event_id, event_type, reason, response_status, attempt_count
"""


def bury(delivery_id: UUID) -> UUID | None:
    """Write the dead letter of a delivery, log the alert and publish ``delivery.dead``; None when it has one.

    The operational event reaches endpoints that subscribe to it by name. One about an operational event is
    not made: an endpoint that cannot take the news must not produce more of it.
    """
    letter_id = ids.new_id()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [delivery_id, letter_id])
            row = cursor.fetchone()
        if row is None:
            return None
        tenant_id, endpoint_id, event_id, event_type, reason, status, attempts = row
        news = {
            "dead_letter_id": ids.show(ids.DEAD_LETTER, letter_id),
            "delivery_id": ids.show(ids.DELIVERY, delivery_id),
            "event_id": _public_id(event_id),
            "event_type": event_type,
            "webhook_id": ids.show(ids.WEBHOOK, endpoint_id),
            "reason": reason,
            "response_status": status,
            "attempts": attempts,
        }
        if event_type != EVENT_TYPE:
            draft = Draft(type=EVENT_TYPE, data=json.dumps(news).encode(), origin=Event.Origin.OPERATIONAL)
            publish(tenant_id, [draft])
    log.error("delivery_dead", tenant_id=ids.show(ids.TENANT, tenant_id), **news)
    return letter_id


def _public_id(event_id: UUID) -> str:
    event = Event.objects.filter(id=event_id).only("id", "key").first()
    return event.public_id if event else ids.show(ids.EVENT, event_id)


def replay(dead_letter_ids: Sequence[UUID]) -> list[Bell]:
    """Deliver dead letters again by new deliveries and mark them as replayed. Each one at most once."""
    return replay_pairs(dead_letter_ids)[1]


def replay_pairs(dead_letter_ids: Sequence[UUID]) -> tuple[list[tuple[UUID, UUID]], list[Bell]]:
    """The same; also the (event, endpoint) of each that was open."""
    with transaction.atomic():
        resolved = _resolve(dead_letter_ids, DeadLetter.Resolution.REPLAYED)
        pairs = [(event_id, endpoint_id) for event_id, endpoint_id, *_ in resolved]
        _, bells = deliveries.create(pairs, Trigger.REPLAY)
    return pairs, bells


def discard(dead_letter_ids: Sequence[UUID]) -> int:
    """Mark open dead letters as discarded; return how many. The delivery and its attempts stay readable."""
    return len(_resolve(dead_letter_ids, DeadLetter.Resolution.DISCARDED))


_RESOLVE = """
UPDATE webhooks_deadletter SET resolution = %s, resolved_at = now()
WHERE id = ANY(%s) AND resolution = 'open' RETURNING event_id, endpoint_id, tenant_id, id
"""


def _resolve(dead_letter_ids: Sequence[UUID], resolution: DeadLetter.Resolution) -> list[tuple[UUID, UUID, UUID, UUID]]:
    """(event, endpoint, tenant, dead letter) of those that were open."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RESOLVE, [resolution, list(dead_letter_ids)])
        resolved = list(cursor.fetchall())
        audit.record_each_tenant(f"dead_letter.{resolution}", "dead_letter", [row[2:] for row in resolved])
    return resolved
