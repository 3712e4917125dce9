"""A past for an installation: millions of old events, deliveries and attempts, loaded by COPY.

``python -m benchmarks.history --rows 5000000`` fills the database that ``DATABASE_URL`` names, so that anybody can
try their own machine, disk and PostgreSQL settings at the size they expect. Take a database made for that: the rows
stay until retention drops their days. Existing endpoints get half of them; the rest goes to tenants that this makes.
Five million of each take some minutes and about 12 GB.

A day is filled as a table of its own, which becomes a partition afterwards and gets its indexes then: several times
faster than inserting into the indexes. Days that have a partition already are filled through it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from benchmarks import history_rows
from benchmarks.history_rows import COLUMNS, Rows, Subscriber

PARTITIONED = ("webhooks_event", "webhooks_delivery", "webhooks_attempt")
_DAY = 86_400_000  # milliseconds
# Tenants that this makes: from a large one down to a quiet one, in thousandths of all old rows.
_OWN_SHARES = (200, 150, 80, 50, 15, 4, 1)
_WELL = (200, 200, 200, 204, 202)  # what the endpoints of such a tenant answer when all is well
_WHOLE = 1_000_000  # all shares together, so that each endpoint's is a whole number


@dataclass(frozen=True, slots=True)
class History:
    """What was loaded: rows by table, seconds it took with the indexes and statistics, the tenant with the fewest
    rows and one of its endpoints."""

    rows: dict[str, int]
    seconds: float
    quiet: tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one day in UTC, in milliseconds since 1970, and how many events happened in it."""

    day: date
    start: int
    end: int
    events: int


def load(rows: int, days: int = 30, seed: int = 1, subscribers: Sequence[Subscriber] = ()) -> History:
    """Make ``rows`` events over the last ``days`` days up to now, as many deliveries, some four percent more attempts.

    All are finished: nothing is sent because of them. ``subscribers``: who gets them; else :func:`make_subscribers`.
    """
    from webhooks.services import partitions

    started = time.monotonic()
    partitions.make_ahead()
    subscribers = subscribers or make_subscribers()
    made: Counter[str] = Counter()
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        for count in pool.map(lambda part: _in_thread(load_stretch, part, subscribers, seed), stretches(rows, days)):
            made.update(count)
    for table in COLUMNS.keys() - set(PARTITIONED):
        _tidy(table)
    quiet = min(subscribers, key=lambda to: to.share)
    return History(dict(made), time.monotonic() - started, (quiet.tenant_id, quiet.endpoint_id))


def stretches(rows: int, days: int) -> list[Stretch]:
    """The days of [now - days, now), each with its share of the events."""
    now = int(time.time() * 1000)
    begin = now - days * _DAY
    found, done = [], 0
    for midnight in range(begin // _DAY * _DAY, now, _DAY):
        start, end = max(begin, midnight), min(now, midnight + _DAY)
        upto = rows * (end - begin) // (now - begin)
        found.append(Stretch(datetime.fromtimestamp(midnight / 1000, UTC).date(), start, end, upto - done))
        done = upto
    return found


def make_subscribers() -> list[Subscriber]:
    """Every endpoint that exists, for half of all rows, and those of new tenants for the other half."""
    from webhooks.models import Endpoint
    from webhooks.services import endpoints, tenants

    existing = list(Endpoint.objects.filter(deleted_at=None).values_list("tenant_id", "id", "url"))
    subscribers = [Subscriber(tenant, key, url, _WHOLE // 2 // len(existing)) for tenant, key, url in existing]
    for n, share in enumerate(_OWN_SHARES):
        tenant_id = tenants.create_tenant(f"History {n}")
        for well in _WELL:
            url = f"https://history-{n}.example/hook"
            created = endpoints.create(tenant_id, {"url": url, "event_types": ["order.**"]})
            subscribers.append(Subscriber(tenant_id, created.id, url, share * 1000 // len(_WELL), well))
    return subscribers


def load_stretch(part: Stretch, subscribers: Sequence[Subscriber], seed: int) -> Counter[str]:
    """:func:`fill`, with the statistics of the partitions; not within a transaction."""
    from webhooks.models.partitions import partition_name

    made = fill(part, subscribers, seed)
    for table in PARTITIONED:
        _tidy(partition_name(table, part.day))
    return made


def fill(part: Stretch, subscribers: Sequence[Subscriber], seed: int) -> Counter[str]:
    """Load one stretch in a transaction, then make its new tables partitions, each in a transaction of its own."""
    from django.db import connection, transaction

    from webhooks.models.partitions import partition_name
    from webhooks.services.partitions import existing

    names = {table: partition_name(table, part.day) for table in PARTITIONED}
    new = {table: name for table, name in names.items() if name not in existing(table)}
    made: Counter[str] = Counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for table, name in new.items():
            cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        for chunk in history_rows.make(subscribers, part.start, part.end, part.events, f"{seed} {part.day}"):
            _copy(cursor, chunk, new)
            made.update(chunk.count)
    for table in new:
        _attach(table, part.day)
    return made


def _copy(cursor: Any, chunk: Rows, new: dict[str, str]) -> None:
    """Write a chunk. A table made in this transaction gets its rows frozen: no vacuum has to visit them again."""
    for table, data in chunk.data.items():
        target, options = new.get(table, table), "FORMAT binary" + (", FREEZE" if table in new else "")
        with cursor.copy(f"COPY {target} ({COLUMNS[table]}) FROM STDIN ({options})") as copy:
            copy.write(history_rows.HEADER)
            copy.write(data)
            copy.write(history_rows.TRAILER)


def _attach(table: str, day: date) -> None:
    """Make a day's table a partition; PostgreSQL builds its indexes now."""
    from django.db import connection

    from webhooks.models.partitions import bounds, partition_name

    lower, upper = bounds(day)
    with connection.cursor() as cursor:
        name = partition_name(table, day)
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{lower}') TO ('{upper}')")


def _tidy(table: str) -> None:
    """Statistics for the planner, and nothing left for autovacuum to do in the middle of a measurement.

    Of single partitions, as autovacuum does it: the empty ones of the days to come keep their defaults.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {table}")


def _in_thread(call: Any, *arguments: Any) -> Any:
    from django.db import connection

    try:
        return call(*arguments)
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="of each large table (default 5000000)")
    parser.add_argument("--days", type=int, default=30, help="back from now (default 30, as retention keeps them)")
    options = parser.parse_args()
    if not os.environ.get("DATABASE_URL"):
        parser.error("DATABASE_URL is not set: name a database that was made for this")
    if options.rows < 1 or options.days < 1:
        parser.error("--rows and --days take at least 1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    loaded = load(options.rows, options.days)
    for table, count in loaded.rows.items():
        print(f"{table:24} {count:12,}")
    print(
        f"{loaded.seconds:.0f} s: {sum(loaded.rows.values()) / loaded.seconds:,.0f} rows/s with indexes and statistics"
    )


if __name__ == "__main__":
    main()
