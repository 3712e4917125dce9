"""What one attempt means for its delivery: a table from (status or error class) to a verdict."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    SUCCEEDED = "succeeded"
    RETRY = "retry"
    DEAD = "dead"
    GONE = "gone"  # dead, and the endpoint is to be disabled


# Worth another try at once: the receiver is slow, early, overloaded or broken.
RETRYABLE_STATUSES = frozenset({408, 425, 429})
# Errors that no retry can mend. All others (name, connect, TLS, timeout, reset, protocol) are retried. A name that
# leads to a forbidden address is among them: its retries must not differ from those of a name that does not exist.
PERMANENT_ERRORS = frozenset({"invalid_url", "unacceptable_message"})


def judge(status: int | None, error: str | None, *, retry_client_errors: bool = False) -> Verdict:
    """The verdict on an answer. A status decides even if the body was cut off (``error`` may then be set)."""
    if status is None:
        return Verdict.DEAD if error in PERMANENT_ERRORS else Verdict.RETRY
    if 200 <= status < 300:
        return Verdict.SUCCEEDED
    if status == 410:
        return Verdict.GONE
    if status >= 500 or status in RETRYABLE_STATUSES or retry_client_errors:
        return Verdict.RETRY
    return Verdict.DEAD
