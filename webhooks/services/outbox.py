"""Taking events out of the outbox, in the order they came, or a few of each tenant when there is a backlog.

Invariant: an event is taken by locking its row, and marked as routed by the transaction that makes its deliveries; two
fan-outs at once take different events (SKIP LOCKED). The mark is written together with the trace, because each UPDATE
of an event is an entry in every index of the largest table.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from webhooks.core import ids

_RECENT = timedelta(hours=1)  # where fresh events are; what lies further back is what the sweep names
_CLOCK_SKEW = timedelta(days=1)  # a key may be this far ahead of this machine's clock
_TENANTS = 200  # tenants of one batch; more than that wait for the next one


class Unrouted(NamedTuple):
    """An event as the routing needs it."""

    id: UUID
    tenant_id: UUID
    type: str
    version: str
    channels: list[str]
    origin: str


# The bounds on the key are literals, so the planner leaves all other days out.
_OLDEST = """
SELECT id, tenant_id, type, version, channels, origin FROM webhooks_event
WHERE fanned_out_at IS NULL AND id >= %(lower)s AND id < %(upper)s
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_OLDEST_OF_EACH = """
SELECT e.* FROM unnest(%(tenants)s::uuid[]) AS t(tenant_id) CROSS JOIN LATERAL (
    SELECT id, tenant_id, type, version, channels, origin FROM webhooks_event
    WHERE fanned_out_at IS NULL AND tenant_id = t.tenant_id AND id >= %(lower)s AND id < %(upper)s
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS e
"""
# Steps from tenant to tenant along the index, however many events each has.
_WAITING_TENANTS = """
WITH RECURSIVE waiting(tenant_id) AS (
    (SELECT tenant_id FROM webhooks_event WHERE fanned_out_at IS NULL AND id >= %(lower)s AND id < %(upper)s
     ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.tenant_id FROM webhooks_event e
            WHERE e.fanned_out_at IS NULL AND e.tenant_id > w.tenant_id AND e.id >= %(lower)s AND e.id < %(upper)s
            ORDER BY e.tenant_id LIMIT 1)
    FROM waiting w WHERE w.tenant_id IS NOT NULL
)
SELECT tenant_id FROM waiting WHERE tenant_id IS NOT NULL LIMIT %(limit)s
"""
_MARK = """
UPDATE webhooks_event e SET fanned_out_at = now(), matched = t.matched, routing = t.routing
FROM unnest(%s::uuid[], %s::int[], %s::jsonb[]) AS t(id, matched, routing)
WHERE e.id = t.id AND e.id >= %s AND e.id <= %s
"""


def take(cursor: Any, limit: int, *, since: UUID | None, fair: bool) -> list[Unrouted]:
    """Lock up to ``limit`` events that are not routed and return them, oldest first.

    ``since``: no older ones (None: of the last hour). ``fair``: the same number of each tenant, which costs a
    statement more; for a backlog, where the oldest events may all be one tenant's.
    """
    now = datetime.now(UTC)
    bounds = {"lower": since or ids.floor(now - _RECENT), "upper": ids.floor(now + _CLOCK_SKEW)}
    if fair:
        cursor.execute(_WAITING_TENANTS, bounds | {"limit": min(limit, _TENANTS)})
        tenants = [tenant_id for (tenant_id,) in cursor.fetchall()]
        share = max(1, limit // max(1, len(tenants)))
        cursor.execute(_OLDEST_OF_EACH, bounds | {"tenants": tenants, "limit": share})
    else:
        cursor.execute(_OLDEST, bounds | {"limit": limit})
    return sorted(Unrouted(*row) for row in cursor.fetchall())


def mark(cursor: Any, traces: Mapping[UUID, tuple[int, str]]) -> None:
    """Mark events of :func:`take` as routed: (how many endpoints it matched, trace as JSON text) of each."""
    columns = list(traces), [matched for matched, _ in traces.values()], [trace for _, trace in traces.values()]
    cursor.execute(_MARK, [*columns, min(traces), max(traces)])
