"""What the suite says: a line for each scenario as it ends, the table, the last line, and the page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tests.faults.scenario import Result, Scenario

_console = Console(highlight=False, width=140)


def say(text: str) -> None:
    """One line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def list_scenarios(scenarios: Iterable[Scenario]) -> None:
    """Names and titles."""
    for one in scenarios:
        say(f"{one.name:<32} {one.title}")


def progress(result: Result) -> None:
    """A scenario has ended."""
    if result.skipped:
        say(f"SKIPPED  {result.scenario.name}: {result.skipped}")
        return
    verdict = result.verdict
    word = "BROKEN " if verdict.broken else "ok     "
    say(
        f"{word}  {result.scenario.name}: {verdict.events} events, {verdict.requests} requests, {verdict.lost} lost, "
        f"{verdict.duplicates} duplicates, {verdict.in_flight} in flight at {result.faults} faults, "
        f"{result.seconds:.0f} s, seed {result.seed}"
    )
    for line in (*result.notes, *verdict.broken):
        say(f"         {line}")


def table(results: Sequence[Result]) -> None:
    """All scenarios of all runs."""
    shown = Table(
        "scenario", *("seed", "faults", "events", "requests", "lost", "duplicates", "in flight", "resumed", "settled"),
        title="Fault suite (resumed, settled: seconds after the end of a fault)",
    )  # fmt: skip
    for column in shown.columns[1:]:
        column.justify = "right"
    for result in results:
        if not result.skipped:
            shown.add_row(*row(result))
    _console.print(shown)


def row(result: Result) -> list[str]:
    """A result as the cells of the table."""
    verdict = result.verdict
    numbers = (result.seed, result.faults, verdict.events, verdict.requests, verdict.lost, verdict.duplicates)
    return [
        result.scenario.name + (" (broken)" if verdict.broken else ""),
        *map(str, numbers),
        str(verdict.in_flight),
        *("" if seconds is None else f"{seconds:.1f}" for seconds in (result.resumed, result.settled)),
    ]


def conclude(results: Sequence[Result]) -> int:
    """Say what broke, what was left out, and the last line; the exit status."""
    ran = [result for result in results if not result.skipped]
    for result in results:
        if result.skipped:
            say(f"NOT RUN: {result.scenario.name}: {result.skipped}")
        for sentence in result.verdict.broken:
            say(f"BROKEN INVARIANT in {result.scenario.name} (seed {result.seed}): {sentence}")
    events, lost, duplicates, in_flight = (
        sum(getattr(result.verdict, name) for result in ran) for name in ("events", "lost", "duplicates", "in_flight")
    )
    say(
        f"faults: scenarios={len({result.scenario.name for result in ran})} events={events} lost={lost} "
        f"duplicates={duplicates} in_flight={in_flight}"
    )
    return 1 if any(result.verdict.broken for result in ran) or not ran else 0


def write_page(results: Sequence[Result], runs: int) -> None:
    """docs/reliability.md."""
    from tests.faults import page

    page.write(results, runs)
