"""What the demonstration shows: live progress, the table, and what went wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from webhooks.management.demo.scenario import PARTS
from webhooks.management.demo.verdict import Verdict

_LINE_EVERY = 2.0  # seconds between progress lines where there is no terminal
_LONGEST_LIST = 20  # lines of trouble an endpoint may print


class Display:
    """Bars on a terminal, plain lines elsewhere. A context manager for the time of the bars."""

    def __init__(self, console: Console, totals: Mapping[str, int]) -> None:
        """``totals``: deliveries to come, by endpoint name."""
        self._console = console
        self._totals = totals
        self._began = time.monotonic()
        self._last_line = ""
        self._next_line = 0.0
        self._progress = Progress(
            TextColumn("{task.fields[endpoint]:<8}"),
            TextColumn("{task.fields[about]:<28}", style="dim"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            for part in PARTS:
                self._tasks[part.name] = self._progress.add_task(
                    "", total=self._totals[part.name], endpoint=part.name, about=part.about, note=""
                )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def show(self, settled: Mapping[str, int], notes: Mapping[str, str]) -> None:
        """``settled``: deliveries that have met their fate, by endpoint; ``notes``: a few words on each."""
        if self._console.is_terminal:
            for name, task in self._tasks.items():
                self._progress.update(task, completed=settled[name], note=notes[name])
            return
        line = "  ".join(f"{name} {settled[name]}/{self._totals[name]}" for name in settled)
        now = time.monotonic()
        if line != self._last_line and (now >= self._next_line or dict(settled) == dict(self._totals)):
            self._console.print(f"{now - self._began:5.1f} s  {line}", soft_wrap=True)
            self._last_line, self._next_line = line, now + _LINE_EVERY


def print_table(console: Console, verdicts: Sequence[Verdict]) -> None:
    """One row per endpoint; 80 columns are enough, 110 show the behaviour as well."""
    wide = console.width >= 110
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, caption=_CAPTION, caption_justify="left")
    table.add_column("endpoint", no_wrap=True)
    if wide:
        table.add_column("behaviour", no_wrap=True)
    for heading in _NUMBERS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in verdicts:
        name = (each.part.name, each.part.about) if wide else (each.part.name,)
        numbers = (each.sent, each.verified, each.attempts, each.retries, each.dead, each.held, each.repeated)
        end = "ok" if each.good else "WRONG" if each.faults else "MISSING"
        style = "green" if each.good else "bold red"
        cells = (*name, *map(str, numbers), _ms(each.p50), _ms(each.p95))
        table.add_row(*cells, Text(end, style=style))
    console.print()
    console.print(table)
    console.print()


_NUMBERS = ("sent", "verified", "attempts", "retries", "dead", "held", "repeated", "p50 ms", "p95 ms")
_CAPTION = (
    "verified: events with right signatures, Standard Webhooks and hex. repeated: requests explained by a "
    "try that was lost with its worker. p50, p95: from publishing to the first request."
)


def print_trouble(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Exactly what is missing or wrong."""
    for each in verdicts:
        for kind, lines in (("missing", each.missing), ("wrong", each.faults)):
            for line in lines[:_LONGEST_LIST]:
                console.print(f"{each.part.name}: {kind}: {line}", markup=False, soft_wrap=True)
            if len(lines) > _LONGEST_LIST:
                console.print(f"{each.part.name}: {kind}: and {len(lines) - _LONGEST_LIST} more")


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
