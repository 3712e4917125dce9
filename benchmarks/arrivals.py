"""What arrived, matched with what was accepted: waits, their percentiles, and nothing lost.

Accepted and arrived are moments of ``time.monotonic()``, which all processes of one machine share on Linux.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.figures import Spread, percentile, spread
from benchmarks.workload import WrongDeliveries


class Accepted(NamedTuple):
    """An event that was committed: its id as ``webhook-id`` shows it, by which tenant, since when, planned for when."""

    event: str
    tenant: str
    at: float
    due: float


class Arrival(NamedTuple):
    """A complete request at the receiver."""

    event: str
    path: str
    at: float


class Wait(NamedTuple):
    """From accepted to the first arrival of one event at one endpoint."""

    accepted: float
    tenant: str
    path: str
    ms: float


def parse(text: str) -> list[Arrival]:
    """The lines of ``GET /arrivals``."""
    found = []
    for line in text.splitlines():
        event, path, at = line.split(" ")
        found.append(Arrival(event, path, float(at)))
    return found


def waits(
    accepted: Iterable[Accepted], arrivals: Iterable[Arrival], endpoints: Mapping[str, Collection[str]]
) -> list[Wait]:
    """One wait for each accepted event at each of its tenant's ``endpoints`` (paths), in the order of acceptance.

    Raises :class:`WrongDeliveries` with the first of those that never arrived. Of repeats the first arrival counts.
    """
    first: dict[tuple[str, str], float] = {}
    for arrival in arrivals:
        first.setdefault((arrival.event, arrival.path), arrival.at)
    found: list[Wait] = []
    lost: list[tuple[str, str]] = []
    for event in sorted(accepted, key=lambda one: one.at):
        for path in endpoints[event.tenant]:
            at = first.get((event.event, path))
            if at is None:
                lost.append((event.event, path))
            else:
                found.append(Wait(event.at, event.tenant, path, (at - event.at) * 1000))
    if lost:
        raise WrongDeliveries(
            f"{len(lost)} of {len(lost) + len(found)} never arrived, the first: {lost[0][0]} at {lost[0][1]}"
        )
    return found


def summary(milliseconds: Iterable[float]) -> dict[str, float]:
    """Samples, p50, p95, p99 and max; rounded to 10 microseconds."""
    ordered = sorted(milliseconds)
    if not ordered:
        return {"samples": 0}
    return {
        "samples": len(ordered),
        "p50": round(percentile(ordered, 0.50), 2),
        "p95": round(percentile(ordered, 0.95), 2),
        "p99": round(percentile(ordered, 0.99), 2),
        "max": round(ordered[-1], 2),
    }


def timeline(found: Iterable[Wait], start: float) -> list[list[float]]:
    """``[second, p50, p99, max]`` by the second of acceptance after ``start``, in milliseconds."""
    by_second: dict[int, list[float]] = {}
    for wait in found:
        by_second.setdefault(math.floor(wait.accepted - start), []).append(wait.ms)
    rows = []
    for second, values in sorted(by_second.items()):
        figures = summary(values)
        rows.append([float(second), figures["p50"], figures["p99"], figures["max"]])
    return rows


def spreads(rounds: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, Spread]:
    """Median and range of each of the named figures of several rounds."""
    return {name: spread([one[name] for one in rounds]) for name in names}
