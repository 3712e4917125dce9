"""Attempts are counted by the hour, a minute's worth at a time, each once.

Invariants: the counts of a range of keys and the mark that it is done are one transaction, so a crash repeats both or
neither; the mark stays LAG behind, because an attempt is committed some time after its key was made. A drain's lease
bounds that time (budget, time-out and margin: 41 seconds by default), so what the mark has passed is complete.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.core.latency import BOUNDS
from webhooks.models import Attempt, EndpointHour, Progress
from webhooks.services.claim import lease_seconds

HOUR = timedelta(hours=1)
_NAME = "attempts"
_LAG = 60.0  # seconds on top of the longest lease
_TAIL = 20_000  # attempts of one endpoint that are counted while somebody waits: some 40 ms

# What is counted of an attempt, each under a key of its own.
_KEYS = """
(VALUES ('outcome.' || outcome), ('class.' || COALESCE(response_status / 100, 0)),
        (CASE WHEN error <> '' THEN 'error.' || error END),
        ('ms.' || width_bucket((timings->>'total')::float8, %(bounds)s::float8[]))) AS k(key)
"""
_COUNT = f"""
WITH counted AS (
    SELECT endpoint_id, k.key, count(*) AS n FROM webhooks_attempt CROSS JOIN LATERAL {_KEYS}
    WHERE id >= %(lower)s AND id < %(upper)s AND k.key IS NOT NULL
    GROUP BY endpoint_id, k.key
)
INSERT INTO webhooks_endpointhour AS h (endpoint_id, hour, counts)
SELECT endpoint_id, %(hour)s, jsonb_object_agg(key, n) FROM counted GROUP BY endpoint_id
ON CONFLICT (endpoint_id, hour) DO UPDATE SET counts = (
    SELECT jsonb_object_agg(added.key, added.n) FROM (
        SELECT e.key, sum(e.value::bigint) AS n
        FROM (SELECT * FROM jsonb_each_text(h.counts) UNION ALL SELECT * FROM jsonb_each_text(excluded.counts)) AS e
        GROUP BY e.key
    ) AS added
)
"""
_FRESH = f"""
SELECT width_bucket(a.id, %(hours)s::uuid[]) - 1, k.key, count(*)
FROM (
    SELECT id, outcome, response_status, error, timings FROM webhooks_attempt
    WHERE endpoint_id = %(endpoint)s AND id >= %(lower)s AND id < %(upper)s ORDER BY id DESC LIMIT %(limit)s
) AS a CROSS JOIN LATERAL {_KEYS}
WHERE k.key IS NOT NULL
GROUP BY 1, 2
"""
# As text, because a month has 720 of them and the column's own reader takes as long as all the rest.
_READ = """
SELECT extract(epoch FROM hour)::bigint, counts::text FROM webhooks_endpointhour
WHERE endpoint_id = %s AND hour >= %s AND hour < %s ORDER BY hour
"""
_decode = msgspec.json.Decoder(dict[str, int]).decode


@dataclass(frozen=True, slots=True)
class Hour:
    """The attempts of an endpoint in the hour that begins at ``start``."""

    start: datetime
    counts: dict[str, int]


def count(budget: float = 10.0) -> int:
    """Count what has come since the last time, for up to ``budget`` seconds; return the number of endpoint-hours
    written. A backlog (the first run on old tables) is worked off hour by hour, over several calls."""
    lag = lease_seconds(conf.MAX_TIMEOUT) + _LAG
    end = ids.floor(datetime.now(UTC) - timedelta(seconds=lag))
    give_up = time.monotonic() + budget
    written = 0
    while time.monotonic() < give_up:
        done = _step(end)
        if done is None:
            break
        written += done
    return written


def _step(end: UUID) -> int | None:
    """Count up to the end of the hour that the mark stands in, or up to ``end``; None when there is nothing left."""
    with transaction.atomic(), connection.cursor() as cursor:
        mark = Progress.objects.select_for_update().filter(name=_NAME).first() or _begin(end)
        hour = hour_of(ids.created_at(mark.key))
        upper = min(end, ids.floor(hour + HOUR))
        if mark.key >= upper:
            return None
        cursor.execute(_COUNT, {"lower": mark.key, "upper": upper, "hour": hour, "bounds": list(BOUNDS)})
        written: int = cursor.rowcount
        mark.key = upper
        mark.save(update_fields=["key"])
    return written


def _begin(end: UUID) -> Progress:
    """The mark of the first run: at the oldest attempt."""
    oldest = Attempt.objects.order_by("id").values_list("id", flat=True).first()
    Progress.objects.get_or_create(name=_NAME, defaults={"key": oldest or end})
    return Progress.objects.select_for_update().get(name=_NAME)


def hours(endpoint_id: UUID, since: datetime, until: datetime) -> tuple[list[Hour], bool]:
    """Each hour of [since, until) in which the endpoint has attempts, and whether they are all of them.

    What the mark has passed is read by the hour, what is younger (the last two minutes) is counted now, up to _TAIL
    attempts. ``since``: the beginning of an hour.
    """
    mark = Progress.objects.filter(name=_NAME).values_list("key", flat=True).first()
    lower = max(ids.floor(since), mark) if mark else ids.floor(since)
    with connection.cursor() as cursor:
        cursor.execute(_READ, [endpoint_id, since, until])
        found = {datetime.fromtimestamp(hour, UTC): _decode(counts) for hour, counts in cursor.fetchall()}
    first = max(since, hour_of(ids.created_at(lower)))
    starts = [first + n * HOUR for n in range((until - first) // HOUR + 1)]
    fresh = _fresh(endpoint_id, lower, ids.floor(until), starts)
    for n, key, number in fresh:
        counts = found.setdefault(starts[n], {})
        counts[key] = counts.get(key, 0) + number
    counted = sum(number for _, key, number in fresh if key.startswith("outcome."))
    return [Hour(start, found[start]) for start in sorted(found)], counted < _TAIL


def _fresh(endpoint_id: UUID, lower: UUID, upper: UUID, starts: Sequence[datetime]) -> list[Any]:
    parameters: dict[str, Any] = {
        "endpoint": endpoint_id, "lower": lower, "upper": upper, "limit": _TAIL, "bounds": list(BOUNDS),
        "hours": [ids.floor(start) for start in starts],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, parameters)
        rows: list[Any] = cursor.fetchall()
        return rows


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def prune(today: datetime | None = None) -> int:
    """Forget the hours whose attempts retention has dropped; return how many rows went."""
    kept = (today or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    gone, _ = EndpointHour.objects.filter(hour__lt=kept - timedelta(days=conf.RETENTION_DAYS)).delete()
    return gone
