"""How much a run measures. Every scenario is a module with ``run(machine, options) -> dict``."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Options:
    """The size of a run: ``FULL`` for ``make bench``, ``QUICK`` for ``make bench-quick``, or the command line's own."""

    quick: bool
    deliveries: int  # of one throughput measurement
    endpoints: int  # a multiple of workload.TENANTS
    rounds: int  # of each comparison; medians and ranges are taken over them
    seconds: float  # length of one load of a scenario
    minutes: float  # length of the load under which memory is watched
    rate: float  # healthy deliveries a second meanwhile; 0: a share of the capacity
    old_rows: int  # events, deliveries and attempts each that growth loads first
    seed: int  # of whatever is drawn at random
    capacity: float = 0.0  # deliveries a second that loads are shares of; 0: a scenario measures it first


FULL = Options(
    quick=False, deliveries=12_000, endpoints=20, rounds=3, seconds=10.0, minutes=1.0, rate=0.0, old_rows=5_000_000,
    seed=1,
)  # fmt: skip
QUICK = replace(FULL, quick=True, deliveries=6_000, seconds=4.0, minutes=0.4, old_rows=50_000)
