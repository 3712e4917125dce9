"""Partitions are made ahead and dropped by retention.

Invariants: an insert always finds a partition (the default one catches what has no day); a day is dropped
only when its retention is over, no delivery and no run of a processor in it is unfinished, and no received message
unprocessed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Event, EventKey, ProcessorRun, ReceivedKey, ReceivedMessage
from webhooks.models.partitions import TABLES, bounds, day_of, days_around, partition_name

log = structlog.get_logger(__name__)

# Inserts queue up behind DDL that waits for a lock; after this the next run of the task tries again.
_LOCK_TIMEOUT = "5s"
# Any fixed number: two maintenance tasks at once must not create the same partition.
_LOCK = 7_226_417


_METADATA = "_metadata"  # what the name of such an index ends with
_EVENT_DAYS = """
SELECT c.relname, EXISTS (
    SELECT FROM pg_index x JOIN pg_class n ON n.oid = x.indexrelid
    WHERE x.indrelid = c.oid AND x.indisvalid AND n.relname LIKE %s
)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass
"""


def existing(table: str) -> set[str]:
    """Names of the partitions of ``table``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass",
            [table],
        )
        return {name for (name,) in cursor.fetchall()}


def make_ahead(today: date | None = None) -> list[str]:
    """Make the partitions of yesterday up to PARTITIONS_AHEAD days; return the names of the new ones.

    Rows that the default partition caught are moved to a partition of their day, however long ago it was.
    """
    today = today or datetime.now(UTC).date()
    made = []
    for table in TABLES:
        present = existing(table)
        for day in days_around(today, conf.PARTITIONS_AHEAD):
            if partition_name(table, day) not in present and _make(table, day):
                made.append(partition_name(table, day))
        while (stray := _stray_day(table)) and _make(table, stray):
            made.append(partition_name(table, stray))
    return made


def _stray_day(table: str) -> date | None:
    """The day of the oldest row in the default partition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table}_default ORDER BY id LIMIT 1")
        row = cursor.fetchone()
    return ids.created_at(row[0]).date() if row else None


def _make(table: str, day: date) -> bool:
    """Create one partition, taking over rows that the default partition caught for its day."""
    name, (lower, upper) = partition_name(table, day), bounds(day)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if name in existing(table):
            return False
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        cursor.execute(f"LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {table}_default WHERE id >= %s AND id < %s RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM moved",
            [lower, upper],
        )
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{lower}') TO ('{upper}')")
    return True


def event_days() -> dict[date, bool]:
    """The days with a partition of events, and whether it has the index of :func:`index_ended`."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENT_DAYS, [f"%{_METADATA}", Event._meta.db_table])
        return {day: indexed for name, indexed in cursor.fetchall() if (day := day_of(name))}


def index_ended(today: date | None = None) -> list[str]:
    """Index the metadata of events by day, once a day is over; return the names of the new indexes.

    An index that every event is entered into costs a fifth of publishing and routing it; building it of a whole day
    costs a hundredth, and not those who wait. Only yesterday's keys can still be made, by a clock that is behind.
    """
    today = today or datetime.now(UTC).date()
    made = []
    for day in sorted(day for day, indexed in event_days().items() if not indexed and day < today - timedelta(days=1)):
        partition = partition_name(Event._meta.db_table, day)
        how = "" if connection.in_atomic_block else "CONCURRENTLY"  # which cannot be part of a transaction
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {how} IF EXISTS {partition}{_METADATA}")  # of a run that was interrupted
            cursor.execute(
                f"CREATE INDEX {how} {partition}{_METADATA} ON {partition} USING gin (metadata jsonb_path_ops)"
            )
        made.append(f"{partition}{_METADATA}")
    return made


def drop_expired(today: date | None = None) -> list[str]:
    """Drop the days older than RETENTION_DAYS and what refers to them; return the names dropped."""
    today = today or datetime.now(UTC).date()
    first_kept = today - timedelta(days=conf.RETENTION_DAYS)
    expired = {name: day_of(name) for table in TABLES for name in existing(table)}
    days = sorted({day for day in expired.values() if day is not None and day < first_kept})
    kept = [day for day in days if _unfinished(day)]
    if kept:
        log.warning(
            "partitions_kept",
            days=[day.isoformat() for day in kept],
            why="deliveries or received messages are unfinished",
        )
    dropped = sorted(name for name, day in expired.items() if day in days and day not in kept)
    for name in dropped:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_TIMEOUT])
            cursor.execute(f"DROP TABLE {name}")
    if dropped:
        oldest = ids.floor(datetime.combine(min([first_kept, *kept]), datetime.min.time(), tzinfo=UTC))
        EventKey.objects.filter(event_id__lt=oldest).delete()
        ReceivedKey.objects.filter(received_id__lt=oldest).delete()
        DeadLetter.objects.filter(delivery_id__lt=oldest).delete()
    return dropped


def _unfinished(day: date) -> bool:
    lower, upper = bounds(day)
    waiting = (
        Delivery.objects.filter(state__in=Delivery.UNFINISHED),
        ReceivedMessage.objects.filter(processed_at=None),
        ProcessorRun.objects.filter(status__in=ProcessorRun.UNFINISHED),
    )
    return any(rows.filter(id__gte=lower, id__lt=upper).exists() for rows in waiting)
