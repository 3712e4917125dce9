"""From a task that failed to a row of TaskFailure, by way of the failure queue; and back: running it again.

Wired by Celery's signals, so every task of Clarion's is watched and none has to do anything for it. Expected
ends are no failures: a retry, a doorbell that the broker did not take (the sweep rings), a database that is away
(the rows wait for it).

Invariant: a failure ends in the queue's worker, else in the table directly, else in the log; never in a second
failure. A failing doorbell is acknowledged like any other, so nobody delivers it for ever.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog
from celery import current_app, shared_task, signals
from celery.exceptions import Reject
from django.db import Error as AnyDatabaseError
from kombu.exceptions import OperationalError as BrokerError

from webhooks.core import tracebacks
from webhooks.errors import Unavailable
from webhooks.models import TaskFailure
from webhooks.services import task_failures
from webhooks.services.outage import is_outage
from webhooks.services.task_failures import Failure

log = structlog.get_logger(__name__)

QUEUE = "dead_letter"
_OURS = "webhooks."
_RERUN = "clarion_rerun"  # header of a message that somebody asked for
_LOOK = 5.0  # seconds between looks at the open failures; no failing task is rung again sooner
# What a task says when it has not come to the work that may fail: no proof that it would go through.
_NO_PROOF = frozenset({"blocked", "breaker", "busy", "lost", "nothing", "rate_limit", "undecryptable", "waiting"})


@shared_task(name="webhooks.task_failed")
def task_failed(failure: dict[str, Any]) -> str:
    """Write a failure down. Runs on the failure queue's own worker."""
    return "new" if task_failures.record(Failure(**failure)).count == 1 else "again"


@signals.task_failure.connect(dispatch_uid="webhooks.failure_queue")
def _on_failure(
    sender: Any = None, exception: Any = None, args: Sequence[Any] = (), kwargs: Any = None, **_: Any
) -> None:
    if not sender.name.startswith(_OURS):
        return
    # Celery hands over a stand-in for what cannot be pickled; the original is still being handled.
    error = sys.exception() or exception
    if isinstance(error, Reject):
        log.warning("doorbell_lost", task=sender.name, error=type(error).__name__, effect="the sweep will ring")
    elif not is_outage(error):
        _report(_failure(sender, error, args, kwargs))


def _failure(task: Any, error: BaseException, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Failure:
    kept, runnable = task_failures.storable(args or (), kwargs)
    told = tracebacks.describe(error)
    queue = (task.request.delivery_info or {}).get("routing_key") or ""
    return Failure(
        task.name, kept, runnable, queue, told.exception, told.sentence, told.places, task.request.hostname or ""
    )


def _report(failure: Failure) -> None:
    told = {"task": failure.task, "args": failure.args, "error": failure.exception, "sentence": failure.sentence}
    log.error("task_failed", **told)
    try:
        # At once, not when the queue's worker comes to it: until then the sweep would ring each second.
        task_failures.pause(failure)
        _open.add(task_failures.key(failure.task, failure.args))
        if failure.task == task_failed.name or not _published(failure):
            task_failures.record(failure)
    except AnyDatabaseError as error:
        log.exception("task_failure_unrecorded", **told, places=failure.traceback, because=type(error).__name__)


def _published(failure: Failure) -> bool:
    try:
        task_failed.apply_async((asdict(failure),), queue=QUEUE, retry=False, ignore_result=True)
    except (BrokerError, OSError) as error:
        log.warning("failure_queue_unreachable", task=failure.task, error=type(error).__name__, effect="written here")
        return False
    return True


@signals.task_success.connect(dispatch_uid="webhooks.failure_queue")
def _on_success(sender: Any = None, result: Any = None, **_: Any) -> None:
    """A failure is over when the same task goes through, whoever rang for it."""
    if not sender.name.startswith(_OURS):
        return
    request = sender.request
    try:
        key = task_failures.key(sender.name, request.args or ())
        is_proof = _open.holds(key, now=bool(request.get(_RERUN))) and str(result) not in _NO_PROOF
        if is_proof and task_failures.succeeded(sender.name, request.args or ()):
            _open.drop(key)
    except (AnyDatabaseError, TypeError):  # it stays open and is looked at again; arguments of others are no JSON
        log.warning("task_failure_unresolved", task=sender.name, exc_info=True)


class _OpenFailures:
    """The open failures as this process last saw them: asking the table after each task would cost too much."""

    def __init__(self) -> None:
        self._keys: frozenset[task_failures.Key] = frozenset()
        self._next_look = 0.0
        self._looking = threading.Lock()

    def holds(self, key: task_failures.Key, *, now: bool) -> bool:
        """Whether there is an open failure of this key. ``now``: look again whatever the time."""
        if (now or time.monotonic() >= self._next_look) and self._looking.acquire(blocking=now):
            try:
                self._next_look = time.monotonic() + _LOOK
                self._keys = task_failures.open_keys()
            finally:
                self._looking.release()
        return key in self._keys

    def add(self, key: task_failures.Key) -> None:
        """It failed here a moment ago; its row may not be written yet."""
        self._keys |= {key}

    def drop(self, key: task_failures.Key) -> None:
        """It is resolved."""
        self._keys -= {key}


_open = _OpenFailures()


def run_again(failure_ids: Iterable[UUID]) -> int:
    """Publish the tasks of open failures once more; return how many. Each is resolved when it goes through.

    Raises :class:`~webhooks.errors.Unavailable` when the broker does not take them.
    """
    rows = TaskFailure.objects.filter(id__in=list(failure_ids), resolution=TaskFailure.Resolution.OPEN, runnable=True)
    published: list[UUID] = []
    try:
        for row in rows:
            task_failures.release(row)
            current_app.send_task(
                row.task, row.args, queue=row.queue or QUEUE, retry=False, ignore_result=True, headers={_RERUN: "1"}
            )
            published.append(row.id)
    except (BrokerError, OSError) as error:
        raise Unavailable(f"The broker cannot be reached; {len(published)} were published.") from error
    finally:
        task_failures.asked_again(published)
    return len(published)
