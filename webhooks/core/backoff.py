"""When to try again: retry policies as visible tables, jitter, Retry-After.

A policy is a name or ``{"schedule": [seconds, …], "jitter": 0.1}``. A delivery is tried once and then once
after each step; when the steps are used up it is dead.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

POLICIES: dict[str, tuple[float, ...]] = {
    # 10 s times 3 each: 20 min 10 s in all
    "default": (10, 30, 90, 270, 810),
    # doubling from one second, for tests and demonstrations: 31 s in all
    "fast": (1, 2, 4, 8, 16),
    # the table of the Standard Webhooks specification: 75 h 35 min 5 s in all
    "standard": (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
    "none": (),
}
JITTER = 0.1  # at most this share is added, so that retries of one outage do not arrive together
MAX_STEPS = 20
MAX_STEP = 7 * 86_400.0  # seconds: a week, below every sensible retention


class InvalidPolicy(ValueError):
    """The retry policy is not usable; the message says why."""


def check_policy(policy: Any) -> None:
    """Raise :class:`InvalidPolicy` unless ``policy`` is a known name or a schedule."""
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise InvalidPolicy(f"unknown policy; one of {', '.join(POLICIES)}, or a schedule")
        return
    if not isinstance(policy, dict) or "schedule" not in policy or set(policy) - {"schedule", "jitter"}:
        raise InvalidPolicy('a policy is a name or {"schedule": [seconds, …], "jitter": 0.1}')
    steps, jitter = policy["schedule"], policy.get("jitter", JITTER)
    if not isinstance(steps, list) or len(steps) > MAX_STEPS or not all(_number(step, 0, MAX_STEP) for step in steps):
        raise InvalidPolicy(f"schedule is a list of at most {MAX_STEPS} numbers of seconds up to {MAX_STEP:.0f}")
    if not _number(jitter, 0, 1):
        raise InvalidPolicy("jitter is a number from 0 to 1")


def _number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def schedule(policy: Any) -> tuple[float, ...]:
    """The delays in seconds before each retry."""
    return POLICIES[policy] if isinstance(policy, str) else tuple(policy["schedule"])


def next_delay(
    policy: Any, attempts: int, retry_after: float | None = None, *, draw: Callable[[], float] = random.random
) -> float | None:
    """Seconds until the next try after ``attempts`` tries, None when the policy is used up.

    ``retry_after`` (seconds, see :func:`parse_retry_after`) can only postpone. Jitter is added on top.
    """
    steps = schedule(policy)
    if attempts > len(steps):
        return None
    jitter = policy.get("jitter", JITTER) if isinstance(policy, dict) else JITTER
    return max(steps[attempts - 1], retry_after or 0.0) * (1 + jitter * draw())


def parse_retry_after(value: str | None, *, date: str | None, now: datetime, limit: float) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110 section 10.2.3: seconds or HTTP-date), at most ``limit``.

    A moment is counted from the answer's ``Date`` header, because the clocks of both sides may differ; without a valid
    one from ``now``. None for a missing, malformed, past or zero value: the policy alone decides then.
    """
    if not value or not value.isascii():
        return None
    text = value.strip()
    if text.isdigit():
        seconds = float(text) if len(text) < 12 else limit
    else:
        moment = _http_date(text)
        if moment is None:
            return None
        seconds = (moment - (_http_date(date) or now)).total_seconds()
    return min(seconds, limit) if seconds > 0 else None


def _http_date(value: str | None) -> datetime | None:
    """RFC 9110 section 5.6.7; None for what is none."""
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # asctime has no zone: it means UTC
