"""``manage.py doctor``: what runs, what waits, what is about to break, and what to do about it."""

from __future__ import annotations

import json
import socket
import sys
import textwrap
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

import webhooks
from webhooks import doorbells
from webhooks.conf import conf
from webhooks.services import health
from webhooks.services.health import Finding, Status

_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red", Status.SKIPPED: "dim"}
_STATUS, _CHECK = 8, 19  # columns
_PIPE_WIDTH = 240  # columns: a pipe has no width, and a line must stay a line


class Command(BaseCommand):
    help = (
        "Look at database, broker, workers, beat, clocks, backlog and settings; one line each, with advice. "
        "Exit status 0: nothing has failed."
    )
    requires_system_checks: list[str] = []  # what they would refuse is told here, among the rest

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
        parser.add_argument("--strict", action="store_true", help="exit status 1 for warnings as well")

    def handle(self, *args: Any, **options: Any) -> None:
        found = health.examine(_queues())
        findings = self._as_json(found) if options["json"] else self._as_lines(found, options["no_color"])
        bad = {Status.FAILED, Status.WARNING} if options["strict"] else {Status.FAILED}
        if any(finding.status in bad for finding in findings):
            sys.exit(1)

    def _as_json(self, found: Iterator[Finding]) -> list[Finding]:
        findings = list(found)
        answer = {
            "version": webhooks.__version__,
            "host": socket.gethostname(),
            "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "status": _worst(findings),
            "checks": [asdict(finding) for finding in findings],
        }
        self.stdout.write(json.dumps(answer, indent=2))
        return findings

    def _as_lines(self, found: Iterator[Finding], no_color: bool) -> list[Finding]:
        """Each finding as soon as it is there: what hangs is seen to hang."""
        width = None if self.stdout.isatty() else _PIPE_WIDTH
        console = Console(file=cast(IO[str], self.stdout), width=width, highlight=False, no_color=no_color)
        console.print(f"Clarion {webhooks.__version__} on {socket.gethostname()}, {datetime.now(UTC):%F %T} UTC\n")
        findings: list[Finding] = []
        for finding in found:
            findings.append(finding)
            for line in _lines(finding, console.width):
                console.print(line, soft_wrap=True)
        for why, names in _left_out(findings).items():
            for line in _lines(Finding("", Status.SKIPPED, f"{', '.join(names)} ({why})"), console.width):
                console.print(line, soft_wrap=True)
        counts = Counter(finding.status for finding in findings)
        console.print(f"\n{', '.join(f'{counts[s]} {word}' for s, word in _SUMMARY.items() if counts[s])}")
        return findings


_SUMMARY = {Status.FAILED: "failed", Status.WARNING: "to look at", Status.OK: "ok", Status.SKIPPED: "not looked at"}


def _lines(finding: Finding, width: int) -> Iterator[Text]:
    """The line of a finding, and its advice below it; folded where the terminal is narrower."""
    if finding.status is Status.SKIPPED and finding.check:
        return
    indent = _STATUS + _CHECK + 2
    told = [finding.found] + ([f"-> {finding.advice}"] if finding.advice else [])
    folded = [line for text in told for line in textwrap.wrap(text, max(20, width - indent - 1)) or [""]]
    first = Text(f"{finding.status:{_STATUS}}", style=_COLOURS[finding.status])
    yield first.append(f" {finding.check:{_CHECK}} {folded[0]}", style="default")
    yield from (Text(f"{' ' * indent}{line}") for line in folded[1:])


def _left_out(findings: list[Finding]) -> dict[str, list[str]]:
    """Why -> the checks that could not be made."""
    left: dict[str, list[str]] = {}
    for finding in findings:
        if finding.status is Status.SKIPPED:
            left.setdefault(finding.found, []).append(finding.check)
    return left


def _worst(findings: list[Finding]) -> Status:
    order = (Status.FAILED, Status.WARNING)
    return next((status for status in order if any(finding.status is status for finding in findings)), Status.OK)


def _queues() -> list[str]:
    """Every queue that Clarion's tasks go to."""
    shards = [f"deliver.{number}" for number in range(conf.DELIVER_SHARDS)]
    return [
        *shards,
        doorbells.SLOW_QUEUE,
        doorbells.DEAD_LETTER_QUEUE,
        doorbells.FAN_OUT_QUEUE,
        doorbells.DEFAULT_QUEUE,
        doorbells.PROCESS_QUEUE,
    ]
