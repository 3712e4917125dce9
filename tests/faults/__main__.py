"""``python -m tests.faults``: every scenario with real processes, a table, and one line of figures at the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.faults import report, scenarios, series, shifts
from tests.faults.scenario import SCENARIOS, Result
from tests.faults.shifts import Order

FULL, QUICK = 2000, 200  # events of each scenario
WORLDS = os.cpu_count() or 1  # a scenario leaves more than half of a core idle

__all__ = ["scenarios"]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every invariant held, 1 when one broke, 2 for a wrong command line."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    seeds = range(options.seed, options.seed + options.repeat)
    results = list(options.played)
    try:
        _play(options, seeds, results)
    except KeyboardInterrupt:
        report.say("interrupted; everything that was started has been stopped. What had ended by then:")
        _conclude(options, results)
        return 130
    status = _conclude(options, results)
    if status == 0 and options.page and not options.only:
        report.write_page(results, options.repeat)
    return status


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="of everything random; a new one when absent")
    parser.add_argument("--only", metavar="NAME,...", help="these scenarios; without --quick still in full")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} events and fewer faults each")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run all of it N times, seeds counting up")
    parser.add_argument(
        "--series", type=Path, metavar="FILE", help="keep each play there, and go on with what is not there yet"
    )
    parser.add_argument("--events", type=int, metavar="N", help=f"events of each scenario (default {FULL})")
    parser.add_argument("--worlds", type=int, default=WORLDS, metavar="N", help=f"at once (default {WORLDS})")
    parser.add_argument("--list", action="store_true", help="the names of the scenarios")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="copy the logs of all processes to a folder")
    parser.add_argument(
        "--page",
        action=argparse.BooleanOptionalAction,
        help="write docs/reliability.md after a good run of all scenarios (default: unless --quick)",
    )
    options = parser.parse_args(arguments)
    if options.list:
        report.list_scenarios(SCENARIOS.values())
        raise SystemExit(0)
    options.names = options.only.split(",") if options.only else list(SCENARIOS)
    if unknown := [name for name in options.names if name not in SCENARIOS]:
        parser.error(f"there is no scenario {', '.join(unknown)}; --list names them")
    if options.worlds < 1:
        parser.error("--worlds takes a number from 1 on")
    if options.repeat < 1 or (options.events is not None and options.events < 1):
        parser.error("--repeat and --events take a number from 1 on")
    if options.series is not None and options.seed is None:
        parser.error("--series takes a --seed, which says what is left to play")
    options.seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    options.page = options.page if options.page is not None else not options.quick
    options.events = options.events or (QUICK if options.quick else FULL)
    try:
        options.played = _played(options)
    except (OSError, ValueError) as error:
        parser.error(f"--series: {error}")
    return options


def _played(options: argparse.Namespace) -> list[Result]:
    """What a series that is gone on with has already."""
    if options.series is None:
        return []
    seeds = range(options.seed, options.seed + options.repeat)
    kept = series.begin(options.series, options.events, options.quick)
    return [result for result in kept if result.seed in seeds and result.scenario.name in options.names]


def _play(options: argparse.Namespace, seeds: Sequence[int], results: list[Result]) -> None:
    """All scenarios with each seed; ``results`` grows as they end."""
    spoken = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    report.say(f"{spoken}: {len(options.names)} scenarios of {options.events} events")
    played = {(result.scenario.name, result.seed) for result in results}
    waiting = [turn for turn in shifts.turns(options.names, seeds) if turn not in played]
    if played:
        report.say(f"{len(played)} have been played before, {len(waiting)} are left")

    def tell(result: Result) -> None:
        report.progress(result)
        results.append(result)
        if options.series is not None:
            series.keep(options.series, result)

    shifts.run(waiting, Order(options.events, options.quick, options.logs), options.worlds, tell)


def _conclude(options: argparse.Namespace, results: list[Result]) -> int:
    """The table, seed by seed in the order of the scenarios, and the last lines; the exit status."""
    places = {name: place for place, name in enumerate(options.names)}
    results.sort(key=lambda result: (result.seed, places[result.scenario.name]))
    report.table(results)
    return report.conclude(results)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
