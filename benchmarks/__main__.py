"""``python -m benchmarks``: Celery's empty tasks, then Clarion's deliveries, in one run on one machine."""

from __future__ import annotations

import argparse
import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import measure
from benchmarks.machine import Machine

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--endpoints", type=int, default=20, help="a multiple of 4 (default 20)")
    parser.add_argument("--empty-tasks", type=int, default=8_000)
    parser.add_argument("--latency-samples", type=int, default=200)
    options = parser.parse_args()
    results: dict[str, Any] = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "python": platform.python_version()}
    with Machine() as machine:
        results["empty_tasks_per_second"] = measure.empty_tasks_per_second(machine, options.empty_tasks)
        owners = measure.make_endpoints(machine, options.endpoints)
        results["throughput"] = measure.deliveries_per_second(machine, owners, options.deliveries, options.endpoints)
        lone = measure.make_endpoints(machine, 4)[0]
        results["idle_latency"] = measure.idle_latency(machine, lone, options.latency_samples)
    results["deliveries_over_empty_tasks"] = results["throughput"]["per_second"] / results["empty_tasks_per_second"]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results, indent=2) + "\n")
    _show(results)


def _show(results: dict[str, Any]) -> None:
    table = Table("what", "measured", "bar", title="Clarion benchmarks (this machine, this run)")
    table.add_row("Celery empty tasks/s, prefork 2", f"{results['empty_tasks_per_second']:.0f}", "")
    table.add_row("deliveries/s, end to end", f"{results['throughput']['per_second']:.0f}", "")
    table.add_row("deliveries over empty tasks", f"{results['deliveries_over_empty_tasks']:.2f}", ">= 1.5")
    table.add_row("idle latency p50", f"{results['idle_latency']['p50_ms']:.1f} ms", "<= 25 ms")
    table.add_row("idle latency p99", f"{results['idle_latency']['p99_ms']:.1f} ms", "<= 100 ms")
    Console().print(table)


if __name__ == "__main__":
    main()
