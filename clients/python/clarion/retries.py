"""When a request is sent again, and after how long."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_FIRST = 0.5  # seconds: the ceiling of the first pause; it doubles with each retry
_LONGEST = 20.0  # seconds: no pause is longer, unless the server asks for it
_PATIENCE = 60.0  # seconds: whoever is asked to wait longer had better know it than wait
_PASSING = frozenset({429, 502, 503, 504})
KEY = "Idempotency-Key"
IN_PARTS = "clarion.in_parts"  # extension of a request whose answer its caller reads as it comes


@dataclass(frozen=True)
class Retries:
    """``most``: retries of one call; 0 for none."""

    most: int

    def pause(self, tried: int, answer: httpx.Response | None) -> float | None:
        """Seconds until the next try, None for no other one.

        ``tried``: how often it was tried. ``answer``: what came of it, None when the connection failed.
        Full jitter: whoever was refused together does not come back together.
        """
        if tried > self.most or (answer is not None and not _is_passing(answer)):
            return None
        asked = retry_after(answer) if answer is not None else None
        if asked is not None and asked > _PATIENCE:
            return None
        ceiling: float = min(_LONGEST, _FIRST * 2 ** (tried - 1))
        return (asked or 0.0) + random.uniform(0, ceiling)  # noqa: S311 - no secret


def _is_passing(answer: httpx.Response) -> bool:
    """409 with Retry-After: the same request, sent before the connection broke, is still running."""
    return answer.status_code in _PASSING or (answer.status_code == 409 and "Retry-After" in answer.headers)


def retry_after(answer: httpx.Response) -> float | None:
    """``Retry-After`` in seconds: a number, or a date (RFC 9110 section 10.2.3)."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def prepare(request: httpx.Request) -> None:
    """Give a POST its key, once: a request that comes again under it is answered, not done again."""
    if request.method == "POST" and KEY not in request.headers:
        request.headers[KEY] = str(uuid.uuid4())
