"""Writing down what came of a run: every write asks for the lease's token.

Invariant: of a run that was claimed twice, because its lease ran out, only the later claim writes anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models.functions import Now

from webhooks.core import ids, tracebacks
from webhooks.core.headers import clean_stored
from webhooks.core.redaction import NO_REDACTION, Redaction
from webhooks.models import Event, ProcessorRun, ReceivedMessage
from webhooks.models.processing import ERROR_LENGTH
from webhooks.services.ingest import Draft, publish

log = structlog.get_logger(__name__)

EVENT_TYPE = "processor.dead"
MAX_RESULT = 16_384  # characters of JSON that are kept of what a processor returns
LOST = "The worker stopped in the middle of it."

Status = ProcessorRun.Status


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that is this worker's until its lease ends. ``attempt`` counts this try."""

    id: UUID
    token: UUID
    attempt: int
    received_id: UUID
    tenant_id: UUID
    source_id: UUID
    processor: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try failed, fit to be stored."""

    error: str
    traceback: str = ""

    def __post_init__(self) -> None:
        """Attack: a sender puts U+0000 where an error quotes it; PostgreSQL refuses that, and nothing is noted."""
        object.__setattr__(self, "error", clean_stored(self.error, ERROR_LENGTH))


_CLAIM = """
UPDATE webhooks_processorrun
SET status = 'running', attempts = attempts + 1, lease_token = %(token)s, worker = %(worker)s,
    due_at = clock_timestamp() + %(lease)s * interval '1 second', started_at = clock_timestamp(), finished_at = NULL,
    error = CASE WHEN status = 'running' THEN %(lost)s ELSE error END
WHERE id = %(id)s AND status IN ('pending', 'running') AND due_at <= clock_timestamp()
RETURNING id, lease_token, attempts, received_id, tenant_id, source_id, processor
"""


def claim(run_id: UUID, lease: float, worker: str) -> Claimed | None:
    """Take a run that is due, or whose worker has not reported before its lease ended; None: it is not to be had."""
    parameters: dict[str, Any] = {"id": run_id, "token": uuid4(), "lease": lease, "worker": worker[:100], "lost": LOST}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        row = cursor.fetchone()
    return Claimed(*row) if row else None


def succeed(claimed: Claimed, value: Any, seconds: float, redaction: Redaction = NO_REDACTION) -> bool:
    """Note the result; whether the lease was still this claim's."""
    return _settle(claimed, Status.SUCCEEDED, seconds, result=_result(value, redaction), error="", traceback="")


def again(claimed: Claimed, failure: Failure, delay: float, seconds: float) -> bool:
    """Note a failure after which there is another try in ``delay`` seconds."""
    due = Now() + timedelta(seconds=delay)
    return _settle(claimed, Status.PENDING, seconds, due_at=due, error=failure.error, traceback=failure.traceback)


def bury(claimed: Claimed, failure: Failure, seconds: float) -> bool:
    """Give a run up: mark it and its message, log the alert, publish ``processor.dead``.

    The operational event reaches endpoints that subscribe to it by name. One about such an event that came back in is
    not made.
    """
    with transaction.atomic():
        dead = {"error": failure.error, "traceback": failure.traceback}
        if not _settle(claimed, Status.DEAD, seconds, **dead):
            return False
        news = announce_dead(claimed, failure, claimed.attempt)
    log.error("processor_dead", tenant_id=ids.show(ids.TENANT, claimed.tenant_id), **news)
    return True


def announce_dead(run: Claimed | ProcessorRun, failure: Failure, attempts: int) -> dict[str, Any]:
    """Mark the message of a dead run as failed and publish the news, in the caller's transaction."""
    failed = ReceivedMessage.objects.filter(id=run.received_id)
    event_type = failed.values_list("event_type", flat=True).first() or ""
    failed.update(status=ReceivedMessage.Status.FAILED, reason=f"{run.processor}: {failure.error}"[:500])
    news = {
        "run_id": ids.show(ids.PROCESSOR_RUN, run.id),
        "received_id": ids.show(ids.RECEIVED, run.received_id),
        "source_id": ids.show(ids.SOURCE, run.source_id),
        "event_type": event_type,
        "processor": run.processor,
        "reason": failure.error,
        "attempts": attempts,
    }
    if event_type != EVENT_TYPE:
        draft = Draft(type=EVENT_TYPE, data=json.dumps(news).encode(), origin=Event.Origin.OPERATIONAL)
        publish(run.tenant_id, [draft])
    return news


def told(error: BaseException, redaction: Redaction = NO_REDACTION) -> Failure:
    """An exception of a processor as it may be stored: masked, and without the secrets of the source."""
    found = tracebacks.describe(error)
    sentence = f"{found.exception}: {found.sentence}" if found.sentence else found.exception
    return Failure(redaction.text(sentence)[:ERROR_LENGTH], redaction.text(found.places))


def _settle(claimed: Claimed, status: str, seconds: float, **fields: Any) -> bool:
    mine = ProcessorRun.objects.filter(id=claimed.id, status=Status.RUNNING, lease_token=claimed.token)
    values = {"due_at": None, "finished_at": Now(), "duration_ms": round(seconds * 1000, 2), **fields}
    return bool(mine.update(status=status, lease_token=None, **values))


def _result(value: Any, redaction: Redaction) -> Any:
    """What a processor returned, as JSON; what JSON cannot hold is named by its type, what is long is cut."""
    if value is None:
        return None
    try:
        text = json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
        text.encode()  # a lone surrogate is nothing that PostgreSQL would take
    except (TypeError, ValueError, RecursionError):
        return {"type": type(value).__name__, "note": "It is no JSON, so it was not kept."}
    text = redaction.text(text).replace("\\u0000", "\\ufffd")
    if len(text) > MAX_RESULT:
        return {"cut": text[:MAX_RESULT], "characters": len(text)}
    return json.loads(text)
