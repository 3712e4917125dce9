"""Memory over a load, while the deliveries behind a dead endpoint pile up; and what else the pile must not change.

Sampled each second: resident memory of the workers, beat and the broker, and what Valkey itself counts as used. The
first and the last third are compared. Before and after the pile: the time of the sweep, called alone, and the idle
latency of another tenant's endpoint.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psutil

from benchmarks import arrivals, load, stage, workload
from benchmarks.figures import spread
from benchmarks.machine import Machine, wait_until
from benchmarks.options import Options
from webhooks.management.stack.ports import free_port

_LOADS = 6  # lengths of a load (options.seconds) that are watched
_SHARE = 0.15  # of the capacity, for the healthy endpoints: publishing the pile is work as well
_PILE, _QUICK_PILE = 200_000, 10_000  # deliveries behind the dead endpoint in the end
_BATCH = 500  # events of one insert
_SWEEPS = 50
_IDLE_RATE = 11.3  # events a second: one is over long before the next, at every phase of beat's second
_MB = 1024 * 1024
_NO_NEWS = {"database", "receiver"}  # shared buffers fill by and by; the receiver keeps all that arrived
_FAN_OUT_TIMEOUT = 300.0  # seconds for what is left of the outbox after the load


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """Memory by process with its curve; ``pending`` deliveries in the end; sweep and latency before and after."""
    pile = _QUICK_PILE if options.quick else _PILE
    seconds = options.seconds * _LOADS
    rate = _SHARE * stage.capacity(machine, options.endpoints) * workload.TENANTS / options.endpoints
    owners = workload.make_endpoints(machine, options.endpoints)
    dead, lone = workload.make_tenants(2, "Memory")
    _endpoint(dead, f"http://127.0.0.1:{free_port()}/dead")  # nobody listens there
    _endpoint(lone, f"{machine.receiver}/ok/lone")
    with stage.clearing([*owners, dead, lone]), stage.stack(machine):
        stage.burst(machine, owners, options.endpoints, 2000)
        before = _unmoved(machine, lone, options)
        with load.publisher(machine, load.streams(owners, rate, seconds), seed=options.seed) as source:
            machine.ask("/reset")
            with _watching(machine) as curves:
                source.start()
                _pile_up(dead, pile, source.started, seconds)
                accepted = source.finish()
            _check(machine, accepted, owners, options.endpoints)
        wait_until(lambda: not _outbox(dead), "the fan-out of the pile", _FAN_OUT_TIMEOUT, 0.5)
        pending = _pending(dead)
        after = _unmoved(machine, lone, options)
    return {
        "seconds": seconds,
        "healthy_per_second": round(rate * options.endpoints / workload.TENANTS),
        "pending": pending,
        "memory_mb": {name: _thirds(curve) for name, curve in curves.items()},
        "sweep_ms": {"before": before["sweep_ms"], "after": after["sweep_ms"]},
        "idle_latency_ms": {"before": before["latency"], "after": after["latency"]},
    }


def _endpoint(tenant: UUID, url: str) -> None:
    from webhooks.services import endpoints

    endpoints.create(tenant, {"url": url, "event_types": ["order.*"]})


def _unmoved(machine: Machine, lone: UUID, options: Options) -> dict[str, Any]:
    """What must be the same with the pile as without it."""
    from webhooks.services.sweep import sweep

    times = []
    for _ in range(_SWEEPS):
        started = time.perf_counter()
        sweep()
        times.append((time.perf_counter() - started) * 1000)
    machine.ask("/reset")
    plan = [load.Stream(str(lone), _IDLE_RATE, options.seconds)]
    with load.publisher(machine, plan, seed=options.seed) as source:
        source.start()
        accepted = source.finish()
    wait_until(lambda: int(machine.ask("/count") or 0) >= len(accepted), "the lone endpoint", stage.TIMEOUT)
    waits = arrivals.waits(accepted, arrivals.parse(machine.ask("/arrivals")), {str(lone): ["/ok/lone"]})
    return {"sweep_ms": spread(times), "latency": arrivals.summary(wait.ms for wait in waits)}


def _pile_up(dead: UUID, pile: int, start: float, seconds: float) -> None:
    """``pile`` events for the dead endpoint, at an even pace over the load."""
    for first in range(0, pile, _BATCH):
        time.sleep(max(0.0, start + seconds * first / pile - time.monotonic()))
        workload.publish([dead], min(_BATCH, pile - first))
        workload.ring()


def _check(machine: Machine, accepted: list[arrivals.Accepted], owners: list[UUID], endpoints: int) -> None:
    """Nothing of the healthy endpoints' events may be missing."""
    width = endpoints // len(owners)
    total = len(accepted) * width
    wait_until(lambda: int(machine.ask("/count") or 0) >= total, f"{total} healthy deliveries", stage.TIMEOUT)
    stage.check(machine, [event.event for event in accepted], width)


def _outbox(tenant: UUID) -> bool:
    from webhooks.models import Event

    return Event.objects.filter(tenant_id=tenant, fanned_out_at=None).exists()


def _pending(tenant: UUID) -> int:
    from webhooks.models import Delivery

    return Delivery.objects.filter(tenant_id=tenant, state__in=["pending", "sending"]).count()


@contextlib.contextmanager
def _watching(machine: Machine) -> Iterator[dict[str, list[list[float]]]]:
    """``[second, MB]`` by process, each second while the body runs; ``valkey``: what it counts itself."""
    curves: dict[str, list[list[float]]] = {}
    over = threading.Event()
    start = time.monotonic()

    def look() -> None:
        while not over.wait(1.0):
            second = round(time.monotonic() - start, 1)
            for name, pid in list(machine.pids.items()):
                if name not in _NO_NEWS:
                    curves.setdefault(name, []).append([second, round(_resident(pid) / _MB, 2)])
            curves.setdefault("valkey", []).append([second, round(stage.guards_memory() / _MB, 2)])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield curves
    finally:
        over.set()
        thread.join()


def _resident(pid: int) -> int:
    """Bytes of a process and all that it started."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def _thirds(curve: list[list[float]]) -> dict[str, Any]:
    """Medians of the first and the last third, what was gained between them, and the curve itself."""
    third = max(1, len(curve) // 3)
    first, last = (statistics.median(mb for _, mb in part) for part in (curve[:third], curve[-third:]))
    return {"first": round(first, 2), "last": round(last, 2), "growth": round(last / first, 3), "curve": curve}
