"""Tasks that failed in a way nobody foresaw: recorded once each, paused, resolved when they go through.

Invariants: a task with its arguments has at most one open row, written by one conditional upsert, so a repeat
counts up and two workers at once lose no count; the pause grows with the count, so what always fails costs
a few tries an hour and never stops being tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.models import Mailbox, TaskFailure
from webhooks.services import audit, endpoints
from webhooks.services.claim import lease_seconds

FIRST_PAUSE = 5.0  # seconds; the sweep would ring a failing task again after one
LONGEST_PAUSE = 300.0  # seconds: after a fault is mended nothing waits longer than this
REASON = "task_failure"  # why a mailbox is blocked
DELIVER = "webhooks.deliver"  # the task whose argument is an endpoint that can be left alone
OPEN_LIMIT = 10_000  # open failures that are read at once
_ARGUMENTS = 8  # that are kept; Clarion's tasks have one
_ID = re.compile(r"[A-Za-z0-9_.:@-]{1,64}\Z")

Key = tuple[str, str]  # task and its arguments as JSON text


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker tells of a failed task; all of it fit for a message. ``args``: see :func:`storable`."""

    task: str
    args: list[Any]
    runnable: bool
    queue: str
    exception: str
    sentence: str
    traceback: str
    worker: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """The open row of a failure: how often it has been seen, and the seconds until it is rung again."""

    id: UUID
    count: int
    pause: float


def storable(args: Sequence[Any], kwargs: Any = None) -> tuple[list[Any], bool]:
    """The arguments to keep, and whether the task can be called with them again.

    Attack: whoever reaches the broker sends a task a large or secret argument. Only ids, numbers and null are
    kept; anything else is replaced by the name of its type.
    """
    kept = [value if _is_plain(value) else f"<{type(value).__name__}>" for value in args[:_ARGUMENTS]]
    return kept, not kwargs and len(args) <= _ARGUMENTS and all(map(_is_plain, args))


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return _ID.match(value) is not None
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53)


_RECORD = """
INSERT INTO webhooks_taskfailure AS f (id, task, args, runnable, queue, exception, sentence, traceback, worker, count,
                                       first_seen, last_seen, paused_until, resolution)
VALUES (%(id)s, %(task)s, %(args)s, %(runnable)s, %(queue)s, %(exception)s, %(sentence)s, %(traceback)s, %(worker)s, 1,
        now(), now(), now() + %(first)s * interval '1 second', 'open')
ON CONFLICT (task, args) WHERE resolution = 'open' DO UPDATE SET
    count = f.count + 1, last_seen = now(), runnable = excluded.runnable, queue = excluded.queue,
    exception = excluded.exception, sentence = excluded.sentence, traceback = excluded.traceback,
    worker = excluded.worker,
    paused_until = now() + LEAST(%(longest)s, %(first)s * 2 ^ LEAST(f.count, 20)) * interval '1 second'
RETURNING id, count, EXTRACT(EPOCH FROM paused_until - now())::float
"""


def record(failure: Failure) -> Recorded:
    """Write a failure down, or count it up, and leave its endpoint alone for the pause. Prunes old ones."""
    values = asdict(failure) | {
        "id": ids.new_id(), "args": json.dumps(failure.args), "first": FIRST_PAUSE, "longest": LONGEST_PAUSE,
        "task": failure.task[:128], "queue": failure.queue[:100], "worker": failure.worker[:100],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, values)
        recorded = Recorded(*cursor.fetchone())
    pause(failure, recorded.pause)
    prune()
    return recorded


def pause(failure: Failure, seconds: float = FIRST_PAUSE) -> None:
    """Leave the endpoint of a failed delivery task alone, so that the sweep does not ring it each second."""
    if (endpoint_id := _endpoint(failure.task, failure.args)) is not None:
        endpoints.defer(endpoint_id, seconds, reason=REASON)


def release(failure: TaskFailure) -> None:
    """End the pause of a failure's endpoint: somebody wants to see at once whether it still fails."""
    if (endpoint_id := _endpoint(failure.task, failure.args)) is not None:
        Mailbox.objects.filter(endpoint_id=endpoint_id, blocked_reason=REASON).update(
            blocked_until=None, blocked_reason="", next_due_at=Now()
        )


def _endpoint(task: str, args: Sequence[Any]) -> UUID | None:
    return ids.parse("", args[0]) if task == DELIVER and args and isinstance(args[0], str) else None


_RESOLVE = """
UPDATE webhooks_taskfailure SET resolution = %s, resolved_at = now()
WHERE resolution = 'open' AND {which} RETURNING id
"""


def resolve(failure_ids: Iterable[UUID]) -> int:
    """Somebody says that these are dealt with; return how many were open."""
    with transaction.atomic():
        resolved = _resolve("id = ANY(%s)", TaskFailure.Resolution.RESOLVED, [list(failure_ids)])
        if resolved:
            audit.record("task_failure.resolved", "task_failure", [key for (key,) in resolved])
    return len(resolved)


def asked_again(failure_ids: Sequence[UUID]) -> None:
    """Somebody had the tasks of these failures run once more."""
    if failure_ids:
        audit.record("task_failure.run_again", "task_failure", failure_ids)


# A drain that failed when its results were to be recorded leaves its rows claimed. Until their leases end the next one
# finds nothing of them, and its success proves nothing. What was claimed after the failure has a later end.
_NOTHING_HELD = """task = %s AND args = %s AND NOT EXISTS (
    SELECT FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.endpoint_id = %s AND d.state = 'sending'
    AND d.lease_until <= webhooks_taskfailure.last_seen + (%s + e.timeout) * interval '1 second'
)"""


def succeeded(task: str, args: Sequence[Any]) -> bool:
    """The task went through with these arguments; whether that resolved a failure."""
    which, values = "task = %s AND args = %s", list[Any](key(task, args))
    if (endpoint_id := _endpoint(task, args)) is not None:
        which, values = _NOTHING_HELD, [*values, endpoint_id, lease_seconds(timeout=0)]
    return bool(_resolve(which, TaskFailure.Resolution.SUCCEEDED, values))


def _resolve(which: str, resolution: TaskFailure.Resolution, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE.format(which=which), [resolution, *values])
        return list(cursor.fetchall())


def key(task: str, args: Sequence[Any]) -> Key:
    """What tells failures apart."""
    return task, json.dumps(list(args))


def open_keys() -> frozenset[Key]:
    """The open failures, at most OPEN_LIMIT."""
    return _keys(_open())


def resting() -> frozenset[Key]:
    """The open failures whose pause is not over: not to be rung now."""
    return _keys(_open().filter(paused_until__gt=Now()))


def count_open() -> int:
    """How many failures are open, counted up to OPEN_LIMIT."""
    return _open()[:OPEN_LIMIT].count()


def _open() -> QuerySet[TaskFailure]:
    return TaskFailure.objects.filter(resolution=TaskFailure.Resolution.OPEN).order_by()


def _keys(rows: QuerySet[TaskFailure]) -> frozenset[Key]:
    return frozenset(key(task, args) for task, args in rows.values_list("task", "args")[:OPEN_LIMIT])


def prune() -> int:
    """Delete what was resolved longer than RETENTION_DAYS ago."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM webhooks_taskfailure WHERE resolved_at < now() - %s * interval '1 day'", [conf.RETENTION_DAYS]
        )
        return int(cursor.rowcount)
