"""How long an event takes from accepted (committed) to received: one at a time, and at half of the capacity.

Each round has fresh workers and endpoints. Percentiles are those of a round; their median and range are over the
rounds. The stages say where the time goes (see :mod:`benchmarks.stages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from benchmarks import arrivals, load, stage, workload
from benchmarks.machine import Machine, wait_until
from benchmarks.options import Options
from benchmarks.stages import Journey, journeys, stages

_IDLE_RATE = 11.3  # events a second: one is over long before the next, at every phase of beat's second
_HALF = 0.5  # of the capacity
_WARM = 3.0  # seconds of a load that do not count
_NAMES = ("p50", "p95", "p99", "max")


@dataclass(slots=True)
class Measured:
    """The rounds of one kind of load."""

    rounds: list[list[float]] = field(default_factory=list)  # ms of each wait
    journeys: list[Journey] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Percentiles in ms with their ranges over the rounds, those of all rounds together, and the stages."""
        return {
            **arrivals.spreads([arrivals.summary(one) for one in self.rounds], _NAMES),
            "together": arrivals.summary(ms for one in self.rounds for ms in one),
            "stages": stages(self.journeys),
        }


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """``idle``, ``half_load`` and ``idle_http`` (accepted is the answer of POST /api/events), in ms."""
    speed = stage.capacity(machine, options)
    idle, half, over_http = Measured(), Measured(), Measured()
    for turn in range(options.rounds):
        owners = workload.make_endpoints(machine, options.endpoints)
        lone = workload.make_tenants(1, "Lone")
        paths = _endpoint(machine, lone[0])
        with stage.clearing([*owners, *lone]), stage.stack(machine):
            stage.burst(machine, owners, options.endpoints, options.endpoints * workload.TENANTS)
            seed = options.seed + turn
            quiet = [load.Stream(str(lone[0]), _IDLE_RATE, _WARM + options.seconds)]
            _measure(machine, idle, lone, quiet, paths, seed)
            if turn == 0:
                with load.web(machine) as url:
                    _measure(machine, over_http, lone, load.with_keys(quiet), paths, seed, url)
            rate = _HALF * speed * workload.TENANTS / options.endpoints
            busy = load.streams(owners, rate, _WARM + options.seconds)
            _measure(machine, half, owners, busy, _paths(owners, options.endpoints), seed)
    return {
        "capacity_per_second": round(speed),
        "idle": idle.figures(),
        "half_load": {"offered_per_second": round(_HALF * speed), **half.figures()},
        "idle_http": over_http.figures(),
    }


def _measure(
    machine: Machine,
    into: Measured,
    owners: Sequence[UUID],
    plan: Sequence[load.Stream],
    endpoints: dict[str, list[str]],
    seed: int,
    url: str = "",
) -> None:
    machine.ask("/reset")
    with load.publisher(machine, plan, seed=seed, url=url) as source:
        source.start()
        accepted = source.finish()
    total = sum(len(endpoints[event.tenant]) for event in accepted)
    wait_until(lambda: int(machine.ask("/count") or 0) >= total, f"{total} deliveries", stage.TIMEOUT)
    received = arrivals.parse(machine.ask("/arrivals"))
    begin = source.started + _WARM
    waits = arrivals.waits(accepted, received, endpoints)
    into.rounds.append([wait.ms for wait in waits if wait.accepted >= begin])
    stage.recorded()
    into.journeys += journeys(owners, [event for event in accepted if event.at >= begin], received)


def _endpoint(machine: Machine, tenant: UUID) -> dict[str, list[str]]:
    """One endpoint of the tenant; its path by tenant."""
    from webhooks.services import endpoints

    endpoints.create(tenant, {"url": f"{machine.receiver}/ok/lone", "event_types": ["order.*"]})
    return {str(tenant): ["/ok/lone"]}


def _paths(owners: Sequence[UUID], count: int) -> dict[str, list[str]]:
    """What :func:`workload.make_endpoints` made."""
    return {str(owner): [f"/{n}" for n in range(count) if n % len(owners) == k] for k, owner in enumerate(owners)}
