"""Signs of life of workers, beat and the sweep: one row each, written by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

import webhooks
from webhooks.conf import conf
from webhooks.models import Heartbeat

SWEEP = "sweep"
_SWEEP_EVERY = 5  # seconds between two writes: the sweep runs each second, and a write each time says no more
STAND_IN = "stand-in for the sweep"
_TURN_PAUSE = 0.9  # seconds between two sweeps of stand-ins: as often as beat's, whoever does them
_TURN_LONGEST = 30.0  # seconds until the turn of a worker that died in it is another one's
FORGET = 3600  # seconds; a process that died without a word is named for an hour

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

# Only while no sweep is written down, and nobody else is at it: pid 0 says that the last one has ended.
_TAKE_TURN = """
INSERT INTO webhooks_heartbeat (name, kind, queues, version, pid, started_at, told_at, seen_at)
SELECT %(name)s, 'sweep', '{}', %(version)s, %(pid)s, %(now)s, %(now)s, clock_timestamp()
WHERE NOT EXISTS (
    SELECT FROM webhooks_heartbeat
    WHERE name = %(sweep)s AND seen_at > clock_timestamp() - %(silence)s * interval '1 second'
)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, pid = excluded.pid, started_at = excluded.started_at,
    told_at = excluded.told_at, seen_at = excluded.seen_at
WHERE webhooks_heartbeat.seen_at < clock_timestamp()
    - CASE WHEN webhooks_heartbeat.pid = 0 THEN %(pause)s ELSE %(longest)s END * interval '1 second'
RETURNING seen_at
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


def take_turn(pid: int) -> datetime | None:
    """Begin a sweep in the place of beat's; None when there is no need, or another process is at it.

    Invariant: at most one process has the turn, taken by one conditional INSERT or UPDATE. One that takes longer
    than 30 seconds may be joined by another one; two sweeps at once do no harm.
    """
    values: dict[str, Any] = {
        "name": STAND_IN, "sweep": SWEEP, "version": webhooks.__version__, "pid": pid, "now": datetime.now(UTC),
        "silence": conf.SWEEP_SILENCE, "pause": _TURN_PAUSE, "longest": _TURN_LONGEST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN, values)
        row = cursor.fetchone()
    return row[0] if row else None


def end_turn(taken: datetime) -> None:
    """The sweep of :func:`take_turn` has ended. A turn that another process has taken over meanwhile stays its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_heartbeat SET pid = 0, seen_at = clock_timestamp() WHERE name = %s AND seen_at = %s",
            [STAND_IN, taken],
        )


def end(name: str, pid: int) -> None:
    """The process ends in good order. One that took over its name meanwhile stays."""
    Heartbeat.objects.filter(name=name[:200], pid=pid).delete()


def forget() -> int:
    """Delete the rows of processes that have been silent for an hour."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webhooks_heartbeat WHERE seen_at < now() - %s * interval '1 second'", [FORGET])
        return int(cursor.rowcount)


def sweep_age(name: str = SWEEP) -> float | None:
    """Seconds since the last sweep that beat rang for, to within five; None when none has run.

    ``STAND_IN``: since the last one that a worker did in its place.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM clock_timestamp() - seen_at)::float FROM webhooks_heartbeat WHERE name = %s",
            [name],
        )
        row = cursor.fetchone()
    return row[0] if row else None
