"""The deadline's accounting, on a clock of the test's own: however a peer spreads its bytes, the sum is bounded."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from typing import Any

import pytest

from webhooks.core.urls import CanonicalUrl, parse_endpoint_url
from webhooks.net import client as client_module
from webhooks.net import deadline as deadline_module
from webhooks.net import http1, refusal
from webhooks.net.client import HttpClient
from webhooks.net.deadline import Deadline
from webhooks.net.resolver import Resolver
from webhooks.net.result import ErrorClass, ExchangeFailed

TIMEOUT = 15.0  # seconds
STEP = 0.7  # seconds between two bytes of the peer, or two windows of it


class Clock:
    """A monotonic clock that moves when the peer takes its time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowSocket:
    """A peer that answers ``part`` after each ``STEP``, and takes one byte a ``STEP`` when it is sent to.

    As a real socket, it raises TimeoutError when its own timeout is shorter than the wait.
    """

    def __init__(self, clock: Clock, parts: Any) -> None:
        self.clock = clock
        self.parts = iter(parts)
        self.timeout: float | None = None

    def gettimeout(self) -> float | None:
        return self.timeout

    def settimeout(self, seconds: float) -> None:
        self.timeout = seconds

    def _wait(self) -> None:
        assert self.timeout is not None, "an operation without a timeout"
        self.clock.now += min(STEP, self.timeout)
        if self.timeout < STEP:
            raise TimeoutError

    def recv(self, size: int) -> bytes:
        self._wait()
        part: bytes = next(self.parts)
        return part

    def send(self, data: Any) -> int:
        self._wait()
        return 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (deadline_module, http1, client_module):
        monkeypatch.setattr(module, "monotonic", clock)
    return clock


ENDLESS: dict[str, Callable[[], Any]] = {
    "status line": lambda: itertools.chain([b"H", b"T", b"T", b"P", b"/", b"1", b".", b"1"], itertools.repeat(b" ")),
    "headers": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_head_in_drips_ends_at_the_deadline(clock: Clock, name: str) -> None:
    started = clock.now
    reader = http1.AnswerReader(SlowSocket(clock, ENDLESS[name]()), Deadline(TIMEOUT))  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        reader.read_head()
    assert clock.now - started <= TIMEOUT + deadline_module.TOLERANCE


def test_interim_answers_in_drips_end_at_the_deadline_or_the_eleventh(clock: Clock) -> None:
    started = clock.now
    parts = itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")
    reader = http1.AnswerReader(SlowSocket(clock, parts), Deadline(TIMEOUT))  # type: ignore[arg-type]
    with pytest.raises(ExchangeFailed, match="more than 10 interim"):
        reader.read_head()
    assert clock.now - started <= (http1.MAX_INTERIM + 1) * STEP + 0.01


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 99999\r\n", b"", b"Transfer-Encoding: chunked\r\n"], ids=["length", "none", "chunked"]
)
def test_a_body_in_drips_ends_at_the_deadline(clock: Clock, framing: bytes) -> None:
    drops = itertools.repeat(b"1\r\nx\r\n" if b"chunked" in framing else b"x")
    sock = SlowSocket(clock, itertools.chain([b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n"], drops))
    started = clock.now
    reader = http1.AnswerReader(sock, Deadline(TIMEOUT))  # type: ignore[arg-type]
    body = reader.read_body(reader.read_head(), 16_384, Deadline(TIMEOUT).within(2.0))
    assert (body.incomplete, len(body.content)) == (True, 2)
    assert clock.now - started <= STEP + 2.0 + deadline_module.TOLERANCE


def test_a_peer_that_takes_a_byte_now_and_then_ends_at_the_deadline(clock: Clock) -> None:
    started = clock.now
    with pytest.raises(TimeoutError):
        http1.send(SlowSocket(clock, []), b"x" * 1_000_000, Deadline(TIMEOUT))  # type: ignore[arg-type]
    assert clock.now - started <= TIMEOUT + deadline_module.TOLERANCE


def test_the_deadline_is_one_for_all_phases(clock: Clock) -> None:
    """A peer that takes most of the time to receive leaves its answer only the rest."""
    deadline = Deadline(TIMEOUT)
    sock: Any = SlowSocket(clock, itertools.repeat(b"H"))
    started = clock.now
    http1.send(sock, b"x" * 20, deadline)
    with pytest.raises((TimeoutError, ExchangeFailed)):
        http1.AnswerReader(sock, deadline).read_head()
    assert clock.now - started <= TIMEOUT + deadline_module.TOLERANCE


# --- the time of a refusal


def _url() -> CanonicalUrl:
    return parse_endpoint_url("https://name.corp.example/hook", allow_http=False)


@pytest.mark.parametrize(
    ("took", "reported"),
    [(0.0, 0.25), (0.001, 0.25), (0.2, 0.25), (0.3, 0.5), (1.1, 2.0), (3.0, 4.0), (4.5, 5.0), (5.0, 5.0)],
)
@pytest.mark.parametrize("inside", [True, False])
def test_a_refusal_is_reported_at_a_step_whatever_the_lookup_took(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, took: float, reported: float, inside: bool
) -> None:
    """Attack: names of our network are answered sooner than names that the world has to be asked for."""
    slept: list[float] = []
    monkeypatch.setattr(refusal, "sleep", slept.append)

    def lookup(host: str, port: int, **options: Any) -> list[Any]:
        clock.now += took
        if inside:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", port))]
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with HttpClient(resolver=Resolver(lookup)) as client:
        result = client.post(_url(), body=b"{}", headers={}, timeout=15.0, pool_key="endpoint")
    assert result.error == ErrorClass.UNREACHABLE_TARGET
    assert slept == [pytest.approx(reported - took)]
    timings = result.timings_ms
    assert (timings.total, timings.dns, timings.connect) == (reported * 1000, None, None)


def test_a_refusal_takes_no_longer_than_the_timeout(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(refusal, "sleep", slept.append)
    with HttpClient(resolver=Resolver(lambda *_, **__: []), refusal_step=60.0) as client:
        client.post(_url(), body=b"{}", headers={}, timeout=1.0, pool_key="endpoint")
    assert slept == [pytest.approx(1.0)]


def test_a_literal_needs_no_lookup_and_gets_the_same_step(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(refusal, "sleep", slept.append)
    literal = CanonicalUrl("https", "10.0.0.5", "10.0.0.5", 443, "/", "10.0.0.5", "https://10.0.0.5/")
    with HttpClient() as client:
        assert client.post(literal, body=b"", headers={}, timeout=9.0, pool_key=1).detail
    assert slept == [pytest.approx(0.25)]
