"""Times that clients write, by one rule wherever they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime


def parse(value: Any) -> datetime | None:
    """A time with its zone (RFC 3339), in UTC; None for anything else.

    In UTC, because the RFC allows zones up to 24 hours away and PostgreSQL takes none of 16 hours or more.
    """
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):  # no such day; or a year before 1 or after 9999 in UTC
        return None
