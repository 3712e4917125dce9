"""Claiming due deliveries for one drain, and giving back what was not sent.

Invariant: a row is claimed by a conditional UPDATE that sets state, lease and a token of this drain only;
every later write to it asks for that token. Two drains never hold the same row, and a drain that was
declared dead cannot overwrite its successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.services.binding import prepared_cursor
from webhooks.services.target import Target

_CLOCK_SKEW = timedelta(days=1)  # a key may be this far ahead of this machine's clock


class Claimed(NamedTuple):
    """A delivery to send now, with its event. ``attempt`` counts this one. ``data`` None: the event expired.

    ``waited``: it was due by time; False for one that a batch may take along before its wait is over.
    """

    delivery_id: UUID
    attempt: int
    trigger: str
    waited: bool
    event_id: UUID
    key: str | None
    type: str
    version: str
    created_at: datetime
    data: bytes | None
    metadata: str  # JSON text
    correlation_id: str

    @property
    def public_id(self) -> str:
        return self.key or ids.show(ids.EVENT, self.event_id)


class Claim(NamedTuple):
    """The rows of one claim; ``full`` when there may be more that are due."""

    rows: list[Claimed]
    full: bool


# The lease begins when the row is taken, not when the transaction began: a claim that had to wait for a lock would
# be born with its lease run out.
# Days outside the bounds on the key are left out when the prepared statement runs. The condition stands in ``due``,
# which locks the rows; the UPDATE goes by their keys and nothing else, because with the statistics of a quiet minute
# the planner would take a partial index for empty and read every pending row. Each event is looked up by its key: the
# LIMIT keeps the planner, who does not know how many rows are due, from reading all events instead.
_CLAIM = """
WITH due AS (
    SELECT id, event_id, next_attempt_at FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND id >= %(lower)s AND id < %(upper)s
      AND {which}
    ORDER BY {order} LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), sized AS MATERIALIZED (
    SELECT due.id, due.next_attempt_at <= now() AS waited, due.event_id, e.key, e.type, e.version, e.created_at, e.data,
           e.metadata, e.correlation_id, count(*) OVER () AS found, row_number() OVER w AS n,
           sum(octet_length(e.data)) OVER w AS bytes
    FROM due LEFT JOIN LATERAL (
        SELECT key, type, version, created_at, data, metadata::text, correlation_id FROM webhooks_event
        WHERE id = due.event_id LIMIT 1
    ) AS e ON true
    WINDOW w AS (ORDER BY {window})
), claimed AS (
    UPDATE webhooks_delivery d
    SET state = 'sending', attempt_count = attempt_count + 1, lease_token = %(token)s,
        lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    WHERE d.id = ANY(ARRAY(SELECT id FROM sized WHERE n = 1 OR bytes <= %(bytes)s))
      AND d.id >= %(lower)s AND d.id < %(upper)s
    RETURNING d.id, d.attempt_count, d.trigger
)
SELECT s.found, c.id, c.attempt_count, c.trigger, s.waited, s.event_id, s.key, s.type, s.version, s.created_at, s.data,
       s.metadata, s.correlation_id
FROM claimed c JOIN sized s USING (id)
ORDER BY s.event_id
"""
# Nothing overtakes an earlier event of the same endpoint that waits for its retry, is on its way, is still held (the
# endpoint was resumed, and its deliveries have not followed yet) or is not routed yet (of two fan-outs at once, the
# one with the later events may commit first). Only the oldest keys are looked at, up to the end of a millisecond:
# within one, keys do not sort like their events.
_HEAD_OF_LINE = """next_attempt_at <= now()
      AND id <= (SELECT id FROM last_looked_at)
      AND event_id < COALESCE(LEAST((
          SELECT min(event_id::text)::uuid FROM webhooks_delivery
          WHERE endpoint_id = %(endpoint)s AND id >= %(lower)s AND id <= (SELECT id FROM last_looked_at)
            AND state IN ('pending', 'sending', 'held') AND (state <> 'pending' OR next_attempt_at > now())
      ), (
          SELECT id FROM webhooks_event WHERE fanned_out_at IS NULL AND tenant_id = %(tenant)s ORDER BY id LIMIT 1
      )), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
"""
_LAST_LOOKED_AT = """
WITH last_looked_at AS MATERIALIZED (
    SELECT (left(max(id::text), 13) || '-ffff-ffff-ffffffffffff')::uuid AS id FROM (
        SELECT id FROM webhooks_delivery
        WHERE endpoint_id = %(endpoint)s AND state IN ('pending', 'sending', 'held')
          AND id >= %(lower)s AND id < %(upper)s
        ORDER BY id LIMIT %(limit)s
    ) AS oldest
), due AS ("""
# A batch is ready when it is full or when one of its deliveries has waited long enough; it takes along whatever
# has never been tried. A delivery that waits for its retry waits.
_READY = """(next_attempt_at <= now() OR attempt_count = 0)
      AND (EXISTS (
          SELECT 1 FROM webhooks_delivery
          WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND id >= %(lower)s AND id < %(upper)s
            AND next_attempt_at <= now()
      ) OR %(batch)s <= (
          SELECT count(*) FROM (
              SELECT 1 FROM webhooks_delivery
              WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND id >= %(lower)s AND id < %(upper)s
                AND attempt_count = 0
              LIMIT %(batch)s
          ) AS waiting
      ))
"""
_LONGEST_WAITING = {"order": "next_attempt_at, id", "window": "due.next_attempt_at, due.id"}
_CLAIM_ANY = _CLAIM.format(which="next_attempt_at <= now()", **_LONGEST_WAITING)
_CLAIM_BATCH = _CLAIM.format(which=_READY, **_LONGEST_WAITING)
_CLAIM_ORDERED = _CLAIM.format(which=_HEAD_OF_LINE, order="event_id", window="due.event_id").replace(
    "\nWITH due AS (", _LAST_LOOKED_AT, 1
)


def lease_seconds(timeout: float) -> float:
    """How long a drain can take at most: its budget, one request begun at the end of it (``timeout``), and a margin."""
    return float(conf.DRAIN_BUDGET + timeout + conf.LEASE_MARGIN)


def key_range(oldest_pending_id: UUID | None) -> tuple[UUID, UUID]:
    """The keys an endpoint's unfinished deliveries can have: from its mailbox's bound to a little ahead of now."""
    return oldest_pending_id or UUID(int=0), ids.floor(datetime.now(UTC) + _CLOCK_SKEW)


# Two claims at once, which slots prevent but only while Redis is there: the second would skip the rows that the
# first has locked, and overtake them. The bound on the keys is read again: since the drain began, a fan-out may have
# committed events that are earlier than all that was there.
_ONE_AT_A_TIME = "SELECT oldest_pending_id FROM webhooks_mailbox WHERE endpoint_id = %s FOR UPDATE"


def claim(target: Target, token: UUID, *, limit: int, lease: float) -> Claim:
    """Take up to ``limit`` due deliveries for ``lease`` seconds, longest waiting first (ordered: oldest event).

    Less when their data is more than MAX_CLAIM_BYTES together, but at least one.
    """
    lower, upper = key_range(target.oldest_pending_id)
    parameters: dict[str, Any] = {
        "endpoint": target.endpoint_id, "lower": lower, "upper": upper, "limit": limit, "token": token, "lease": lease,
        "tenant": target.tenant_id, "batch": target.config.batch, "bytes": conf.MAX_CLAIM_BYTES,
    }  # fmt: skip
    if not target.ordered:
        with prepared_cursor() as cursor:
            cursor.execute(_CLAIM_BATCH if target.config.batch else _CLAIM_ANY, parameters)
            return _claimed(cursor, limit)
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [target.endpoint_id])
        (oldest,) = cursor.fetchone() or (None,)
        cursor.execute(_CLAIM_ORDERED, parameters | {"lower": key_range(oldest)[0]})
        return _claimed(cursor, limit)


def _claimed(cursor: Any, limit: int) -> Claim:
    rows = cursor.fetchall()
    found = rows[0][0] if rows else 0
    return Claim([Claimed(*row[1:]) for row in rows], found >= limit or found > len(rows))


_RELEASE = """
UPDATE webhooks_delivery
SET state = 'pending', attempt_count = attempt_count - 1, lease_token = NULL, lease_until = NULL
WHERE id = ANY(%s) AND id >= %s AND id <= %s AND lease_token = %s
"""


def release(cursor: Any, token: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Give back rows that were claimed and not sent; it did not count as an attempt."""
    if delivery_ids:
        cursor.execute(_RELEASE, [list(delivery_ids), min(delivery_ids), max(delivery_ids), token])
