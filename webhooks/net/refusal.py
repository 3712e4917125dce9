"""How a target that may not be connected to is reported: always the same way, after the same time."""

from __future__ import annotations

from time import sleep

from webhooks.net.result import HttpResult, Timings, Unreachable

STEP = 0.25  # seconds; longer than a lookup by a healthy name server


def refused(refusal: Unreachable, elapsed: float, limit: float, step: float = STEP) -> HttpResult:
    """The result for ``refusal``, ``elapsed`` seconds after the beginning, and at most ``limit`` seconds after it.

    Attack: a name of our network is answered by a name server nearby, an unknown one by one far away, and
    the difference tells which is which. Both are reported at the same step, and no phase is timed.
    """
    while step < elapsed:
        step *= 2
    step = min(step, limit)
    sleep(max(step - elapsed, 0.0))
    return HttpResult(
        error=refusal.error, detail=refusal.detail, timings_ms=Timings(total=step * 1000), cause=refusal.cause
    )
