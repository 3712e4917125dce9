"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, and will not for long, or not for everybody
    FAILED = "failed"  # something is not delivered, or is not safe
    SKIPPED = "skipped"  # could not be looked at, because something else has failed


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``manage.py doctor``. ``found`` is one sentence; ``advice`` says what to do unless it is ok."""

    check: str
    status: Status
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Status.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Status.WARNING, found, advice)


def failed(check: str, found: str, advice: str) -> Finding:
    return Finding(check, Status.FAILED, found, advice)


def skipped(check: str, because: str) -> Finding:
    return Finding(check, Status.SKIPPED, because)


def graded(check: str, value: float, limits: tuple[float, float], found: str, advice: str) -> Finding:
    """By a number that is ok below the first limit and failed from the second one on."""
    if value < limits[0]:
        return ok(check, found)
    return (failed if value >= limits[1] else warning)(check, found, advice)


def age(seconds: float) -> str:
    """``0.3 s``, ``42 s``, ``12 min``, ``3.4 h``, ``2.1 days``."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def listed(names: list[str], limit: int = 5) -> str:
    """Names by commas, the first ones of many."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
