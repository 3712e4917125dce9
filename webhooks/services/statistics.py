"""How an endpoint has been doing: what its owner wants to know, in time that does not grow with its deliveries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids, latency
from webhooks.models import Endpoint
from webhooks.services import counting
from webhooks.services.counting import Hour

COUNT_LIMIT = 10_000  # deliveries of one state: counting stops there, after some 10 ms of an index
DEFAULT_WINDOW = "24h"
_WINDOW = re.compile(r"([1-9][0-9]{0,2})([hd])\Z")
_OUTCOMES = ("succeeded", "failed", "lost", "late")
_CLASSES = {"1xx": "1", "2xx": "2", "3xx": "3", "4xx": "4", "5xx": "5", "none": "0"}

# An endpoint may have a good part of all dead letters, and reading the whole table looks as cheap until it has grown.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
# The bound spares older days, and the limits whoever has a million of one state.
_UNFINISHED = """
SELECT state, count(*) FROM (
    SELECT state FROM webhooks_delivery
    WHERE endpoint_id = %(endpoint)s AND state IN ('pending', 'sending', 'held') AND id >= %(oldest)s
    LIMIT %(limit)s
) AS unfinished GROUP BY state
"""
_GIVEN_UP = """
SELECT (SELECT count(*) FROM (
            SELECT FROM webhooks_deadletter WHERE endpoint_id = %(endpoint)s AND id >= %(since)s
            ORDER BY id DESC LIMIT %(limit)s
        ) AS dead),
       (SELECT count(*) FILTER (WHERE finished_at >= %(moment)s) FROM (
            SELECT finished_at FROM webhooks_delivery
            WHERE endpoint_id = %(endpoint)s AND state = 'cancelled' ORDER BY id DESC LIMIT %(limit)s
        ) AS cancelled)
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """An endpoint from ``since`` to ``until``. ``deliveries`` and ``attempts`` by state and outcome, ``responses`` by
    class of status, ``errors`` by class; percentiles in milliseconds; ``series``: each hour of the window.

    ``complete``: False while the counting is behind, or when more has come than is counted while somebody waits.
    """

    endpoint_id: UUID
    window: str
    since: datetime
    until: datetime
    complete: bool
    deliveries: dict[str, int]
    attempts: dict[str, int]
    responses: dict[str, int]
    errors: dict[str, int]
    latency_ms: dict[str, float | None]
    series: list[dict[str, Any]]


class InvalidWindow(ValueError):
    """The text is no window; the message says what one looks like."""


def window(text: str) -> timedelta:
    """The length that ``24h`` or ``7d`` names, no longer than retention keeps. Raises :class:`InvalidWindow`."""
    found = _WINDOW.match(text)
    length = timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1)) if found else timedelta()
    if not timedelta() < length <= timedelta(days=conf.RETENTION_DAYS):
        raise InvalidWindow(f"takes hours or days such as 1h, 24h or 7d, up to {conf.RETENTION_DAYS}d")
    return length


def of_endpoint(endpoint: Endpoint, text: str = DEFAULT_WINDOW) -> Statistics:
    """The statistics of an endpoint whose mailbox is loaded, in five statements.

    The window begins with an hour, so it is up to an hour longer than ``text`` says.
    """
    until = datetime.now(UTC)
    since = counting.hour_of(until - window(text))
    hours, complete = counting.hours(endpoint.id, since, until)
    total: Counter[str] = Counter()
    for hour in hours:
        for key, number in hour.counts.items():
            total[key] += number
    attempts = {outcome: total[f"outcome.{outcome}"] for outcome in _OUTCOMES}
    return Statistics(
        endpoint_id=endpoint.id, window=text, since=since, until=until, complete=complete,
        deliveries={"succeeded": attempts["succeeded"], **_states(endpoint, since)},
        attempts=attempts,
        responses={name: total[f"class.{digit}"] for name, digit in _CLASSES.items()},
        errors=dict(sorted(_below(total, "error.").items())),
        latency_ms=_percentiles(total),
        series=_series(hours, since, until),
    )  # fmt: skip


def rate(succeeded: int, *others: int) -> float | None:
    """The share that succeeded, to four digits; None without any."""
    total = succeeded + sum(others)
    return round(succeeded / total, 4) if total else None


def _below(total: Counter[str], prefix: str) -> dict[str, int]:
    return {key.removeprefix(prefix): number for key, number in total.items() if key.startswith(prefix)}


def _percentiles(total: Counter[str]) -> dict[str, float | None]:
    buckets = {int(bucket): number for bucket, number in _below(total, "ms.").items()}
    return {f"p{share}": latency.percentile(buckets, share / 100) for share in (50, 95, 99)}


def _series(hours: Sequence[Hour], since: datetime, until: datetime) -> list[dict[str, Any]]:
    by_start = {hour.start: hour.counts for hour in hours}
    series = []
    for n in range((until - since) // counting.HOUR + 1):
        counts = by_start.get(since + n * counting.HOUR, {})
        each = {outcome: counts.get(f"outcome.{outcome}", 0) for outcome in _OUTCOMES}
        series.append({"hour": since + n * counting.HOUR, "attempts": sum(each.values()), **each})
    return series


def _states(endpoint: Endpoint, since: datetime) -> dict[str, int]:
    """Deliveries that were given up since then, and those that are unfinished now, each up to COUNT_LIMIT."""
    oldest = endpoint.mailbox.oldest_pending_id
    parameters = {
        "endpoint": endpoint.id, "oldest": oldest, "limit": COUNT_LIMIT, "since": ids.floor(since), "moment": since,
    }  # fmt: skip
    unfinished: dict[str, int] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BY_INDEX)
        if oldest is not None:
            cursor.execute(_UNFINISHED, parameters)
            unfinished = dict(cursor.fetchall())
        cursor.execute(_GIVEN_UP, parameters)
        dead, cancelled = cursor.fetchone()
    return {"dead": dead, "cancelled": cancelled, "pending": 0, "sending": 0, "held": 0} | unfinished
