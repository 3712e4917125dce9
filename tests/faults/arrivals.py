"""What the recording receiver writes down of each request, and how it is told to answer."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Do = Literal["ok", "status", "hang", "reset", "late"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to answer. The first rule whose conditions all hold is used; none holds: 200.

    ``first``: only the first so many requests of a delivery; ``share``: only this share of the deliveries;
    ``every``: only events whose number n gives ``n % every[0] == every[1]``.
    """

    do: Do = "ok"
    status: int = 200
    delay: tuple[float, float] = (0.0, 0.0)  # seconds before the answer, drawn evenly
    first: int | None = None
    share: float = 1.0
    every: tuple[int, int] | None = None

    def applies(self, number: int, ordinal: int, delivery: str) -> bool:
        """Whether it holds for the ``ordinal``-th request (from 1) of a delivery of event ``number``."""
        if self.first is not None and ordinal > self.first:
            return False
        if self.every is not None and number % self.every[0] != self.every[1]:
            return False
        return self.share >= 1.0 or zlib.crc32(delivery.encode()) % 10_000 < self.share * 10_000

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Arrival:
    """One request. ``meant``: what the receiver made of it; ``ok`` means that it took the event.

    ``verified``: places in the endpoint's list of secrets whose signature fits. ``at``: unix seconds.
    """

    endpoint: str
    webhook_id: str
    delivery: str
    attempt: int
    timestamp: int
    at: float
    number: int  # of the event in its scenario; -1: none of ours
    meant: str
    verified: list[int] = field(default_factory=list)
    signature: str = ""
    answered: bool = False  # the answer was written before the connection went away
