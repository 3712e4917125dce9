"""The database: reachable, new enough, migrated, with room, with partitions, and the same clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from webhooks.conf import conf
from webhooks.errors import DecryptionFailed
from webhooks.models.fields import decrypt
from webhooks.models.partitions import TABLES, partition_name
from webhooks.services import partitions
from webhooks.services.health.finding import Finding, age, failed, graded, listed, ok, skipped, warning

OLDEST_VERSION = 13  # gen_random_uuid(), and unique indexes that skip deduplication of queue rows
_SKEW = (2.0, 60.0)  # seconds: keys and signatures are a little off; receivers refuse signatures from 300 s on
_AGREES = 0.1  # seconds; less cannot be told from the time of the question
_CONNECTIONS = (0.8, 0.95)  # of max_connections
_TRANSACTION = (600.0, 7200.0)  # seconds: an open transaction keeps every dead queue row alive
_CONNECT_TIMEOUT = 3  # seconds
_LIBPQ = ("host", "port", "dbname", "user", "password", "connect_timeout", "sslmode", "sslrootcert", "passfile")
_SECRETS = 50  # newest and oldest ones that are tried with the keys


def answers() -> Finding:
    """It is reachable and new enough. Raises django.db.Error otherwise."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, split_part(version(), ' ', 2)")
        number, version = cursor.fetchone()
    found = f"PostgreSQL {version} at {where()}, {(time.perf_counter() - started) * 1000:.0f} ms"
    if number // 10_000 < OLDEST_VERSION:
        return failed("database", found, f"Clarion needs PostgreSQL {OLDEST_VERSION} or newer: upgrade the server.")
    return ok("database", found)


def where() -> str:
    """host:port/name, without user and password."""
    database = settings.DATABASES["default"]
    return f"{database.get('HOST') or 'local socket'}:{database.get('PORT') or 5432}/{database.get('NAME')}"


def refusal() -> str:
    """Why it cannot be reached, asked without the pool, which only says that it waited."""
    parameters = {**connection.get_connection_params(), "connect_timeout": _CONNECT_TIMEOUT}
    try:
        psycopg.connect(**{name: value for name, value in parameters.items() if name in _LIBPQ}).close()
    except psycopg.Error as error:
        return " ".join(str(error).split()) or type(error).__name__
    return "it does now, and did not a moment ago"


def migrated() -> Finding:
    """Every migration of every application is applied, and no later one of ours."""
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    missing = [f"{app}.{name}" for app, name in sorted(set(loader.graph.nodes) - applied)]
    foreign = [f"{app}.{name}" for app, name in sorted(applied - set(loader.disk_migrations)) if app == "webhooks"]
    if missing:
        advice = "Run `manage.py migrate`, then restart web, workers and beat."
        return failed("migrations", f"{len(missing)} not applied: {listed(missing)}", advice)
    if foreign:
        advice = "Another release has migrated this database: run the same release here."
        return warning("migrations", f"applied and unknown here: {listed(foreign)}", advice)
    return ok("migrations", "all applied")


def connections() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE datid IS NOT NULL"
        )
        used, limit = cursor.fetchone()
    advice = "Raise max_connections of PostgreSQL, or lower DATABASE_POOL_SIZE of the processes."
    return graded("connections", used / limit, _CONNECTIONS, f"{used} of {limit} in use", advice)


# PostgreSQL hides from a user what the sessions of others do, also that they have a transaction open.
_OLDEST_TRANSACTION = """
WITH others AS (
    SELECT pid, xact_start, query = '<insufficient privilege>' AS hidden,
           backend_type = 'client backend' AND xact_start IS NOT NULL AS open
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
)
SELECT oldest.pid, EXTRACT(EPOCH FROM clock_timestamp() - oldest.xact_start)::float,
       (SELECT count(*) FROM others WHERE hidden)
FROM (SELECT) one LEFT JOIN (SELECT pid, xact_start FROM others WHERE open ORDER BY xact_start LIMIT 1) oldest ON true
"""


def transactions() -> Finding:
    """A forgotten psql session with an open transaction makes every claim slower by the minute."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_TRANSACTION)
        pid, seconds, hidden = cursor.fetchone()
    if pid is None:
        unseen = f"; {hidden} connections of others cannot be seen without GRANT pg_read_all_stats" if hidden else ""
        return ok("transactions", f"none open{unseen}")
    advice = f"Vacuum cannot clean the queue: end it, if need be with SELECT pg_terminate_backend({pid})."
    return graded("transactions", seconds, _TRANSACTION, f"the oldest is open for {age(seconds)}", advice)


def clock() -> Finding:
    """This machine's clock against the database's, which decides what is due and whose lease has ended."""
    with connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float")
        there = cursor.fetchone()[0]
        after = time.time()
    skew = (before + after) / 2 - there
    return skewed("clock", "this machine", skew)


def skewed(check: str, who: str, skew: float) -> Finding:
    """``skew``: seconds ahead of the database."""
    direction = "ahead of" if skew > 0 else "behind"
    found = f"{who} is {age(abs(skew))} {direction} the database"
    if abs(skew) < _AGREES:
        found = f"{who} and the database agree"
    advice = "Let an NTP client (chrony, systemd-timesyncd) set the clocks; receivers refuse signatures 5 min off."
    return graded(check, abs(skew), _SKEW, found, advice)


def partitions_ahead() -> Finding:
    """How many days the tables are prepared for: `maintain` makes them, so a gap means that nobody runs it."""
    today = datetime.now(UTC).date()
    ahead = conf.PARTITIONS_AHEAD
    for table in TABLES:
        present = partitions.existing(table)
        days = 0
        while days < ahead and partition_name(table, today + timedelta(days=days + 1)) in present:
            days += 1
        ahead = min(ahead, days)
    found = f"made for {ahead} of {conf.PARTITIONS_AHEAD} days ahead"
    advice = "The hourly task webhooks.maintain does not run: see beat and the queue default; now: `manage.py prune`."
    missing = conf.PARTITIONS_AHEAD - ahead
    return graded("partitions", missing, (2, max(2, conf.PARTITIONS_AHEAD)), found, advice)


def default_partitions() -> Finding:
    """Rows that found no partition of their day: safe, and slower to claim and to drop."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t}_default)" for t in TABLES))
        strays = [table for (table,) in cursor.fetchall()]
    if strays:
        advice = "`manage.py prune` moves them to partitions of their days."
        return warning("default partitions", f"hold rows of {listed(strays)}", advice)
    return ok("default partitions", "empty")


_SAMPLE = """
(SELECT value FROM webhooks_endpointsecret ORDER BY valid_from LIMIT %(each)s)
UNION (SELECT value FROM webhooks_endpointsecret ORDER BY valid_from DESC LIMIT %(each)s)
"""


def encryption() -> Finding:
    """Whether WEBHOOKS_ENCRYPTION_KEYS opens what is stored, tried with the oldest and the newest secrets."""
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"each": _SECRETS})
        stored = [value for (value,) in cursor.fetchall()]
    try:
        closed = sum(not _opens(value) for value in stored)
    except ImproperlyConfigured as error:
        return skipped("encryption keys", f"see settings: {error}")
    if closed:
        advice = "Put the key that is missing back into WEBHOOKS_ENCRYPTION_KEYS; deliveries wait until then."
        return failed("encryption keys", f"{closed} of {len(stored)} secrets that were tried cannot be read", advice)
    found = f"{len(stored)} tried, all can be read" if stored else "nothing is stored yet"
    return ok("encryption keys", found)


def _opens(value: str) -> bool:
    try:
        decrypt(value)
    except DecryptionFailed:
        return False
    return True
