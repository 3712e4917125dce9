"""A tenant's flood: what one event of another tenant waits while ten thousand of the first are on their way.

``narrow``: each of the ten thousand events goes to one of the tenant's endpoints, so the flood ends within the
measurement. ``wide``: each goes to all of them, and the flood lasts much longer than anybody looks. There are two
other tenants: one whose doorbells go to the same queue as those of the flood, one with a queue of its own.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID
from zlib import crc32

from benchmarks import arrivals, load, stage, workload
from benchmarks.machine import Machine, wait_until
from benchmarks.options import Options
from benchmarks.stages import journeys, slowest

_EVENTS = 10_000
_RATE = 2.0  # events a second of each other tenant
_BATCH = 1000  # events of one insert, as many as the API takes at once
_QUICK = 0.2  # of the events, in a quick run
_LEAD = 1.0  # seconds of the other tenants' events before the flood: their endpoints are known by then


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """Waits in ms of the tenants beside the flood; the bar is a maximum of a second."""
    events = int(_EVENTS * _QUICK) if options.quick else _EVENTS
    parts = stage.Parts()
    for kind in ("narrow", "wide"):
        parts.measure(kind, _flood, machine, options, kind, events)
    return parts.results | {"failures": parts.failures}


def _flood(machine: Machine, options: Options, kind: str, events: int) -> dict[str, Any]:
    from django.db import connection

    seconds = options.seconds * (1 if kind == "narrow" else 1.5)
    flooder, same, other = _tenants()
    _endpoints(machine, flooder, options.endpoints, kind)
    beside = {str(same): [_endpoint(machine, same, "same")], str(other): [_endpoint(machine, other, "other")]}
    machine.ask("/reset")
    expected = events * (1 if kind == "narrow" else options.endpoints)
    with stage.clearing([flooder, same, other]), stage.stack(machine):
        plan = [load.Stream(tenant, _RATE, _LEAD + seconds) for tenant in beside]
        with load.publisher(machine, plan, seed=options.seed) as source:
            source.start()
            time.sleep(max(0.0, source.started + _LEAD - time.monotonic()))
            began = time.monotonic()
            _pour(flooder, events, options.endpoints, kind)
            poured = time.monotonic()
            accepted = source.finish()
            ended = time.monotonic()
        connection.close()
        _all_of(machine, accepted, beside, expected if kind == "narrow" else 0)
        received = arrivals.parse(machine.ask("/arrivals"))
        found = journeys([same, other], [one for one in accepted if one.at >= began], received)
    waits = arrivals.waits(accepted, received, beside)
    floods = sorted(one.at for one in received if one.path.startswith("/ok/"))
    since = [wait for wait in waits if began <= wait.accepted <= (floods[-1] if kind == "narrow" else ended)]
    return {
        "events": events,
        "deliveries": expected,
        "poured_in_seconds": round(poured - began, 2),
        "flood_seconds": round(floods[-1] - began, 2) if kind == "narrow" else None,
        "flood_per_second": round(len(floods) / (floods[-1] - began)),
        "before_ms": arrivals.summary(wait.ms for wait in waits if wait.accepted < began),
        "same_queue_ms": arrivals.summary(wait.ms for wait in since if wait.tenant == str(same)),
        "other_queue_ms": arrivals.summary(wait.ms for wait in since if wait.tenant == str(other)),
        "slowest": slowest(found, began),
        "timeline": [[round(wait.accepted - began, 2), wait.path, round(wait.ms, 1)] for wait in waits],
    }


def _tenants() -> tuple[UUID, UUID, UUID]:
    """One to flood, one that shares its doorbell queue, one that does not."""
    flooder = workload.make_tenants(1, "Flood")[0]
    same: UUID | None = None
    other: UUID | None = None
    while same is None or other is None:
        tenant = workload.make_tenants(1, "Beside")[0]
        if _shard(tenant) == _shard(flooder):
            same = same or tenant
        else:
            other = other or tenant
    return flooder, same, other


def _shard(tenant: UUID) -> int:
    from webhooks.conf import conf

    return crc32(tenant.bytes) % conf.DELIVER_SHARDS


def _endpoints(machine: Machine, flooder: UUID, count: int, kind: str) -> None:
    from webhooks.services import endpoints

    for n in range(count):
        types = [_type(n)] if kind == "narrow" else ["flood.**"]
        endpoints.create(flooder, {"url": f"{machine.receiver}/ok/{n}", "event_types": types})


def _endpoint(machine: Machine, tenant: UUID, name: str) -> str:
    from webhooks.services import endpoints

    path = f"/beside/{name}"
    endpoints.create(tenant, {"url": machine.receiver + path, "event_types": ["order.*"]})
    return path


def _type(n: int) -> str:
    return f"flood.no{n}"


def _pour(flooder: UUID, events: int, endpoints: int, kind: str) -> None:
    """All events at once, in batches as the API takes them, with a bell after each."""
    from webhooks.services import ingest

    for first in range(0, events, _BATCH):
        numbers = range(first, min(events, first + _BATCH))
        ingest.publish(flooder, [ingest.Draft(type=_type(n % endpoints), data=workload.ORDER) for n in numbers])
        workload.ring()


def _all_of(machine: Machine, accepted: list[arrivals.Accepted], beside: dict[str, list[str]], flood: int) -> None:
    """Wait until ``flood`` deliveries and every one of the others have arrived."""
    names = {event.event for event in accepted}

    def done() -> bool:
        if int(machine.ask("/count") or 0) < flood + len(names):
            return False
        received = arrivals.parse(machine.ask("/arrivals"))
        return names <= {one.event for one in received if one.path.startswith("/beside/")}

    wait_until(done, "the events beside the flood", stage.TIMEOUT, 0.5)
