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

from django.db import connection, transaction

from webhooks.core import ids
from webhooks.services.target import Target

_CLOCK_SKEW = timedelta(days=1)  # a key may be this far ahead of this machine's clock


class Claimed(NamedTuple):
    """A delivery to send now, with its event. ``attempt`` counts this one. ``data`` None: the event expired."""

    delivery_id: UUID
    attempt: int
    trigger: str
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


# The bounds on the key are literals of the statement, so the planner leaves all other days out. The condition
# stands in ``due``, which locks the rows; the UPDATE goes by their keys and nothing else, because with the
# statistics of a quiet minute the planner would take a partial index for empty and read every pending row.
_CLAIM = """
WITH due AS (
    SELECT id FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND next_attempt_at <= now()
      AND id >= %(lower)s AND id < %(upper)s
      {head_of_line}
    ORDER BY {order} LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE webhooks_delivery d
    SET state = 'sending', attempt_count = attempt_count + 1, lease_token = %(token)s,
        lease_until = now() + %(lease)s * interval '1 second'
    WHERE d.id = ANY(ARRAY(SELECT id FROM due)) AND d.id >= %(lower)s AND d.id < %(upper)s
    RETURNING d.id, d.attempt_count, d.trigger, d.event_id
)
SELECT c.id, c.attempt_count, c.trigger, c.event_id, e.key, e.type, e.version, e.created_at, e.data,
       e.metadata, e.correlation_id
FROM claimed c LEFT JOIN webhooks_event e ON e.id = c.event_id
ORDER BY c.event_id
"""
# Nothing overtakes an earlier event of the same endpoint that waits for its retry, is on its way or is not
# routed yet (of two fan-outs at once, the one with the later events may commit first).
_HEAD_OF_LINE = """
      AND event_id < COALESCE(LEAST((
          SELECT min(event_id::text)::uuid FROM webhooks_delivery
          WHERE endpoint_id = %(endpoint)s AND id >= %(lower)s AND id < %(upper)s
            AND (state = 'sending' OR state = 'pending' AND next_attempt_at > now())
      ), (
          SELECT id FROM webhooks_event WHERE fanned_out_at IS NULL AND tenant_id = %(tenant)s ORDER BY id LIMIT 1
      )), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
"""
_CLAIM_ANY = _CLAIM.format(head_of_line="", order="next_attempt_at, id")
_CLAIM_ORDERED = _CLAIM.format(head_of_line=_HEAD_OF_LINE, order="event_id")


def key_range(oldest_pending_id: UUID | None) -> tuple[UUID, UUID]:
    """The keys an endpoint's unfinished deliveries can have: from its mailbox's bound to a little ahead of now."""
    return oldest_pending_id or UUID(int=0), ids.floor(datetime.now(UTC) + _CLOCK_SKEW)


# Two claims at once, which slots prevent but only while Redis is there: the second would skip the rows that the
# first has locked, and overtake them.
_ONE_AT_A_TIME = "SELECT 1 FROM webhooks_mailbox WHERE endpoint_id = %s FOR UPDATE"


def claim(target: Target, token: UUID, *, limit: int, lease: float) -> list[Claimed]:
    """Take up to ``limit`` due deliveries for ``lease`` seconds, longest waiting first (ordered: oldest event)."""
    lower, upper = key_range(target.oldest_pending_id)
    parameters: dict[str, Any] = {
        "endpoint": target.endpoint_id, "lower": lower, "upper": upper, "limit": limit, "token": token, "lease": lease,
        "tenant": target.tenant_id,
    }  # fmt: skip
    if not target.ordered:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_ANY, parameters)
            return [Claimed(*row) for row in cursor.fetchall()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [target.endpoint_id])
        cursor.execute(_CLAIM_ORDERED, parameters)
        return [Claimed(*row) for row in cursor.fetchall()]


_RELEASE = """
UPDATE webhooks_delivery
SET state = 'pending', attempt_count = attempt_count - 1, lease_token = NULL, lease_until = NULL
WHERE id = ANY(%s) AND id >= %s AND id < %s AND lease_token = %s
"""


def release(cursor: Any, target: Target, token: UUID, delivery_ids: Sequence[UUID]) -> None:
    """Give back rows that were claimed and not sent; it did not count as an attempt."""
    if delivery_ids:
        cursor.execute(_RELEASE, [list(delivery_ids), *key_range(target.oldest_pending_id), token])
