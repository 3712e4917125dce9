"""What people do with deliveries: try again, cancel, replay.

Invariant: a finished delivery is never edited. Trying it again makes a new one for the same event, so the
log keeps what happened; a pending one is only made due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction

from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Event, Trigger
from webhooks.services import audit
from webhooks.services.bell import Bell
from webhooks.services.fan_out import notify_mailboxes

# Rows are locked in the order of their keys, so that two people with overlapping selections cannot deadlock.
_HURRY = """
UPDATE webhooks_delivery SET next_attempt_at = now()
WHERE id = ANY(ARRAY(
    SELECT id FROM webhooks_delivery WHERE id = ANY(%s) AND state = 'pending' ORDER BY id FOR NO KEY UPDATE
))
RETURNING endpoint_id, id, state
"""
_CANCEL = """
UPDATE webhooks_delivery
SET state = 'cancelled', reason = 'cancelled by hand', next_attempt_at = NULL, finished_at = now()
WHERE id = ANY(ARRAY(
    SELECT id FROM webhooks_delivery WHERE id = ANY(%s) AND state IN ('pending', 'held', 'dead')
    ORDER BY id FOR NO KEY UPDATE
))
RETURNING tenant_id, id
"""
_RESOLVE = """
UPDATE webhooks_deadletter SET resolution = %s, resolved_at = now() WHERE delivery_id = ANY(%s) AND resolution = 'open'
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
    """Try deliveries again now: pending ones become due, finished ones get a new delivery (trigger *manual*).

    The dead letter of a dead one counts as replayed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HURRY, [list(delivery_ids)])
        hurried = cursor.fetchall()
        bells = notify_mailboxes(cursor, hurried)
        waiting = {delivery_id for _, delivery_id, _ in hurried}
        others = Delivery.objects.filter(id__in=set(delivery_ids) - waiting, finished_at__isnull=False)
        finished = list(others.values_list("id", "event_id", "endpoint_id"))
        touched = Delivery.objects.filter(id__in=waiting.union(key for key, *_ in finished))
        audit.record_each_tenant("delivery.retried", "delivery", touched.values_list("tenant_id", "id"))
        _, more = create([(event_id, endpoint_id) for _, event_id, endpoint_id in finished], Trigger.MANUAL)
        cursor.execute(_RESOLVE, [DeadLetter.Resolution.REPLAYED, [delivery_id for delivery_id, _, _ in finished]])
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
    """Cancel pending, held and dead deliveries; return how many. One that is being sent is not touched.

    The dead letter of a dead one counts as discarded.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CANCEL, [list(delivery_ids)])
        cancelled = cursor.fetchall()
        cursor.execute(_RESOLVE, [DeadLetter.Resolution.DISCARDED, list(delivery_ids)])
        audit.record_each_tenant("delivery.cancelled", "delivery", cancelled)
    return len(cancelled)


def replay_events(event_ids: Sequence[UUID], endpoint_ids: Sequence[UUID] | None) -> tuple[list[UUID], list[Bell]]:
    """Deliver events again: to the given endpoints, or to all that had a delivery of them before."""
    if endpoint_ids is None:
        before = Delivery.objects.filter(event_id__in=list(event_ids)).values_list("event_id", "endpoint_id")
        pairs = sorted(set(before))
    else:
        pairs = [(event_id, endpoint_id) for event_id in event_ids for endpoint_id in endpoint_ids]
    with transaction.atomic():
        replayed = create(pairs, Trigger.REPLAY)
        if replayed[0]:
            events = Event.objects.filter(id__in=list(event_ids)).values_list("tenant_id", "id")
            audit.record_each_tenant("event.replayed", "event", events)
    return replayed
