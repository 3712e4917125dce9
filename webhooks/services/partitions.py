"""Partitions are made ahead and dropped by retention.

Invariants: an insert always finds a partition (the default one catches what has no day); a day is dropped
only when its retention is over and no delivery in it is unfinished.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, EventKey
from webhooks.models.partitions import TABLES, bounds, day_of, days_around, partition_name

log = structlog.get_logger(__name__)

# Any fixed number: two maintenance tasks at once must not create the same partition.
_LOCK = 7_226_417


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
    """Make the partitions of yesterday up to PARTITIONS_AHEAD days; return the names of the new ones."""
    today = today or datetime.now(UTC).date()
    made = []
    for table in TABLES:
        present = existing(table)
        for day in days_around(today, conf.PARTITIONS_AHEAD):
            if partition_name(table, day) not in present and _make(table, day):
                made.append(partition_name(table, day))
    return made


def _make(table: str, day: date) -> bool:
    """Create one partition, taking over rows that the default partition caught for its day."""
    name, (lower, upper) = partition_name(table, day), bounds(day)
    with transaction.atomic(), connection.cursor() as cursor:
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


def drop_expired(today: date | None = None) -> list[str]:
    """Drop the days older than RETENTION_DAYS and what refers to them; return the names dropped."""
    today = today or datetime.now(UTC).date()
    first_kept = today - timedelta(days=conf.RETENTION_DAYS)
    dropped = []
    for table in TABLES:
        for name in sorted(existing(table)):
            day = day_of(name)
            if day is None or day >= first_kept:
                continue
            if _unfinished(day):
                log.warning("partition_kept", partition=name, why="deliveries of that day are unfinished")
                continue
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {name}")
            dropped.append(name)
    if dropped:
        oldest = ids.floor(datetime.combine(first_kept, datetime.min.time(), tzinfo=UTC))
        EventKey.objects.filter(event_id__lt=oldest).delete()
        DeadLetter.objects.filter(delivery_id__lt=oldest).delete()
    return dropped


def _unfinished(day: date) -> bool:
    lower, upper = bounds(day)
    return Delivery.objects.filter(id__gte=lower, id__lt=upper, state__in=Delivery.UNFINISHED).exists()
