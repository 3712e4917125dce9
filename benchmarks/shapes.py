"""Other shapes of the same work: fan-out 1:1, 1:20 and 1:1000, payloads of 1 to 250 KiB, one and two workers.

Deliveries a second are those of bursts, recorded, as in the throughput scenario; every burst is checked against the
receiver. ``last_arrival_ms`` is one event alone, from accepted to its last arrival at all its endpoints.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from benchmarks import arrivals, load, stage, workload
from benchmarks.figures import ratios, spread
from benchmarks.machine import Machine
from benchmarks.options import Options

_FAN_OUTS = (1, 20)  # endpoints that one event goes to
_WIDE = 1000
_PAYLOADS_KIB = (1, 20, 250)  # the largest that fits the limit of 256 KiB with the rest of the event
_DELIVERIES = 2000  # of one burst
_BYTES = 50_000_000  # of one burst of large payloads, at most
_SINGLES = 5  # events alone
_PAUSE = 0.3  # seconds between them
_WARM_UP = 1000  # deliveries before a shape is measured
_BATCH = 500  # events of one insert


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """``fan_out``, ``payload`` and ``scaling``, deliveries a second with ranges."""
    fan_out, payload, scaling = stage.Parts(), stage.Parts(), stage.Parts()
    tenants = {width: workload.make_tenants(1, f"Fan-out {width}")[0] for width in (*_FAN_OUTS, _WIDE)}
    owners = workload.make_endpoints(machine, options.endpoints)
    with stage.clearing([*owners, *tenants.values()]), stage.stack(machine):
        for width in _FAN_OUTS:
            fan_out.measure(f"1:{width}", _fan_out, machine, options, tenants[width], width)
        stage.burst(machine, owners, options.endpoints, _WARM_UP)
        scaling.measure("2 workers", _speeds, machine, options, owners, _DELIVERIES, workload.ORDER)
        for kib in _PAYLOADS_KIB:
            payload.measure(f"{kib} KiB", _payload, machine, options, owners, kib * 1024)
        # The last one: if it does not get done, nothing comes after it here.
        fan_out.measure(f"1:{_WIDE}", _fan_out, machine, options, tenants[_WIDE], _WIDE)
    scaling.measure("1 worker", _alone, machine, options)
    return {
        "fan_out": fan_out.results,
        "payload": payload.results,
        "scaling": _scaling(scaling.results),
        "failures": fan_out.failures | payload.failures | scaling.failures,
    }


def _fan_out(machine: Machine, options: Options, owner: UUID, width: int) -> dict[str, Any]:
    types = _subscribe(machine, owner, max(width, options.endpoints), width)
    events = max(1, _DELIVERIES // width) if width < _WIDE else 1  # of a burst
    _burst(machine, owner, types, -(-_WARM_UP // width), width)
    rounds = [_burst(machine, owner, types, events, width) for _ in range(options.rounds)]
    singles = rounds if events == 1 else [_single(machine, owner, types[0], width) for _ in range(_SINGLES)]
    return {
        "events": events,
        "deliveries": events * width,
        "deliveries_per_second": spread([events * width / recorded for recorded, _ in rounds]),
        "last_arrival_ms": spread([arrived * 1000 for _, arrived in singles]),
    }


def _subscribe(machine: Machine, owner: UUID, count: int, width: int) -> list[str]:
    """``count`` endpoints, ``width`` of them for each event type; the types."""
    from django.db import transaction

    from webhooks.services import endpoints

    types = [f"shape.no{n}" for n in range(count // width)]
    with transaction.atomic():
        for n in range(count):
            url = f"{machine.receiver}/ok/{n}"
            endpoints.create(owner, {"url": url, "event_types": [types[n % len(types)]]})
    return types


def _burst(machine: Machine, owner: UUID, types: Sequence[str], events: int, width: int) -> tuple[float, float]:
    """Events of each type in turn: seconds until all deliveries are recorded, and until the last one arrived."""
    from webhooks.services import ingest

    machine.ask("/reset")
    drafts = [ingest.Draft(type=types[n % len(types)], data=workload.ORDER) for n in range(events)]
    published: list[str] = []
    for first in range(0, events, _BATCH):
        published += [one.public_id for one in ingest.publish(owner, drafts[first : first + _BATCH])]
    started = time.monotonic()
    workload.ring()
    stage.settled(machine, events * width)
    recorded = time.monotonic() - started
    stage.check(machine, published, width)
    return recorded, max(one.at for one in arrivals.parse(machine.ask("/arrivals"))) - started


def _single(machine: Machine, owner: UUID, event_type: str, width: int) -> tuple[float, float]:
    """One event alone, see :func:`_burst`."""
    time.sleep(_PAUSE)
    return _burst(machine, owner, [event_type], 1, width)


def _payload(machine: Machine, options: Options, owners: Sequence[UUID], size: int) -> dict[str, Any]:
    data = load.Stream("", 0, 0, size=size).data()
    deliveries = min(_DELIVERIES, _BYTES // size)
    speeds = _speeds(machine, options, owners, deliveries, data)
    return {
        "deliveries": deliveries,
        "deliveries_per_second": spread(speeds),
        "mb_per_second": spread([speed * size / 1e6 for speed in speeds]),
    }


def _speeds(machine: Machine, options: Options, owners: Sequence[UUID], deliveries: int, data: bytes) -> list[float]:
    return [stage.burst(machine, owners, options.endpoints, deliveries, data) for _ in range(options.rounds)]


def _alone(machine: Machine, options: Options) -> list[float]:
    """Deliveries a second without the second delivery worker."""
    workers = {name: settings for name, settings in stage.stack_workers().items() if name != "delivery-2"}
    owners = workload.make_endpoints(machine, options.endpoints)
    with stage.clearing(owners), machine.workers(**workers), machine.beat():
        stage.burst(machine, owners, options.endpoints, _WARM_UP)
        return _speeds(machine, options, owners, _DELIVERIES, workload.ORDER)


def _scaling(speeds: dict[str, list[float]]) -> dict[str, Any]:
    """Deliveries a second with one and with two delivery workers, and what the second one adds."""
    found: dict[str, Any] = {name: spread(speeds[name]) for name in ("1 worker", "2 workers") if name in speeds}
    return found | ({"ratio": spread(ratios(speeds["2 workers"], speeds["1 worker"]))} if len(found) == 2 else {})
