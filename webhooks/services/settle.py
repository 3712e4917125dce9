"""Deliveries follow the state of their endpoint: held, released or cancelled, in bounded steps.

Invariant: ``Mailbox.unsettled`` is set in the transaction that changes the endpoint's state and cleared only
when no delivery is left to move, so a step that gets lost is done again by the sweep.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, transaction

from webhooks.services.claim import key_range

STEP = 5000  # rows of one transaction: a fraction of a second, however many deliveries wait

_LOCK = "SELECT oldest_pending_id FROM webhooks_mailbox WHERE endpoint_id = %s FOR UPDATE"
# A statement of its own: its snapshot is taken after the lock, so it sees the change that marked the mailbox.
_STATE = "SELECT state, deleted_at IS NOT NULL FROM webhooks_endpoint WHERE id = %s"
_MOVE = """
UPDATE webhooks_delivery SET state = %(state)s, reason = %(reason)s,
    next_attempt_at = CASE WHEN %(state)s = 'pending' THEN COALESCE(next_attempt_at, now()) END,
    finished_at = CASE WHEN %(state)s = 'cancelled' THEN now() END
WHERE id >= %(lower)s AND id < %(upper)s AND id = ANY(ARRAY(
    SELECT id FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND state = ANY(%(source)s) AND id >= %(lower)s AND id < %(upper)s
      AND state IN ('pending', 'sending', 'held')
    ORDER BY id LIMIT %(step)s FOR UPDATE SKIP LOCKED
))
"""
_DONE = """
UPDATE webhooks_mailbox SET unsettled = %(more)s,
    next_due_at = CASE WHEN %(state)s = 'pending' AND %(moved)s > 0
                       THEN LEAST(next_due_at, GREATEST(now(), blocked_until))
                       WHEN %(state)s <> 'pending' AND NOT %(more)s THEN NULL ELSE next_due_at END
WHERE endpoint_id = %(endpoint)s
"""


def settle(endpoint_id: UUID) -> bool:
    """Move up to STEP deliveries to the state their endpoint asks for; True when there may be more."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [endpoint_id])
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(_STATE, [endpoint_id])
        source, state, reason = _direction(*cursor.fetchone())
        lower, upper = key_range(row[0])
        parameters: dict[str, Any] = {
            "endpoint": endpoint_id, "state": state, "reason": reason, "source": source,
            "lower": lower, "upper": upper, "step": STEP,
        }  # fmt: skip
        cursor.execute(_MOVE, parameters)
        moved: int = cursor.rowcount
        cursor.execute(_DONE, {"endpoint": endpoint_id, "state": state, "moved": moved, "more": moved >= STEP})
    return moved >= STEP


def _direction(endpoint_state: str, deleted: bool) -> tuple[list[str], str, str]:
    """Which states move where, and the reason written on the rows."""
    if deleted:
        return ["pending", "held"], "cancelled", "the endpoint was deleted"
    if endpoint_state == "active":
        return ["held"], "pending", ""
    return ["pending"], "held", f"the endpoint is {endpoint_state}"
