"""A request as the listener shows it: for people, and as one line of JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from webhooks.core.headers import mask_pairs
from webhooks.management.http_server import Arrival
from webhooks.management.listening.forward import Forwarded
from webhooks.management.listening.verdicts import ABSENT, NO_KEY, VERIFIED, Verdict, is_verified
from webhooks.receive import MalformedBody, events
from webhooks.receive.messages import BATCH, Event

SHOWN = 16 * 1024  # characters of a body on a terminal
_LINES = 20  # events of a batch that are named
_UNFIT = re.compile(r"[^\x20-\x7e\u00a0-\uffff\U00010000-\U0010ffff\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Report:
    """``answer``: what is answered, in words."""

    at: datetime
    arrival: Arrival
    verdicts: Sequence[Verdict]
    answer: str
    forwarded: Forwarded | None = None

    def header(self, name: str) -> str:
        """The first header of that lower-case name; empty when there is none."""
        return next((value for key, value in self.arrival.headers if key.lower() == name), "")

    def events(self) -> list[Event]:
        """The events inside; none when the body has no form that is known."""
        try:
            return events(self.arrival.body, self.arrival.headers)
        except MalformedBody:
            return []


def as_json(report: Report) -> str:
    """One object in one line; credentials in headers are masked."""
    inside = report.events()
    shown: dict[str, Any] = {
        "at": report.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "method": report.arrival.method,
        "target": report.arrival.target,
        "id": report.header("webhook-id"),
        "type": _type(report, inside),
        "attempt": report.header("x-webhook-attempt"),
        "verified": is_verified(report.verdicts),
        "schemes": {each.scheme: {"state": each.state, "reason": each.reason} for each in report.verdicts},
        "events": [{"id": each.id, "type": each.type} for each in inside],
        "headers": mask_pairs(report.arrival.headers),
        "answer": report.answer,
    }
    try:
        shown["body"] = report.arrival.body.decode()
    except UnicodeDecodeError:
        shown["body_base64"] = base64.b64encode(report.arrival.body).decode()
    if forwarded := report.forwarded:
        shown["forwarded"] = {
            "status": forwarded.status or None,
            "milliseconds": forwarded.milliseconds,
            "error": forwarded.error,
        }
    return msgspec.json.encode(shown).decode()


def show(console: Console, report: Report) -> None:
    """For people. Attack: escape sequences and markup in a request rewrite the terminal; they are shown as text."""
    inside = report.events()
    type, id = _type(report, inside) or "no event type", report.header("webhook-id") or "no id"
    attempt = report.header("x-webhook-attempt") or "?"
    size = f"{len(report.arrival.body):,} bytes"
    head = f"{report.at:%H:%M:%S}  {type}  {id}  try {attempt}  {size}"
    _print(console, head, "bold")
    _print(console, f"  {report.arrival.method} {report.arrival.target}", "dim")
    for verdict in report.verdicts:
        _show_verdict(console, verdict)
    for name, value in mask_pairs(report.arrival.headers):
        _print(console, f"  {name}: {value}", "cyan")
    if type == BATCH:
        _show_events(console, inside)
    _print(console, _pretty(report.arrival.body))
    if forwarded := report.forwarded:
        what = forwarded.error or f"answered {forwarded.status}"
        _print(console, f"  forwarded: {what}, {forwarded.milliseconds} ms", "magenta")
        if forwarded.status and forwarded.answer.body:
            _print(console, _indented(_text(forwarded.answer.body)), "magenta")
    _print(console, f"  answer: {report.answer}\n", "bold")


def _type(report: Report, inside: Sequence[Event]) -> str:
    return report.header("x-webhook-event") or (inside[0].type if len(inside) == 1 else "")


def _show_verdict(console: Console, verdict: Verdict) -> None:
    if verdict.state == ABSENT:
        return
    style = {VERIFIED: "green", NO_KEY: "yellow"}.get(verdict.state, "bold red")
    told = "not checked: give its --secret" if verdict.state == NO_KEY else verdict.state
    _print(console, f"  {verdict.scheme:<17} {told}{': ' if verdict.reason else ''}{verdict.reason}", style)


def _show_events(console: Console, inside: Sequence[Event]) -> None:
    for each in inside[:_LINES]:
        _print(console, f"  - {each.type}  {each.id}", "bold")
    if len(inside) > _LINES:
        _print(console, f"  - and {len(inside) - _LINES} more", "bold")


def _pretty(body: bytes) -> str:
    """Indented where it is JSON; numbers keep their spelling. Otherwise as it came."""
    with suppress(msgspec.DecodeError, RecursionError):
        body = msgspec.json.format(body, indent=2)
    return _indented(_text(body))


def _indented(text: str) -> str:
    more = f"\n… and {len(text) - SHOWN} characters more" if len(text) > SHOWN else ""
    return "\n".join(f"  {line}" for line in (text[:SHOWN] + more).split("\n"))


def _text(body: bytes) -> str:
    return body.decode(errors="backslashreplace")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_UNFIT.sub(_escaped, text), style=style), soft_wrap=True)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
