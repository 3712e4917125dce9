"""What millions of old rows cost: everything is measured on empty tables, then again beside the past of a month.

The two cannot take turns, so each is measured in rounds: their ranges tell what is noise. A ratio is the share of its
speed that something keeps: 1 is as fast as before, and the bar of the design is 0.9. The lists of the API have a bar of
their own, see :mod:`benchmarks.lists`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from benchmarks import figures, history, lists, pages, stage, workload
from benchmarks.figures import Spread, spread
from benchmarks.machine import Machine
from benchmarks.options import Options

_WARM_UP = 2000  # deliveries before a side is timed
_PUBLISHED = 200  # events of one round of ingest, one after the other
_ROUTED = 500  # events of each tenant in one round of the fan-out
_SWEEPS = 20  # of one round
_LISTS, _ADMIN = 20, 10  # requests of each list of the API, of each page of the admin
_QUICK_PAGES = 5  # of both


@dataclass
class Side:
    """The figures of one side, by name, one for each round; ``pages``: group -> page -> p50 and p95 in ms."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    pages: dict[str, lists.Pages] = field(default_factory=dict)
    database_mb: float = 0.0


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """``growth_ratio`` (throughput), ``kept`` (all else by name), with ranges; ``pages``, and ``lists`` of those."""
    owners = workload.make_endpoints(machine, options.endpoints)
    with stage.clearing(owners):
        empty = _measure(machine, options, owners)
        past = history.load(options.old_rows, seed=options.seed)
        lists.maintain()
        _settle()
        loaded = _measure(machine, options, owners, pages.Looker(*past.quiet))
    kept = _kept(empty, loaded)
    return {
        "old_rows": past.rows,
        "load_seconds": round(past.seconds, 1),
        "database_mb": {"empty": round(empty.database_mb), "loaded": round(loaded.database_mb)},
        "growth_ratio": kept["deliveries_per_second"]["ratio"],
        "kept": kept,
        "pages": {name: _compared(side, loaded.pages[name]) for name, side in empty.pages.items()},
        "lists": lists.result({name: side for name, side in loaded.pages.items() if name != "admin"}),
    }


def _measure(machine: Machine, options: Options, owners: Sequence[UUID], quiet: pages.Looker | None = None) -> Side:
    side = Side()
    with stage.stack(machine):
        stage.burst(machine, owners, options.endpoints, _WARM_UP)
        side.rates["deliveries_per_second"] = [
            stage.burst(machine, owners, options.endpoints, options.deliveries) for _ in range(options.rounds)
        ]
    others = workload.make_endpoints(machine, options.endpoints)
    with stage.clearing(others):
        for _ in range(options.rounds):
            _round(side, others)
    looker = _busy_tenant(owners[0])
    side.pages = lists.measure(machine, looker, quiet, _QUICK_PAGES if options.quick else _LISTS)
    side.pages["admin"] = pages.latencies(pages.admin(looker), _QUICK_PAGES if options.quick else _ADMIN)
    side.database_mb = _database_mb()
    return side


def _round(side: Side, owners: Sequence[UUID]) -> None:
    """One round of what needs no workers: publishing single events, routing many, sweeping with all of it due."""
    from webhooks.services.fan_out import fan_out
    from webhooks.services.sweep import sweep

    publishing = _timed(lambda: workload.publish(owners[:1], 1), _PUBLISHED)
    workload.publish(owners, _ROUTED)
    started, events = time.perf_counter(), 0
    while made := fan_out().events:
        events += made
    side.rates.setdefault("events_routed_per_second", []).append(events / (time.perf_counter() - started))
    for name, taken in (("publish_ms", publishing), ("sweep_ms", _timed(sweep, _SWEEPS))):
        for share in (0.5, 0.95):
            found = side.milliseconds.setdefault(f"{name}_p{share * 100:.0f}", [])
            found.append(figures.percentile(taken, share))


def _timed(call: Callable[[], Any], count: int) -> list[float]:
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def _busy_tenant(owner: UUID) -> pages.Looker:
    from webhooks.models import Endpoint

    return pages.Looker(owner, Endpoint.objects.filter(tenant_id=owner).latest("id").id)


def _settle() -> None:
    """Let the load's own writes reach the disk, so that they are not in the way of what is measured next."""
    from django.db import connection
    from django.db.utils import ProgrammingError

    with contextlib.suppress(ProgrammingError), connection.cursor() as cursor:  # a given server may not allow it
        cursor.execute("CHECKPOINT")
    os.sync()


def _database_mb() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()) / 1048576.0")
        return float(cursor.fetchone()[0])


def _kept(empty: Side, loaded: Side) -> dict[str, dict[str, Spread]]:
    """Both sides of each figure, and how much of its speed it kept: each loaded round over the empty median."""
    found = {}
    for name, values in loaded.rates.items():
        before = spread(empty.rates[name])
        found[name] = _both(before, values, [value / before["median"] for value in values])
    for name, values in loaded.milliseconds.items():
        before = spread(empty.milliseconds[name])
        found[name] = _both(before, values, [before["median"] / value for value in values])
    return found


def _both(before: Spread, after: Sequence[float], ratios: Sequence[float]) -> dict[str, Spread]:
    return {"empty": before, "loaded": spread(after), "ratio": spread(ratios)}


def _compared(empty: lists.Pages, loaded: lists.Pages) -> dict[str, dict[str, Any]]:
    """Pages that both sides have, slowest first; ``ratio`` of their p50.

    It says little of a page that had no rows to show before.
    """
    rows: dict[str, dict[str, Any]] = {
        name: {"empty": empty[name], "loaded": after, "ratio": round(empty[name]["p50"] / after["p50"], 2)}
        for name, after in loaded.items()
        if name in empty
    }
    return dict(sorted(rows.items(), key=lambda row: -row[1]["loaded"]["p95"]))


def main() -> None:
    """``python -m benchmarks.growth [--old-rows N] [--quick]``: this scenario alone, its result as JSON."""
    import argparse
    import json
    from dataclasses import replace

    from benchmarks.options import FULL, QUICK

    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--old-rows", type=int, default=FULL.old_rows)
    parser.add_argument("--quick", action="store_true", help="fewer deliveries and requests")
    given = parser.parse_args()
    with Machine() as machine:
        result = run(machine, replace(QUICK if given.quick else FULL, old_rows=given.old_rows))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
