"""What people do with deliveries: try again, cancel, replay.

Invariant: a finished delivery is never edited. Trying it again makes a new one for the same event, so the
log keeps what happened; a pending one is only made due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from webhooks.core import ids
from webhooks.models import Delivery, Trigger
from webhooks.services.bell import Bell
from webhooks.services.fan_out import notify_mailboxes

_HURRY = """
UPDATE webhooks_delivery SET next_attempt_at = now()
WHERE id = ANY(%s) AND state = 'pending' RETURNING endpoint_id, id, state
"""
_COPY = """
INSERT INTO webhooks_delivery (id, tenant_id, event_id, endpoint_id, state, trigger, attempt_count, next_attempt_at,
                               reason, created_at)
SELECT n.id, e.tenant_id, n.event_id, e.id,
       CASE WHEN e.state = 'active' THEN 'pending' ELSE 'held' END, %s, 0,
       CASE WHEN e.state = 'active' THEN now() END,
       CASE WHEN e.state = 'active' THEN '' ELSE 'the endpoint is ' || e.state END, now()
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS n(id, event_id, endpoint_id)
JOIN webhooks_endpoint e ON e.id = n.endpoint_id AND e.deleted_at IS NULL
RETURNING endpoint_id, id, state
"""


def retry(delivery_ids: Sequence[UUID]) -> list[Bell]:
    """Try deliveries again now: pending ones become due, finished ones get a new delivery (trigger *manual*)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HURRY, [list(delivery_ids)])
        hurried = cursor.fetchall()
        bells = notify_mailboxes(cursor, hurried)
    waiting = {delivery_id for _, delivery_id, _ in hurried}
    finished = Delivery.objects.filter(id__in=set(delivery_ids) - waiting, finished_at__isnull=False)
    _, more = create(finished.values_list("event_id", "endpoint_id"), Trigger.MANUAL)
    return bells + more


def create(pairs: Iterable[tuple[UUID, UUID]], trigger: Trigger) -> tuple[list[UUID], list[Bell]]:
    """New deliveries of (event, endpoint) pairs, whatever was delivered before; their ids and what to ring.

    Deleted endpoints are passed over; deliveries of paused and disabled ones are held.
    """
    wanted = [(ids.new_id(), event_id, endpoint_id) for event_id, endpoint_id in pairs]
    if not wanted:
        return [], []
    columns = [list(column) for column in zip(*wanted, strict=True)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COPY, [trigger, *columns])
        made = cursor.fetchall()
        bells = notify_mailboxes(cursor, made)
    return [delivery_id for _, delivery_id, _ in made], bells


def cancel(delivery_ids: Sequence[UUID]) -> int:
    """Cancel pending, held and dead deliveries; return how many. One that is being sent is not touched."""
    return (
        Delivery.objects.filter(id__in=list(delivery_ids))
        .filter(state__in=[Delivery.State.PENDING, Delivery.State.HELD, Delivery.State.DEAD])
        .update(state=Delivery.State.CANCELLED, reason="cancelled by hand", next_attempt_at=None, finished_at=Now())
    )


def replay_events(event_ids: Sequence[UUID], endpoint_ids: Sequence[UUID] | None) -> tuple[list[UUID], list[Bell]]:
    """Deliver events again: to the given endpoints, or to all that had a delivery of them before."""
    if endpoint_ids is None:
        before = Delivery.objects.filter(event_id__in=list(event_ids)).values_list("event_id", "endpoint_id")
        return create(sorted(set(before)), Trigger.REPLAY)
    return create([(event_id, endpoint_id) for event_id in event_ids for endpoint_id in endpoint_ids], Trigger.REPLAY)
