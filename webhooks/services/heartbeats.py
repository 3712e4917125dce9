"""Signs of life of workers, beat and the sweep: one row each, written by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

import webhooks
from webhooks.models import Heartbeat

SWEEP = "sweep"
_SWEEP_EVERY = 5  # seconds between two writes: the sweep runs each second, and a write each time says no more
_FORGET = 3600  # seconds; a process that died without a word is named for an hour

_TELL = """
INSERT INTO webhooks_heartbeat (name, kind, queues, version, pid, started_at, told_at, seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, queues = excluded.queues, version = excluded.version,
    pid = excluded.pid, started_at = excluded.started_at, told_at = excluded.told_at, seen_at = excluded.seen_at
"""
# Most sweeps only look: a row written five seconds ago is fresh enough, and INSERT ... ON CONFLICT would lock it.
_TELL_SWEEP = """
INSERT INTO webhooks_heartbeat (name, kind, queues, version, pid, started_at, told_at, seen_at)
SELECT %(name)s, 'sweep', '{}', %(version)s, %(pid)s, %(now)s, %(now)s, clock_timestamp()
WHERE NOT EXISTS (
    SELECT FROM webhooks_heartbeat
    WHERE name = %(name)s AND seen_at > clock_timestamp() - %(every)s * interval '1 second'
)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, pid = excluded.pid, told_at = excluded.told_at,
    seen_at = excluded.seen_at
"""


def tell(name: str, kind: Heartbeat.Kind, pid: int, started_at: datetime, queues: Sequence[str] = ()) -> None:
    """The process ``name`` lives."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL, [name[:200], kind, list(queues), webhooks.__version__, pid, started_at, datetime.now(UTC)]
        )


def tell_sweep(pid: int) -> None:
    """A sweep has run to its end."""
    values: dict[str, Any] = {
        "name": SWEEP, "version": webhooks.__version__, "pid": pid, "now": datetime.now(UTC), "every": _SWEEP_EVERY,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TELL_SWEEP, values)


def end(name: str, pid: int) -> None:
    """The process ends in good order. One that took over its name meanwhile stays."""
    Heartbeat.objects.filter(name=name[:200], pid=pid).delete()


def forget() -> int:
    """Delete the rows of processes that have been silent for an hour."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webhooks_heartbeat WHERE seen_at < now() - %s * interval '1 second'", [_FORGET])
        return int(cursor.rowcount)


def sweep_age() -> float | None:
    """Seconds since the last sweep, to within five; None when none has run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp() - seen_at)::float FROM webhooks_heartbeat WHERE name = %s",
            [SWEEP],
        )
        row = cursor.fetchone()
    return row[0] if row else None
