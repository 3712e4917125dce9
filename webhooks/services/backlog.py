"""How much waits, in queries whose cost is bounded however large the tables are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

COUNT_LIMIT = 1000  # counting the deliveries of one endpoint stops here
_TOTAL_LIMIT = 100_000  # counting all of them stops here: some 50 ms of an index

_PENDING = """
SELECT m.endpoint_id, (
    SELECT count(*) FROM (
        SELECT FROM webhooks_delivery d
        WHERE d.endpoint_id = m.endpoint_id AND d.state IN ('pending', 'sending', 'held')
          AND d.id >= m.oldest_pending_id
        LIMIT %s
    ) AS counted
)
FROM webhooks_mailbox m WHERE m.endpoint_id = ANY(%s)
"""

_TOTALS = """
SELECT
    (SELECT count(*) FROM webhooks_mailbox WHERE next_due_at <= now()),
    (SELECT COALESCE(EXTRACT(EPOCH FROM now() - min(next_due_at)), 0)::float
     FROM webhooks_mailbox WHERE next_due_at <= now()),
    (SELECT count(*) FROM (SELECT FROM webhooks_event WHERE fanned_out_at IS NULL LIMIT %(limit)s) AS e),
    (SELECT id FROM webhooks_event WHERE fanned_out_at IS NULL ORDER BY id LIMIT 1),
    (SELECT count(*) FROM (SELECT FROM webhooks_deadletter WHERE resolution = 'open' LIMIT %(limit)s) AS d),
    (SELECT count(*) FROM (
        SELECT FROM webhooks_delivery WHERE state = 'sending' AND lease_until < now() LIMIT %(limit)s
    ) AS l),
    (SELECT count(*) FROM (
        SELECT FROM webhooks_delivery WHERE state = 'pending' AND next_attempt_at <= now() LIMIT %(limit)s
    ) AS w),
    (SELECT count(*) FROM (SELECT FROM webhooks_receivedmessage WHERE processed_at IS NULL LIMIT %(limit)s) AS r),
    (SELECT id FROM webhooks_receivedmessage WHERE processed_at IS NULL ORDER BY id LIMIT 1),
    (SELECT count(*) FROM (
        SELECT FROM webhooks_processorrun WHERE status IN ('pending', 'running') AND due_at <= now() LIMIT %(limit)s
    ) AS p),
    (SELECT count(*) FROM (SELECT FROM webhooks_processorrun WHERE status = 'dead' LIMIT %(limit)s) AS g)
"""
_STATES = """
SELECT state, count(*) FROM (
    SELECT state FROM webhooks_delivery WHERE state IN ('pending', 'sending', 'held') LIMIT %s
) AS unfinished GROUP BY state
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The whole installation. Counts stop at ``limit``; ages are in seconds."""

    deliveries: dict[str, int]  # by unfinished state
    endpoints_due: int
    oldest_due_age: float
    outbox: int
    oldest_in_outbox: UUID | None
    dead_letters_open: int
    leases_expired: int
    deliveries_due: int
    unprocessed: int  # received messages
    oldest_unprocessed: UUID | None
    runs_due: int
    runs_dead: int
    limit: int = _TOTAL_LIMIT


def pending(endpoint_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Unfinished deliveries of each endpoint, counted up to COUNT_LIMIT. One statement."""
    if not endpoint_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PENDING, [COUNT_LIMIT, list(endpoint_ids)])
        return dict(cursor.fetchall())


def total() -> Backlog:
    """What waits everywhere: two statements over partial indexes."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"limit": _TOTAL_LIMIT})
        numbers = cursor.fetchone()
        cursor.execute(_STATES, [_TOTAL_LIMIT])
        states = dict(cursor.fetchall())
    return Backlog({"pending": 0, "sending": 0, "held": 0} | states, *numbers)
