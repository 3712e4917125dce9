"""What the tests of failed tasks share: a row no worker can take, and the failure that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from tests.waiting import eventually
from webhooks.models import Endpoint, Mailbox, TaskFailure


def poison(endpoint: Endpoint) -> None:
    """A row that no validation lets through: the drain's first statement cannot read this rate."""
    with connection.cursor() as cursor:
        cursor.execute('UPDATE webhooks_endpoint SET rate_limit = \'{"limit": "many"}\' WHERE id = %s', [endpoint.id])


def mend(endpoint: Endpoint) -> None:
    Endpoint.objects.filter(id=endpoint.id).update(rate_limit=None)


def failure(**wanted: Any) -> TaskFailure:
    """The row that fits, as soon as a worker has written it."""
    return eventually(lambda: TaskFailure.objects.filter(**wanted).first())  # type: ignore[return-value]


def end_pause() -> None:
    """Let the pause of every failure pass."""
    past = timezone.now() - timedelta(hours=1)
    Mailbox.objects.exclude(next_due_at=None).update(next_due_at=past, blocked_until=past)


@contextmanager
def nothing_fits(table: str) -> Iterator[None]:
    """A constraint that refuses every new row of a table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT nothing_fits CHECK (false) NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT nothing_fits")
