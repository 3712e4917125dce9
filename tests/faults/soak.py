"""``python -m tests.faults.soak``: load for an hour with a random fault every half minute, then every invariant.

Two processes are never killed, so that what they keep in memory can be watched from the first minute to the last.
The last line reads ``soak: minutes=N faults=N events=N lost=N duplicates=N in_flight=N``.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

import psutil

from tests.faults import page, report
from tests.faults.fleet import WORKERS, Fleet
from tests.faults.scenario import LEASE, Result, Run, Scenario, play
from tests.faults.scenarios.workers import HELD, freeze_holding
from tests.faults.world import World

UNTOUCHED = ("delivery-1", "general")  # a killed process begins with an empty memory
KILLED = ("delivery-2", "slow", "dead-letter", "beat", "web")
GROWTH = 1.25  # of the last third of the time over the second: what is reported as a leak
_MINUTES = 60
_RATE = 20  # events a second, three deliveries each: most of a core is left for the faults
_BETWEEN = (10.0, 50.0)  # seconds from the end of a fault to the next one
_CALM = 15.0  # seconds without faults at the end of the load
_SAMPLE = 5.0  # seconds between looks at the memory
_MB = 1024 * 1024

Curve = list[tuple[float, float]]


def _killed(run: Run) -> None:
    run.kill(run.random.choice(KILLED))


def _deployed(run: Run) -> None:
    name = run.random.choice([name for name in WORKERS if name not in UNTOUCHED])
    run.busy()
    run.ledger.note(f"SIGTERM {name}")
    run.fleet.deploy(name)


def _frozen(run: Run) -> None:
    with run.fault("SIGSTOP delivery-2") as fault:
        run.busy()
        if freeze_holding(run, "delivery-2", fault):
            time.sleep(LEASE + 2 - HELD)
        run.fleet.thaw("delivery-2")
        run.ledger.look_twice(fault)  # a claim that was undecided is seen now


def _broker_killed(run: Run) -> None:
    with run.fault("broker killed"):
        run.world.broker.kill()
        run.pause(0.0, 5.0)
        run.world.broker.start()


def _broker_flushed(run: Run) -> None:
    with run.fault("FLUSHALL"), run.world.broker.client() as client:
        client.flushall()


def _broker_unreachable(run: Run) -> None:
    with run.fault("broker frozen"), run.world.broker.frozen():
        run.pause(2.0, 10.0)


def _database_restarted(run: Run) -> None:
    how = run.random.choice((signal.SIGINT, signal.SIGQUIT))
    with run.fault(f"PostgreSQL {how.name}", database=True):
        run.world.halt_database(how)
        run.pause(0.0, 3.0)
        run.world.database.start()


def _connections_cut(run: Run) -> None:
    with run.fault("connections cut", database=True):
        run.world.cut()


def _endpoint_paused(run: Run) -> None:
    victim = run.random.choice([run.endpoints[label] for label in ("well-1", "flaky", "ordered")])
    with run.fault("pause"):
        run.api.must("POST", f"/webhooks/{victim.public_id}/pause")
        run.pause(1.0, 8.0)
        run.api.must("POST", f"/webhooks/{victim.public_id}/resume")


FAULTS: dict[str, Callable[[Run], None]] = {
    "a process killed with SIGKILL": _killed,
    "a worker deployed anew with SIGTERM": _deployed,
    "a worker frozen past its lease": _frozen,
    "the broker killed and started again": _broker_killed,
    "broker and guards emptied": _broker_flushed,
    "the broker unreachable": _broker_unreachable,
    "PostgreSQL restarted, fast or immediate": _database_restarted,
    "all connections to PostgreSQL cut": _connections_cut,
    "an endpoint paused and resumed": _endpoint_paused,
}


@dataclass(slots=True)
class Soak:
    """One soak. ``counts``: how often each kind of fault struck; ``curves``: ``(second, MB)`` by process."""

    minutes: float
    rate: float
    counts: Counter[str] = field(default_factory=Counter)
    curves: dict[str, Curve] = field(default_factory=dict)

    def body(self, run: Run) -> None:
        """The load and the faults: what a scenario's function does."""
        run.slack = LEASE + 10  # seconds; frozen between signing and sending
        run.usual_endpoints()
        seconds = self.minutes * 60
        with run.load(seconds, int(self.rate * seconds)) as load, _watching(run.fleet, self.curves):
            end = time.monotonic() + seconds - _CALM
            while not load.done:
                run.pause(*_BETWEEN)
                if time.monotonic() >= end:
                    break
                kind = run.random.choice(list(FAULTS))
                FAULTS[kind](run)
                self.counts[kind] += 1
                report.say(f"fault {self.counts.total()}: {run.ledger.faults[-1].what}")
            load.join(seconds)
        for name, curve in self.curves.items():
            run.expect(growth(curve) < GROWTH, f"{name} grew by a factor of {growth(curve):.2f}: does it leak?")


def growth(curve: Curve) -> float:
    """Median of the last third of a curve over that of the second; the first third is for getting warm."""
    third = max(1, len(curve) // 3)
    before, after = (statistics.median(mb for _, mb in part) for part in (curve[third : 2 * third], curve[-third:]))
    return after / before if before else 1.0


@contextlib.contextmanager
def _watching(fleet: Fleet, curves: dict[str, Curve]) -> Iterator[None]:
    """Note the resident memory of the processes that are never killed, while the body runs."""
    over, began = threading.Event(), time.monotonic()

    def look() -> None:
        while not over.wait(_SAMPLE):
            for name in UNTOUCHED:
                with contextlib.suppress(psutil.NoSuchProcess):
                    resident = psutil.Process(fleet.child(name).pid).memory_info().rss
                    curves.setdefault(name, []).append((round(time.monotonic() - began, 1), round(resident / _MB, 1)))

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every invariant held, 1 when one broke, 2 for a wrong command line, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, metavar="N", help=f"(default {_MINUTES})")
    parser.add_argument("--rate", type=float, default=_RATE, metavar="N", help=f"events a second (default {_RATE})")
    parser.add_argument("--seed", type=int, help="of everything random; a new one when absent")
    options = parser.parse_args(arguments)
    if options.minutes < 1 or options.rate <= 0:
        parser.error("--minutes takes a number from 1 on, --rate one above 0")
    signal.signal(signal.SIGTERM, _interrupt)
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    soak = Soak(options.minutes, options.rate)
    scenario = Scenario("soak", f"Random faults for {options.minutes:g} minutes", "soak", soak.body)
    report.say(f"seed {seed}: {options.minutes:g} minutes at {options.rate:g} events a second")
    try:
        with World() as world:
            result = play(world, scenario, seed, int(options.rate * options.minutes * 60), quick=False)
    except KeyboardInterrupt:
        report.say("interrupted; everything that was started has been stopped")
        return 130
    return _conclude(result, soak)


def _conclude(result: Result, soak: Soak) -> int:
    report.progress(result)
    for name, curve in soak.curves.items():
        report.say(f"         {name}: {curve[0][1]:.0f} MB at first, {curve[-1][1]:.0f} MB at last")
    verdict = result.verdict
    if not verdict.broken and soak.minutes >= _MINUTES:
        page.write_soak(result, soak.minutes, soak.counts, soak.curves)
    report.say(
        f"soak: minutes={soak.minutes:g} faults={soak.counts.total()} events={verdict.events} lost={verdict.lost} "
        f"duplicates={verdict.duplicates} in_flight={verdict.in_flight}"
    )
    return 1 if verdict.broken else 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
