"""``python -m benchmarks``: every scenario, each in a process of its own; results as JSON, table and charts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import facts, isolated, pictures, report
from benchmarks.options import FULL, QUICK, Options
from benchmarks.registry import SCENARIOS
from benchmarks.workload import TENANTS

RESULTS = Path(__file__).with_name("results")
_WIDTH = 120  # columns of a table that goes into a file
_SIZES = [field.name for field in fields(Options) if field.name != "quick"]
_QUIET = 0.5  # load per core before a run above which figures mean little


def main() -> None:
    """Exit status 1 when a scenario, or a part of one, failed. A missed bar is a result, not a failure.

    An interrupted run reports what it has so far, beside the kept results.
    """
    names, options, folder = _command_line()
    machine = facts.machine()
    if machine["load_before"] > _QUIET * machine["cpu_count"]:
        _say(f"this machine is busy (load {machine['load_before']}): the figures will mean little")
    about = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "commit": facts.commit(), "machine": machine}
    outcomes: dict[str, dict[str, Any]] = {}
    for name in names:
        _say(f"{name} ...")
        try:
            outcomes[name] = isolated.run(name, options)
        except KeyboardInterrupt:
            folder = RESULTS / "partial"
            outcomes[name] = {"failed": "interrupted", "seconds": 0.0}
            break
        options = _informed(options, outcomes[name])
        failed = outcomes[name].get("failed")
        _say(f"{name}: {f'FAILED: {failed}' if failed else 'done'} in {outcomes[name]['seconds']:.0f} s")
    results = report.assemble(outcomes, options, about)
    _write(folder, results)
    _show(results)
    _say(f"results, table and charts: {folder}")
    sys.exit(1 if results["failures"] else 0)


def _command_line() -> tuple[list[str], Options, Path]:
    """Scenarios, their size, and the folder for the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: minutes, and coarser figures")
    parser.add_argument("--only", help=f"some of {','.join(SCENARIOS)}", default=",".join(SCENARIOS))
    parser.add_argument("--output", type=Path, help="folder of the results")
    for name in _SIZES:
        usual = getattr(FULL, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(usual), help=f"(default {usual})")
    given = parser.parse_args()
    names = given.only.split(",")
    if unknown := [name for name in names if name not in SCENARIOS]:
        parser.error(f"--only: there is no scenario {unknown[0]!r}, only {', '.join(SCENARIOS)}")
    changed = {name: getattr(given, name) for name in _SIZES if getattr(given, name) is not None}
    options = replace(QUICK if given.quick else FULL, **changed)
    if options.endpoints < TENANTS or options.endpoints % TENANTS:
        parser.error(f"--endpoints: {options.endpoints} is not a multiple of {TENANTS}, the number of tenants")
    if options.deliveries < options.endpoints:
        parser.error(f"--deliveries: {options.deliveries} is less than one for each of {options.endpoints} endpoints")
    if options.minutes <= 0 or options.rate < 0:
        parser.error("--minutes, --rate: memory is watched for a time, under a load (0: a share of the capacity)")
    if options.rounds < 1:
        parser.error("--rounds: there is no median without a round")
    whole = options == FULL and names == list(SCENARIOS)
    return names, options, given.output or (RESULTS if whole else RESULTS / "partial")


def _informed(options: Options, outcome: Mapping[str, Any]) -> Options:
    """The options of the next scenario: the first one that needs the capacity of this machine measures it for all."""
    known = options.capacity or outcome.get("result", {}).get("capacity_per_second", 0.0)
    return replace(options, capacity=float(known))


def _write(folder: Path, results: dict[str, Any]) -> None:
    """A whole run replaces the charts of the one before, also those it could not draw."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    (folder / "latest.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "table.md").write_text(report.markdown(results))
    for name, picture in pictures.draw(results).items():
        (folder / f"{name}.svg").write_text(picture)


def _show(results: dict[str, Any]) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    for part in report.sections(results):
        table = Table(*part.columns, title=part.title, title_justify="left", title_style="bold")
        for row in part.rows:
            style = "green" if row[-1] == "met" else "red" if row[-1].startswith("missed") else None
            table.add_row(*row[:-1], f"[{style}]{row[-1]}[/]" if style else row[-1])
        console.print(table)


def _say(text: str) -> None:
    print(f"benchmarks: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
