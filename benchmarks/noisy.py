"""Noisy neighbours: what the healthy half waits while the other half hangs, is slow or refuses; a tenant's flood.

``python -m benchmarks.noisy --modes hang --seconds 10`` runs it alone, for tuning.

Every window begins warm: all endpoints answer at once for a few seconds. Then the bad half turns bad, under the same
even load, and every event accepted from that moment on counts. ``first`` is the time in which the engine has to find
out, ``settled`` the rest. The calm windows (before and after the others) are the same without the turn. Healthy and
bad endpoints are mixed within each tenant, so they share events, doorbell queues and fan-outs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from benchmarks import arrivals, figures, flood, load, stage, workload
from benchmarks.machine import Machine, wait_until
from benchmarks.options import FULL, Options
from benchmarks.stages import journeys, slowest, stages
from webhooks.management.stack.ports import free_port

MODES = {"hang": "/turn/hang", "slow": "/turn/slow/5.0/", "refuse": ""}  # what turns the bad half
SHARE = 0.3  # of the capacity: all deliveries of the calm window together
_WARM = 4.0  # seconds before the turn
_FIRST = 5.0  # seconds after it
_WINDOWS = 1.8  # lengths of a load (options.seconds) after the turn: beyond the endpoint timeout of 15 s
_LEAST = 6.0  # seconds after the turn, so that something is settled
_QUEUE_PAUSE = 0.5  # seconds between two looks at the queues


class BadHalf(contextlib.ExitStack):
    """The receiver of the bad half, which can turn: a process of its own."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.enter_context(machine.process("bad half", sys.executable, "-m", "benchmarks.receiver", str(port)))
        wait_until(lambda: self._get("/count"), "the second receiver")

    def turn(self, mode: str) -> None:
        """From now on be bad in that way; ``calm``: stay as you are."""
        if mode == "refuse":
            self.close()  # the port and all connections
        elif mode in MODES:
            self._get(MODES[mode])

    def _get(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path) as answer:  # noqa: S310 - our own receiver
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Tenants, and the healthy paths of each."""

    owners: list[UUID]
    healthy: dict[str, list[str]]


def settle_down(machine: Machine, bad_url: str, count: int) -> Neighbourhood:
    """``count`` endpoints, every second one of them bad; every tenant has both kinds."""
    from webhooks.services import endpoints

    owners = workload.make_tenants(name="Neighbour")
    healthy: dict[str, list[str]] = {str(owner): [] for owner in owners}
    for n in range(count):
        place, number = n % len(owners), n // len(owners)
        bad = (number + place // 2) % 2 == 1
        path = f"/turn/{n}" if bad else f"/ok/{n}"
        url = (bad_url if bad else machine.receiver) + path
        endpoints.create(owners[place], {"url": url, "event_types": ["order.*"]})
        if not bad:
            healthy[str(owners[place])].append(path)
    return Neighbourhood(owners, healthy)


def window(machine: Machine, mode: str, options: Options, rate: float, seconds: float) -> dict[str, Any]:
    """One window: ``rate`` events a second of all tenants; figures of the healthy endpoints since the turn."""
    with BadHalf(machine) as bad:
        neighbours = settle_down(machine, bad.url, options.endpoints)
        machine.ask("/reset")
        with stage.clearing(neighbours.owners), stage.stack(machine):
            plan = load.streams(neighbours.owners, rate, _WARM + seconds)
            with load.publisher(machine, plan, seed=options.seed) as source, _queue_lengths() as lengths:
                source.start()
                time.sleep(max(0.0, source.started + _WARM - time.monotonic()))
                turned = time.monotonic()
                bad.turn(mode)
                accepted = source.finish()
            total = sum(len(neighbours.healthy[event.tenant]) for event in accepted)
            wait_until(lambda: int(machine.ask("/count") or 0) >= total, "the healthy endpoints", stage.TIMEOUT)
            received = arrivals.parse(machine.ask("/arrivals"))
            waits = arrivals.waits(accepted, received, neighbours.healthy)
            late = [event for event in accepted if event.at >= turned]
            found = journeys(neighbours.owners, late, received)
            bad.close()  # requests that hang end, so that the workers can stop
    lengths = [row for row in lengths if row[0] >= turned]
    return _figures(waits, turned, late, lengths) | {"stages": stages(found), "slowest": slowest(found, turned)}


def _figures(
    waits: Sequence[arrivals.Wait], turned: float, accepted: Sequence[arrivals.Accepted], lengths: list[list[float]]
) -> dict[str, Any]:
    since = [wait for wait in waits if wait.accepted >= turned]
    late = [(event.at - event.due) * 1000 for event in accepted]
    return {
        **arrivals.summary(wait.ms for wait in since),
        "first": arrivals.summary(wait.ms for wait in since if wait.accepted < turned + _FIRST),
        "settled": arrivals.summary(wait.ms for wait in since if wait.accepted >= turned + _FIRST),
        "accept_p99": round(figures.percentile(late, 0.99), 2),  # publishing itself: a busy machine shows here
        "timeline": arrivals.timeline(since, turned),
        "longest_queues": {
            name: int(max((row[n + 1] for row in lengths), default=0)) for n, name in enumerate(stage.queues())
        },
    }


@contextlib.contextmanager
def _queue_lengths() -> Iterator[list[list[float]]]:
    """``[time.monotonic(), length of each queue]`` several times a second, while the body runs."""
    rows: list[list[float]] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_QUEUE_PAUSE):
            rows.append([time.monotonic(), *map(float, stage.waiting().values())])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield rows
    finally:
        over.set()
        thread.join()


def modes(machine: Machine, options: Options, wanted: Sequence[str], seconds: float, share: float) -> dict[str, Any]:
    """A calm window, one for each wanted mode, a calm one again; p99 ratios against the mean of the calm ones."""
    speed = stage.capacity(machine, options)
    rate = share * speed * workload.TENANTS / options.endpoints  # an event makes endpoints / TENANTS deliveries
    parts = stage.Parts()
    for name in ("calm", *wanted, "calm again"):
        parts.measure(name, window, machine, name, options, rate, seconds)
    calm = [parts.results.pop(name) for name in ("calm", "calm again") if name in parts.results]
    return {
        "capacity_per_second": round(speed),
        "offered_per_second": round(share * speed),
        "seconds": seconds,
        "calm": calm,
        **{name: one | _ratios(one, calm) for name, one in parts.results.items()},
        "failures": parts.failures,
    }


def _ratios(bad: dict[str, Any], calm: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Its p99 over the mean of the calm ones: of the whole window, its first seconds, and the rest."""
    if not calm:
        return {}
    return {
        "ratio": round(bad["p99"] / statistics.mean(one["p99"] for one in calm), 2),
        **{
            f"ratio_{part}": round(bad[part]["p99"] / statistics.mean(one[part]["p99"] for one in calm), 2)
            for part in ("first", "settled")
        },
    }


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """``hang``, ``slow`` and ``refuse`` with their ratios, and ``flood``."""
    results = modes(machine, options, list(MODES), max(options.seconds * _WINDOWS, _LEAST), SHARE)
    floods = flood.run(machine, options)
    failures = results["failures"] | {f"flood {name}": why for name, why in floods.pop("failures").items()}
    return results | {"flood": floods, "failures": failures}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noisy", description=__doc__)
    parser.add_argument(
        "--modes", default=",".join(MODES), help="some of hang,slow,refuse,flood (default: the first 3)"
    )
    parser.add_argument("--seconds", type=float, default=FULL.seconds * _WINDOWS, help="after the turn (default 18)")
    parser.add_argument("--share", type=float, default=SHARE, help="of the capacity (default 0.3)")
    parser.add_argument("--seed", type=int, default=FULL.seed)
    given = parser.parse_args()
    if given.seconds < _LEAST:
        parser.error(f"--seconds: at least {_LEAST:g}, of which the first {_FIRST:g} are reported apart")
    wanted = given.modes.split(",")
    options = replace(FULL, seed=given.seed)
    with Machine() as machine:
        results: dict[str, Any] = {}
        if bad := [name for name in wanted if name in MODES]:
            results = modes(machine, options, bad, given.seconds, given.share)
        if "flood" in wanted:
            results["flood"] = flood.run(machine, options)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
