"""Memory over a load, while the deliveries behind a dead endpoint pile up; and what else the pile must not change.

Most endpoints answer at once; those of another tenant keep a thread waiting each time. Sampled: resident memory of the
workers, beat and the broker, and what Valkey itself counts as used. The first and the last third are compared, and a
line through the second half says what it would gain in an hour. Before and after the pile: the time of the sweep,
called alone, and the idle latency of another tenant's endpoint.
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

_SHARE = 0.15  # of the capacity, for the healthy endpoints: publishing the pile is work as well
_LATE, _LATE_RATE = 4, 0.5  # endpoints that answer after _DELAY seconds, and events a second for all of them
_DELAY = 0.5
_SAMPLES = 120  # of a curve, and no more than one a second
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
    seconds = options.minutes * 60
    healthy = options.rate or _SHARE * stage.capacity(machine, options)
    rate = healthy * workload.TENANTS / options.endpoints
    owners = workload.make_endpoints(machine, options.endpoints)
    dead, lone, late = workload.make_tenants(3, "Memory")
    _endpoint(dead, f"http://127.0.0.1:{free_port()}/dead")  # nobody listens there
    _endpoint(lone, f"{machine.receiver}/ok/lone")
    for n in range(_LATE):
        _endpoint(late, f"{machine.receiver}/delay/{_DELAY}/{n}")
    with stage.clearing([*owners, dead, lone, late]), stage.stack(machine):
        stage.burst(machine, owners, options.endpoints, 2000)
        before = _unmoved(machine, lone, options)
        planned = [*load.streams(owners, rate, seconds), load.Stream(str(late), _LATE_RATE, seconds)]
        with load.publisher(machine, planned, seed=options.seed) as source:
            machine.ask("/reset")
            used = sum(machine.cpu_seconds().values())
            with _watching(machine, max(1.0, seconds / _SAMPLES)) as curves:
                source.start()
                _pile_up(dead, pile, source.started, seconds)
                accepted = source.finish()
            cores = (sum(machine.cpu_seconds().values()) - used) / (time.monotonic() - source.started)
            _check(machine, accepted, late, options.endpoints // len(owners))
        wait_until(lambda: not _outbox(dead), "the fan-out of the pile", _FAN_OUT_TIMEOUT, 0.5)
        pending = _pending(dead)
        after = _unmoved(machine, lone, options)
    return {
        "seconds": seconds,
        "healthy_per_second": round(healthy),
        "cores": round(cores, 2),  # kept busy by all processes but the publisher
        "pending": pending,
        "memory_mb": {name: summary(curve) for name, curve in curves.items()},
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


def _check(machine: Machine, accepted: list[arrivals.Accepted], late: UUID, width: int) -> None:
    """Nothing of the events may be missing, at the ``width`` endpoints of each tenant and at those that are late."""
    waited = [one.event for one in accepted if one.tenant == str(late)]
    usual = [one.event for one in accepted if one.tenant != str(late)]
    total = len(usual) * width + len(waited) * _LATE
    wait_until(lambda: int(machine.ask("/count") or 0) >= total, f"{total} deliveries", stage.TIMEOUT)
    stage.check(machine, usual, width)
    stage.check(machine, waited, _LATE)


def _outbox(tenant: UUID) -> bool:
    from webhooks.models import Event

    return Event.objects.filter(tenant_id=tenant, fanned_out_at=None).exists()


def _pending(tenant: UUID) -> int:
    from webhooks.models import Delivery

    return Delivery.objects.filter(tenant_id=tenant, state__in=["pending", "sending"]).count()


@contextlib.contextmanager
def _watching(machine: Machine, pause: float) -> Iterator[dict[str, list[list[float]]]]:
    """``[second, MB]`` by process, every ``pause`` seconds while the body runs; ``valkey``: what it counts itself."""
    curves: dict[str, list[list[float]]] = {}
    over = threading.Event()
    start = time.monotonic()

    def look() -> None:
        while not over.wait(pause):
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


def summary(curve: list[list[float]]) -> dict[str, Any]:
    """Medians of the first and the last third and what was gained between them; MB an hour over the second half."""
    third = max(1, len(curve) // 3)
    first, last = (statistics.median(mb for _, mb in part) for part in (curve[:third], curve[-third:]))
    return {
        "first": round(first, 2),
        "last": round(last, 2),
        "growth": round(last / first, 3),
        "mb_per_hour": round(_slope(curve[len(curve) // 2 :]) * 3600, 2),
        "curve": curve,
    }


def _slope(points: list[list[float]]) -> float:
    """MB a second of the straight line that fits best (least squares); 0 for a single moment."""
    seconds, sizes = zip(*points, strict=True)
    return statistics.linear_regression(seconds, sizes).slope if len(set(seconds)) > 1 else 0.0
