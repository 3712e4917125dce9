"""What waits too long, and what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

from webhooks.core import ids
from webhooks.models import DeadLetter, TaskFailure
from webhooks.services import task_failures
from webhooks.services.backlog import Backlog
from webhooks.services.health.finding import Finding, age, failed, graded, ok, warning

# Seconds from which a warning is due, and from which it counts as failed.
_DUE = (30.0, 300.0)  # a busy endpoint is looked at several times a second
_UNROUTED = (10.0, 60.0)  # the sweep rings after three
_EXPIRED = (10.0, 60.0)  # the sweep frees them each second
_RECENT = 3600  # seconds; a task that failed within them still fails


def due(now: Backlog) -> Finding:
    """The endpoint that waits longest for a worker. One whose breaker is open or whose rate is used up is not due."""
    found = f"{_count(now.endpoints_due, now.limit)} endpoints, the oldest for {age(now.oldest_due_age)}"
    advice = "Too few delivery workers, or none: see queues and workers above."
    return graded("due deliveries", now.oldest_due_age, _DUE, found if now.endpoints_due else "none waits", advice)


def outbox(now: Backlog) -> Finding:
    if now.oldest_in_outbox is None:
        return ok("unrouted events", "none")
    seconds = (datetime.now(UTC) - ids.created_at(now.oldest_in_outbox)).total_seconds()
    found = f"{_count(now.outbox, now.limit)}, the oldest for {age(seconds)}"
    advice = "The queue fan_out has no worker or too few, or its task fails: see queues and failed tasks."
    return graded("unrouted events", seconds, _UNROUTED, found, advice)


def inbox(now: Backlog) -> Finding:
    """Received messages that nobody has processed."""
    if now.oldest_unprocessed is None:
        return ok("unprocessed messages", "none")
    seconds = (datetime.now(UTC) - ids.created_at(now.oldest_unprocessed)).total_seconds()
    found = f"{_count(now.unprocessed, now.limit)}, the oldest for {age(seconds)}"
    advice = "The queue default has no worker or too few, or its task fails: see queues and failed tasks."
    return graded("unprocessed messages", seconds, _UNROUTED, found, advice)


def dead_runs(now: Backlog) -> Finding:
    """Received messages that a processor has given up on."""
    if not now.runs_dead:
        return ok("dead runs", "none")
    advice = "Admin > Processor runs shows why; replay them there when the cause is mended."
    return warning("dead runs", f"{_count(now.runs_dead, now.limit)} given up", advice)


def leases() -> Finding:
    """Deliveries whose worker has not reported back, and that nobody has freed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM now() - lease_until)::float FROM webhooks_delivery "
            "WHERE state = 'sending' AND lease_until < now() ORDER BY lease_until LIMIT 1"
        )
        row = cursor.fetchone()
    if row is None:
        return ok("expired leases", "none")
    advice = "The sweep frees them: it does not run. See beat and sweep."
    return graded("expired leases", row[0], _EXPIRED, f"the oldest ended {age(row[0])} ago", advice)


def failures() -> Finding:
    """Tasks that raised what nobody foresaw."""
    count = task_failures.count_open()
    if not count:
        return ok("failed tasks", "none open")
    rows = TaskFailure.objects.filter(resolution=TaskFailure.Resolution.OPEN)
    last = rows.order_by("-last_seen").values_list("task", "exception", "last_seen").first()
    advice = "Admin > Task failures shows where; run them again there when the cause is mended."
    if last is None:
        return ok("failed tasks", "none open")
    task, exception, seen = last
    seconds = (datetime.now(UTC) - seen).total_seconds()
    found = f"{_count(count, task_failures.OPEN_LIMIT)} open, the last {age(seconds)} ago: {task}, {exception}"
    return (failed if seconds < _RECENT else warning)("failed tasks", found, advice)


def dead_letters(now: Backlog) -> Finding:
    """Deliveries that were given up."""
    if not now.dead_letters_open:
        return ok("dead letters", "none open")
    oldest = DeadLetter.objects.filter(resolution=DeadLetter.Resolution.OPEN).order_by("id").first()
    since = f", the oldest of {oldest.created_at:%Y-%m-%d}" if oldest else ""
    advice = "`manage.py dead_letters list`, then replay or discard them."
    return warning("dead letters", f"{_count(now.dead_letters_open, now.limit)} open{since}", advice)


def _count(number: int, limit: int) -> str:
    return f"{number} or more" if number >= limit else str(number)
