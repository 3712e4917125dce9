"""Driving the delivery engine without workers: threads, statements, quiescence, and the mailbox's promise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from webhooks.core import ids
from webhooks.guards import gate
from webhooks.models import Delivery, Endpoint, Mailbox
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.settle import settle
from webhooks.services.sweep import sweep

T = TypeVar("T")
HOOK = "/hook"  # where the receiver of most tests listens
SOON = {"schedule": [0, 0, 0], "jitter": 0}  # a policy whose retries are due at once
_NO_STATEMENT = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")


def in_thread(call: Callable[..., T], *args: Any) -> Callable[[], T]:
    """Start ``call`` in a thread with a database connection of its own; the result waits for it."""

    def run() -> T:
        try:
            return call(*args)
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(run)
    pool.shutdown(wait=False)
    return lambda: future.result(timeout=60)


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Run the calls in as many threads, begun together; their results in order."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        barrier.wait(30)
        return call()

    return [result() for result in [in_thread(begin, call) for call in calls]]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of the block (without those that only begin and end transactions), filled at its end."""
    seen: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield seen
    # of a prepared statement psycopg keeps no text
    texts = [query["sql"] or "(prepared)" for query in captured]
    seen += [text for text in texts if not text.startswith(_NO_STATEMENT)]


def mailbox_faults(*endpoint_ids: UUID) -> list[str]:
    """Where the promise of :class:`webhooks.models.Mailbox` is broken, read in one snapshot.

    A mailbox that is due already is due, however long its delivery has been. What stands behind the head of an
    ordered endpoint's line is due when that is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.id, d.state, d.next_attempt_at, m.next_due_at, m.blocked_until, m.oldest_pending_id
            FROM webhooks_delivery d JOIN webhooks_mailbox m USING (endpoint_id)
            WHERE endpoint_id = ANY(%s) AND (
                d.state = 'pending' AND NOT EXISTS (
                    SELECT 1 FROM webhooks_delivery head JOIN webhooks_endpoint e ON e.id = head.endpoint_id
                    WHERE head.endpoint_id = d.endpoint_id AND e.ordered AND head.event_id < d.event_id
                      AND head.state IN ('pending', 'sending')
                ) AND (
                    m.next_due_at IS NULL OR m.next_due_at > GREATEST(d.next_attempt_at, m.blocked_until, now())
                ) OR d.state IN ('pending', 'sending', 'held') AND (
                    m.oldest_pending_id IS NULL OR m.oldest_pending_id > d.id
                )
            )
            """,
            [list(endpoint_ids)],
        )
        return [f"{row}" for row in cursor.fetchall()]


def run_to_quiescence(*endpoint_ids: UUID, seconds: float = 30.0) -> None:
    """What workers and beat would do, by the sweep alone, until nothing is left to be done.

    No doorbell of the test is used: what the rows do not say is never found. Raises AssertionError with the
    rows that are still unfinished when time is up.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        while fan_out().events:
            pass
        found = sweep()
        for endpoint_id in found.unsettled:
            settle(endpoint_id)
        for bell in found.bells:
            drain(bell.endpoint_id)
        open_states = [Delivery.State.PENDING, Delivery.State.SENDING]
        if not found.bells and not found.unsettled and not _count(endpoint_ids, open_states):
            return
        time.sleep(0.01)
    rows = Delivery.objects.filter(endpoint_id__in=endpoint_ids).exclude(finished_at__isnull=False)
    mailboxes = Mailbox.objects.filter(endpoint_id__in=endpoint_ids).values()
    raise AssertionError(f"unfinished: {list(rows.values())[:5]} with {list(mailboxes)}")


def _count(endpoint_ids: tuple[UUID, ...], states: list[Delivery.State]) -> int:
    return Delivery.objects.filter(endpoint_id__in=endpoint_ids, state__in=states).count()


def post(endpoint: Endpoint, count: int = 1, data: Callable[[int], bytes] = b"%d".__mod__) -> list[UUID]:
    """Publish and route events; their deliveries to the endpoint in the order of publication."""
    made = publish(endpoint.tenant_id, [Draft(type="order.created", data=data(n)) for n in range(count)])
    while fan_out().events:
        pass
    return [ids.delivery_id(event.id, endpoint.id) for event in made]


def later(endpoint: Endpoint, seconds: float = 100_000) -> None:
    """Let time pass for an endpoint: its retries and blocks lie in the past now."""
    shift = timedelta(seconds=seconds)
    Delivery.objects.filter(endpoint=endpoint).update(next_attempt_at=F("next_attempt_at") - shift)
    Mailbox.objects.filter(endpoint=endpoint).update(
        blocked_until=F("blocked_until") - shift, next_due_at=F("next_due_at") - shift
    )
    gate.reset(endpoint.id)


def states(endpoint: Endpoint) -> list[str]:
    """The states of the endpoint's deliveries in the order of their events."""
    return list(Delivery.objects.filter(endpoint=endpoint).order_by("event_id").values_list("state", flat=True))


def wait_for_a_lock(seconds: float = 30.0) -> None:
    """Until another connection of this database waits for a lock, or has had the time to."""
    deadline = time.monotonic() + seconds
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), (SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock')"
            )
            if cursor.fetchone()[1]:
                return
