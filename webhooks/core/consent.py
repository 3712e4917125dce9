"""The abuse protection of CloudEvents' "HTTP 1.1 Web Hooks for Event Delivery" (section 4): may we send, and how fast.

``OPTIONS`` to the exact target asks; consent is in headers of the answer, whatever its status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REQUEST_ORIGIN = "WebHook-Request-Origin"
REQUEST_RATE = "WebHook-Request-Rate"
REQUEST_CALLBACK = "WebHook-Request-Callback"
ALLOWED_ORIGIN = "WebHook-Allowed-Origin"
ALLOWED_RATE = "WebHook-Allowed-Rate"

MAX_RATE = 60_000_000  # requests a minute; whoever grants more grants everything
_RATE = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class Consent:
    """An answer. ``rate``: granted requests a minute, None for any number. ``why``: one sentence for its owner."""

    granted: bool
    why: str
    rate: int | None = None


def judge(origin: str, allowed_origin: str | None, allowed_rate: str | None, status: int) -> Consent:
    """What an answer to the handshake means. A rate is always asked for, so the answer must name one.

    Attack: a receiver that never heard of webhooks and answers 200 to everything is not one that consented.
    """
    if allowed_origin is None:
        return Consent(False, f"The receiver answered HTTP {status} without {ALLOWED_ORIGIN}, so it has not consented.")
    if allowed_origin.strip() != "*" and allowed_origin.strip().lower() != origin.lower():
        return Consent(False, f"{ALLOWED_ORIGIN} of the answer is another origin; this system is {origin}.")
    if allowed_rate is None:
        return Consent(False, f"The answer has no {ALLOWED_RATE}; it has to say how many requests a minute may come.")
    try:
        return Consent(True, "The receiver has consented.", parse_rate(allowed_rate))
    except ValueError:
        return Consent(False, f"{ALLOWED_RATE} of the answer is neither * nor a positive whole number.")


def parse_rate(text: str) -> int | None:
    """Requests a minute, None for ``*``; ValueError for anything else."""
    text = text.strip()
    if text == "*":
        return None
    if not _RATE.match(text) or not int(text):
        raise ValueError("no rate")
    rate = int(text)
    return None if rate > MAX_RATE else rate


def asked_rate(limit: float, period: float) -> int:
    """Requests a minute of a rate limit of ``limit`` in ``period`` seconds; at least one."""
    return max(1, int(limit * 60 / period))


def effective(limit: int, period: float, granted: int) -> tuple[int, float]:
    """The rate limit that keeps an endpoint's own one (``limit`` 0: none) and ``granted`` requests a minute.

    A bucket of n tokens lets n through at once and more as it fills: so its size and what flows in during a minute
    together stay within what was granted, in every minute.
    """
    size = max(1, granted // 10)
    per_second = (granted - size + 1) / 60
    if limit:
        size, per_second = min(size, limit), min(per_second, limit / period)
    return size, size / per_second
