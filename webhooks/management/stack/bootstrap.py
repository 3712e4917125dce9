"""The program "setup" of the stack (``python -m``): reach the services, check, migrate, seed.

Runs in a process of its own because it needs the children's settings, not those ``manage.py up`` began with.
Its answer is the file setup.json in the data folder: {"failure": sentence} or what ``seed`` returns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from webhooks.management.stack.service import StackFailure, write_private
from webhooks.management.stack.state import RECEIVER_FOLDER, read_json
from webhooks.management.stack.valkey import ping

_CONNECT_TIMEOUT = 5  # seconds


def main() -> None:
    """Exit status 1 on any failure; a foreseen one leaves its sentence."""
    import django

    parser = argparse.ArgumentParser()
    parser.add_argument("--receiver", metavar="URL", help="make the demo tenant, with a webhook to this URL")
    receiver = parser.parse_args().receiver
    django.setup()
    folder = Path(os.environ["CLARION_DATA_DIR"])
    try:
        answer = _prepare(folder, receiver)
    except StackFailure as failure:
        answer = {"failure": str(failure)}
    write_private(folder / "setup.json", json.dumps(answer))
    sys.exit(1 if "failure" in answer else 0)


def _prepare(folder: Path, receiver: str | None) -> dict[str, Any]:
    from django.conf import settings
    from django.core.management import call_command

    from webhooks.management.stack.seed import seed
    from webhooks.services import actors

    reach_database()
    reach_redis(settings.REDIS_URL)
    reach_broker(settings.CELERY_BROKER_URL)
    call_command("check")
    _migrate()
    with actors.acting_as(actors.command("up")):
        return seed(read_json(folder / "secrets.json"), receiver, folder / RECEIVER_FOLDER)


def reach_database() -> None:
    """One connection without the pool, which would hide the reason behind its own time limit."""
    import psycopg
    from django.db import connection

    if connection.vendor != "postgresql":
        raise StackFailure(
            f"DATABASE_URL names a {connection.vendor} database, and Clarion needs PostgreSQL: "
            "give a postgresql:// URL, or unset DATABASE_URL to use the embedded one."
        )
    settings = connection.settings_dict
    try:
        psycopg.connect(**connection.get_connection_params()).close()
    except psycopg.OperationalError as error:
        address = f"{settings['HOST'] or 'the local socket'}:{settings['PORT'] or 5432}"
        raise StackFailure(
            f"The database of DATABASE_URL (postgresql://{settings['USER'] or ''}:***@{address}/"
            f"{settings['NAME']}) cannot be reached: {_one_line(error)}. Start that PostgreSQL "
            "(for example: systemctl start postgresql), correct DATABASE_URL, or unset it to use the embedded one."
        ) from None


def reach_redis(url: str) -> None:
    """PING the server of guards and cache."""
    import redis

    try:
        ping(url, timeout=_CONNECT_TIMEOUT)
    except (redis.RedisError, ValueError) as error:
        raise StackFailure(
            f"The Redis or Valkey of REDIS_URL ({masked(url)}) cannot be reached: {_one_line(error)}. "
            "Start it (for example: systemctl start valkey), correct REDIS_URL, "
            "or unset it to use the embedded one."
        ) from None


def reach_broker(url: str) -> None:
    """Connect once as Celery would. Amazon SQS has no connection to test."""
    from kombu import Connection

    if url.startswith("sqs"):
        return
    try:
        with Connection(url, connect_timeout=_CONNECT_TIMEOUT) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_TIMEOUT)
    except Exception as error:  # each transport has its own exceptions
        raise StackFailure(
            f"The broker of CELERY_BROKER_URL ({masked(url)}) cannot be reached: {_one_line(error)}. "
            "Start it, correct CELERY_BROKER_URL, or unset it to use the embedded Valkey."
        ) from None


def masked(url: str) -> str:
    """``url`` with its password replaced by ``***``."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    call_command("migrate", interactive=False, verbosity=0)
    sys.stdout.write(f"database is up to date, {len(plan)} migrations applied\n")


if __name__ == "__main__":
    main()
