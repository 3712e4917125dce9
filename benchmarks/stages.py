"""Where the time goes between accepted and received, from the timestamps that the rows keep anyway.

``outbox``: accepted until the transaction of its fan-out began; ``bell``: until the attempt began, which is the rest
of that transaction, the doorbell's way through broker and worker, gate and claim, and the requests of the same drain
that went before; ``request``: until the receiver had the whole request, which is building, signing and HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from benchmarks import arrivals

_MOMENTS = """
SELECT e.id, substring(a.request_url FROM '^https?://[^/]+(/.*)$'),
       extract(epoch FROM e.fanned_out_at)::float, extract(epoch FROM a.started_at)::float
FROM webhooks_attempt a JOIN webhooks_delivery d ON d.id = a.delivery_id JOIN webhooks_event e ON e.id = d.event_id
WHERE a.number = 1 AND a.endpoint_id IN (SELECT id FROM webhooks_endpoint WHERE tenant_id = ANY(%s))
"""


class Journey(NamedTuple):
    """One delivery: when it was accepted (time.monotonic()) and the milliseconds of each stage."""

    accepted: float
    path: str
    outbox: float
    bell: float
    request: float

    @property
    def total(self) -> float:
        return self.outbox + self.bell + self.request


def journeys(
    owners: Sequence[UUID], accepted: Iterable[arrivals.Accepted], received: Iterable[arrivals.Arrival]
) -> list[Journey]:
    """Deliveries of these tenants whose first attempt is recorded and arrived."""
    from django.db import connection

    from webhooks.core import ids

    offset = time.time() - time.monotonic()  # rows have the wall clock of the same machine
    since = {one.event: one.at for one in accepted}
    until: dict[tuple[str, str], float] = {}
    for one in received:
        until.setdefault((one.event, one.path), one.at)
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS, [list(owners)])
        for event_id, path, fanned_out, started in cursor.fetchall():
            event = ids.show(ids.EVENT, event_id)
            at, end = since.get(event), until.get((event, path))
            if at is not None and end is not None:
                routed, begun = fanned_out - offset, started - offset
                found.append(Journey(at, path, (routed - at) * 1000, (begun - routed) * 1000, (end - begun) * 1000))
    return found


def stages(found: Sequence[Journey]) -> dict[str, Any]:
    """p50, p95, p99 and max of each stage in ms."""
    return {name: arrivals.summary(getattr(one, name) for one in found) for name in ("outbox", "bell", "request")}


def slowest(found: Iterable[Journey], start: float, count: int = 3) -> list[dict[str, Any]]:
    """The longest journeys with their stages: when accepted (s after ``start``), at which path, ms of each stage."""
    worst = sorted(found, key=lambda one: one.total, reverse=True)[:count]
    return [
        {
            "second": round(one.accepted - start, 2), "path": one.path, "outbox": round(one.outbox, 1),
            "bell": round(one.bell, 1), "request": round(one.request, 1),
        }
        for one in worst
    ]  # fmt: skip
