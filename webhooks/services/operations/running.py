"""One step of an operation: claim it, do a bounded piece of the work, move on; and what comes when it ends.

Invariants: a step is claimed by a conditional UPDATE, which gives it a token and a lease. What it does commits together
with the move of the cursor, and only while the token is still its own: a worker that is killed leaves a lease that
runs out and no half-done step, and two workers never do the same one. ``tries`` counts claims since the last step
that succeeded and is written with the claim, so an operation that kills its worker every time comes to an end, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import DatabaseError, connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.errors import Conflict, InvalidInput, NotFound, TooLarge
from webhooks.models import Operation
from webhooks.services import actors, audit
from webhooks.services.bell import Bell
from webhooks.services.operations import callbacks, catalogue
from webhooks.services.operations.steps import Step

log = structlog.get_logger(__name__)

MAX_TRIES = 5  # claims of one step: a fault that stays is told after about a minute
_COUNT_TIME = "5s"  # for counting what there is to do; without a number the progress has no total
_HOPELESS = (Conflict, InvalidInput, NotFound, TooLarge)  # the next try would say the same
Status = Operation.Status


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step came to, in a word, and what to ring. ``again_in``: seconds until the next one; None: no next one."""

    word: str
    again_in: float | None = None
    bells: list[Bell] = field(default_factory=list)
    published: bool = False


# The row is locked while a step of it commits; whoever comes then leaves it to the one who is there.
_CLAIM = """
UPDATE webhooks_operation SET status = 'running', lease_token = %(token)s, tries = tries + 1,
    lease_until = clock_timestamp() + %(lease)s * interval '1 second',
    started_at = COALESCE(started_at, clock_timestamp())
WHERE id = (
    SELECT id FROM webhooks_operation
    WHERE id = %(id)s AND status IN ('pending', 'running') AND next_run_at <= statement_timestamp()
      AND (lease_until IS NULL OR lease_until < statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
)
"""
_MOVE = """
UPDATE webhooks_operation SET cursor = %(cursor)s, tally = %(tally)s, done = done + %(looked_at)s, tries = 0,
    files = files || %(files)s::jsonb, lease_token = NULL, lease_until = NULL,
    next_run_at = clock_timestamp() + %(pause)s * interval '1 second',
    total = CASE WHEN total < done + %(looked_at)s THEN done + %(looked_at)s ELSE total END
WHERE id = %(id)s AND lease_token = %(token)s
"""
_DUE = """
SELECT id FROM webhooks_operation
WHERE status IN ('pending', 'running') AND next_run_at <= statement_timestamp()
  AND (lease_until IS NULL OR lease_until < statement_timestamp())
ORDER BY next_run_at LIMIT %s
"""
_RELEASE = """
UPDATE webhooks_operation SET lease_token = NULL, lease_until = NULL,
    next_run_at = clock_timestamp() + least(60, 2 ^ tries) * interval '1 second'
WHERE id = %s AND lease_token = %s
"""


def due(limit: int = 100) -> list[UUID]:
    """Operations with a step to do that nobody holds."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [limit])
        return [operation_id for (operation_id,) in cursor.fetchall()]


def step(operation_id: UUID) -> Stepped:
    """Do the next step, if it is due and nobody else does it.

    A fault that nobody foresaw is raised after the lease was given back; the step is tried again later.
    """
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": operation_id, "token": token, "lease": conf.OPERATION_LEASE})
        if not cursor.rowcount:
            return Stepped("nothing")
    operation = Operation.objects.get(id=operation_id)
    actor = actors.Actor(operation.actor_kind, operation.actor_id, operation.actor_label)
    with actors.acting_as(actor):
        if operation.cancel_requested_at is not None:
            return _end(operation, token, Status.CANCELLED)
        if operation.tries > MAX_TRIES:
            return _end(operation, token, Status.FAILED, _GIVEN_UP)
        try:
            return _step(operation, token)
        except _HOPELESS as error:
            return _end(operation, token, Status.FAILED, str(error))
        except BaseException:
            _release(operation_id, token)
            raise


_GIVEN_UP = (
    f"A step failed {MAX_TRIES} times in a row and was given up. What had been done before stays done; the operator "
    "finds the cause among the task failures."
)


def _step(operation: Operation, token: UUID) -> Stepped:
    work = catalogue.work_of(operation.type)
    if operation.total is None and not operation.done:
        _count(operation, token)
    prepared = work.prepare(operation)
    with _held(operation.id, token) as locked:
        if locked is None:
            return Stepped("lost")
        if locked.cancel_requested_at is not None:
            return _ended(locked, Status.CANCELLED)
        done = work.perform(locked, prepared)
        _move(locked, done)
        if done.cursor is not None:
            return Stepped("more", done.pause, done.bells, done.published)
        locked.tally = done.tally
        if done.file:
            locked.files = [*locked.files, done.file]
        ended = _ended(locked, Status.DONE)
    return Stepped(ended.word, None, [*done.bells, *ended.bells], True)


@contextmanager
def _held(operation_id: UUID, token: UUID) -> Iterator[Operation | None]:
    """The row locked for a transaction, None when the lease went to somebody else meanwhile."""
    with transaction.atomic():
        mine = Operation.objects.select_for_update(no_key=True).filter(id=operation_id, lease_token=token)
        yield mine.first()


def _move(operation: Operation, done: Step) -> None:
    values = {
        "id": operation.id, "token": operation.lease_token, "cursor": _json(done.cursor or {}),
        "tally": _json(done.tally), "looked_at": done.looked_at, "pause": done.pause,
        "files": _json([done.file] if done.file else []),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)


def _count(operation: Operation, token: UUID) -> None:
    """Find out how much there is to do, if that takes no longer than _COUNT_TIME."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_COUNT_TIME])
            operation.total = catalogue.work_of(operation.type).count(operation)
    except DatabaseError as error:
        log.info("operation_uncounted", operation_id=operation.public_id, error=type(error).__name__)
        return
    Operation.objects.filter(id=operation.id, lease_token=token).update(total=operation.total)


def _end(operation: Operation, token: UUID, status: str, error: str = "") -> Stepped:
    with _held(operation.id, token) as locked:
        return Stepped("lost") if locked is None else _ended(locked, status, error)


_END = """
UPDATE webhooks_operation SET status = %s, error = %s, tally = %s, files = %s, input = NULL, lease_token = NULL,
    lease_until = NULL, next_run_at = NULL, finished_at = clock_timestamp(), total = COALESCE(total, done),
    files_expire_at = CASE WHEN %s::jsonb = '[]' THEN NULL ELSE clock_timestamp() + %s * interval '1 second' END
WHERE id = %s RETURNING finished_at, files_expire_at
"""


def _ended(operation: Operation, status: str, error: str = "") -> Stepped:
    """Write the end of a locked operation and order its callback, in the caller's transaction."""
    operation.status, operation.error = status, error[:500]
    wanted = status == Status.DONE and operation.type == Operation.Type.EXPORT
    files, keep = _json(operation.files), conf.OPERATION_FILES_TTL if wanted else 0
    with connection.cursor() as cursor:
        cursor.execute(_END, [status, operation.error, _json(operation.tally), files, files, keep, operation.id])
        operation.finished_at, operation.files_expire_at = cursor.fetchone()
    if status != Status.CANCELLED:  # who asked for that is recorded already
        audit.record(
            f"operation.{'finished' if status == Status.DONE else 'failed'}", "operation", [operation.id],
            tenant_id=operation.tenant_id, label=operation.type, detail={"result": audit.bounded(operation.tally)},
        )  # fmt: skip
    bells = callbacks.announce(operation)
    log.info("operation_ended", operation_id=operation.public_id, type=operation.type, status=str(status))
    return Stepped(str(status), None, bells, True)


def _release(operation_id: UUID, token: UUID) -> None:
    """Give the lease back after a fault; with the database away it runs out by itself."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, [operation_id, token])
    except DatabaseError as error:
        shown = ids.show(ids.OPERATION, operation_id)
        log.warning("operation_lease_kept", operation_id=shown, error=type(error).__name__)


def _json(value: Any) -> str:
    return json.dumps(value)
