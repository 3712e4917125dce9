"""What the receiver records and what it may answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One request exactly as received; ``path`` is relative to the handle, ``target`` is the raw target."""

    method: str
    path: str
    target: str
    headers: tuple[tuple[str, str], ...]  # order and case as sent, latin-1
    body: bytes
    arrived_at: float  # time.monotonic() when the head was complete
    connection: int  # ordinal of the TCP connection: equal numbers mean a reused connection

    def header(self, name: str) -> str | None:
        """The first header called ``name`` in any case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire(Protocol):
    """What a step of a script may do with the connection it answers on."""

    def send(self, data: bytes) -> None:
        """Write all of ``data``."""

    def wait(self, seconds: float | None) -> bool:
        """Wait until released or, with a number, for so long. True when the caller was released early."""

    def reset(self) -> None:
        """Close with RST instead of FIN."""


class Step(Protocol):
    """One scripted answer. ``play`` returns whether the connection stays open."""

    def play(self, wire: Wire) -> bool: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, ``delay`` seconds after the request was read."""

    status: int = 200
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    delay: float = 0.0

    def play(self, wire: Wire) -> bool:
        if self.delay:
            wire.wait(self.delay)
        wire.send(self.head() + self.body)
        return True

    def head(self) -> bytes:
        """Status line and headers. Content-Length is added unless given or chunked is asked for."""
        fields = list(self.headers)
        if not {name.lower() for name, _ in fields} & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [f"{name}: {value}" for name, value in fields]
        return "\r\n".join([f"HTTP/1.1 {self.status} {_phrase(self.status)}", *lines, "", ""]).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing until :meth:`Receiver.release`, then play ``then`` (None: close without an answer)."""

    then: Step | None = field(default_factory=Answer)

    def play(self, wire: Wire) -> bool:
        wire.wait(None)
        return self.then.play(wire) if self.then else False


@dataclass(frozen=True, slots=True)
class Close:
    """Close in good order without an answer."""

    def play(self, wire: Wire) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Reset:
    """Close with a TCP reset, after ``first`` bytes if given."""

    first: bytes = b""

    def play(self, wire: Wire) -> bool:
        if self.first:
            wire.send(self.first)
        wire.reset()
        return False


@dataclass(frozen=True, slots=True)
class Raw:
    """Any bytes at all on the wire, for answers no honest server gives; then close."""

    data: bytes

    def play(self, wire: Wire) -> bool:
        wire.send(self.data)
        return False


@dataclass(frozen=True, slots=True)
class Drip:
    """An answer sent ``size`` bytes at a time with ``interval`` seconds between: the slow-body attack.

    ``head_too`` drips the status line and headers as well.
    """

    answer: Answer
    interval: float
    size: int = 1
    head_too: bool = False

    def play(self, wire: Wire) -> bool:
        slow = self.answer.body
        if self.head_too:
            slow = self.answer.head() + slow
        else:
            wire.send(self.answer.head())
        for start in range(0, len(slow), self.size):
            wire.send(slow[start : start + self.size])
            if wire.wait(self.interval):
                return False
        return True


Scripted = Step | Callable[[Request], Step]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Scripted"
