"""``--fail 500,timeout,slow:3,200``: how the listener answers, one request after the other."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

HANG = 300.0  # seconds that "timeout" keeps quiet: longer than any sender waits (Clarion: at most 60)
LONGEST = 3600.0  # seconds of "slow"
_STATUS = re.compile(r"(?P<status>[2-5][0-9]{2})(?::(?P<seconds>[0-9]{1,6}))?\Z")
_SLOW = re.compile(r"slow:(?P<seconds>[0-9]{1,4}(?:\.[0-9]{1,3})?)\Z")


@dataclass(frozen=True, slots=True)
class Step:
    """``status``: to answer; 0 for none. ``delay``: seconds before. ``retry_after``: seconds of that header."""

    text: str
    status: int = 200
    delay: float = 0.0
    retry_after: str = ""

    @property
    def accepts(self) -> bool:
        """Whether the request counts as received: it may be forwarded, and its signature decides."""
        return 200 <= self.status < 300


def parse(text: str) -> list[Step]:
    """ValueError says which word is none."""
    return [_step(word.strip()) for word in text.split(",")]


def _step(word: str) -> Step:
    if word == "timeout":
        return Step(word, 0, HANG)
    if word == "close":
        return Step(word, 0)
    if (slow := _SLOW.match(word)) and float(slow["seconds"]) <= LONGEST:
        return Step(word, 200, float(slow["seconds"]))
    if found := _STATUS.match(word):
        return Step(word, int(found["status"]), retry_after=found["seconds"] or "")
    raise ValueError(
        f"{word!r} is no way to answer: give a status (200-599), a status with Retry-After (503:10), timeout, close, "
        "or slow: and seconds (slow:3)"
    )


class Sequence:
    """Steps in order of arrival; the last one stays. Safe for threads."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._next = 0
        self._lock = threading.Lock()

    def take(self) -> Step:
        """The next step."""
        with self._lock:
            step = self._steps[min(self._next, len(self._steps) - 1)]
            self._next += 1
        return step
