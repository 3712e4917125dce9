"""Deliveries of one tenant in one state, oldest first, a bounded stretch of keys at a time.

Two statements for a stretch: its deliveries, by an index on the tenant or the webhook, and what there is to know of
their events. Nothing is locked: whoever makes something of a row asks again where it matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.core import purged
from webhooks.models import Delivery
from webhooks.services.operations.fields import Selection

SCAN = 2000  # rows of one stretch: some 10 ms, whether they fit or not
_INDEXED = frozenset(str(state) for state in Delivery.INDEXED_STATES)


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery that was looked at. ``skip``: why it is passed over; empty: it is meant."""

    id: UUID
    event_id: UUID
    endpoint_id: UUID
    buried: bool
    skip: str = ""


# Tests and callbacks are nobody's events. ``state`` stands in ``looked`` only where an index has it.
_LOOK = """
WITH looked AS (
    SELECT id, event_id, endpoint_id, state, trigger, created_at, dead_lettered_at FROM webhooks_delivery
    WHERE tenant_id = %(tenant)s AND id > %(after)s AND id >= %(lower)s AND id < %(upper)s {indexed} {only}
    ORDER BY id LIMIT %(limit)s
)
SELECT d.id, d.event_id, d.endpoint_id, d.dead_lettered_at IS NOT NULL,
       CASE WHEN d.state <> %(state)s OR d.created_at >= %(began)s OR d.trigger IN ('test', 'callback') THEN 'other'
            WHEN e.deleted_at IS NOT NULL OR e.purpose <> '' THEN 'deleted'
            WHEN l.resolution <> 'open' THEN 'resolved'
            WHEN d.state = 'held' AND e.state <> 'active' THEN 'waiting' ELSE '' END
FROM looked d
JOIN webhooks_endpoint e ON e.id = d.endpoint_id
LEFT JOIN webhooks_deadletter l ON l.delivery_id = d.id
ORDER BY d.id
"""
_COUNT = """
SELECT count(*) FROM webhooks_delivery
WHERE tenant_id = %(tenant)s AND id >= %(lower)s AND id < %(upper)s {indexed} {only}
"""
_EVENTS = """
SELECT id, type, data = %s FROM webhooks_event WHERE id = ANY(%s) AND id >= %s AND id <= %s
"""
_NEWER = """
SELECT p.id FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS p(id, event_id, endpoint_id)
WHERE EXISTS (
    SELECT FROM webhooks_delivery n
    WHERE n.event_id = p.event_id AND n.endpoint_id = p.endpoint_id AND n.id > p.id AND n.id >= %s
)
"""


def stretch(tenant_id: UUID, state: str, chosen: Selection, after: UUID, began: datetime) -> list[Row]:
    """Up to SCAN deliveries behind ``after``, each judged. ``began``: later ones are the operation's own."""
    values = _values(tenant_id, state, chosen) | {"after": after, "began": began, "limit": SCAN}
    with connection.cursor() as cursor:
        cursor.execute(_shaped(_LOOK, state, chosen), values)
        rows = [Row(*row) for row in cursor.fetchall()]
    return _judged(rows, chosen, by_newest=state not in ("dead", "held"))


def count(tenant_id: UUID, state: str, chosen: Selection) -> int:
    """How many deliveries :func:`stretch` will look at."""
    with connection.cursor() as cursor:
        cursor.execute(_shaped(_COUNT, state, chosen), _values(tenant_id, state, chosen))
        found: int = cursor.fetchone()[0]
    return found


def _values(tenant_id: UUID, state: str, chosen: Selection) -> dict[str, Any]:
    return {
        "tenant": tenant_id, "state": state, "lower": chosen.lower, "upper": chosen.upper,
        "endpoints": chosen.endpoints,
    }  # fmt: skip


def _shaped(statement: str, state: str, chosen: Selection) -> str:
    return statement.format(
        indexed="AND state = %(state)s AND state IN ('dead', 'cancelled', 'held')" if state in _INDEXED else "",
        only="" if chosen.endpoints is None else "AND endpoint_id = ANY(%(endpoints)s)",
    )


def _judged(rows: list[Row], chosen: Selection, *, by_newest: bool) -> list[Row]:
    """Pass over what is of another type, expired or purged; with ``by_newest`` what was delivered anew since."""
    meant = [row for row in rows if not row.skip]
    if not meant:
        return rows
    events = sorted({row.event_id for row in meant})
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [purged.MARKER, events, events[0], events[-1]])
        known = {key: (type, is_purged) for key, type, is_purged in cursor.fetchall()}
    why = {row.id: _unfit(known.get(row.event_id), chosen) for row in meant}
    if by_newest:
        why |= dict.fromkeys(_repeated([row for row in meant if not why[row.id]]), "newer")
    return [_skipped(row, why.get(row.id, "")) for row in rows]


def _unfit(event: tuple[str, bool] | None, chosen: Selection) -> str:
    if event is None:
        return "expired"
    if not chosen.fits(event[0]):
        return "other"
    return "purged" if event[1] else ""


def _repeated(rows: Sequence[Row]) -> list[UUID]:
    if not rows:
        return []
    columns = [[row.id for row in rows], [row.event_id for row in rows], [row.endpoint_id for row in rows]]
    with connection.cursor() as cursor:
        cursor.execute(_NEWER, [*columns, min(columns[0])])
        return [key for (key,) in cursor.fetchall()]


def _skipped(row: Row, why: str) -> Row:
    return replace(row, skip=why) if why else row
