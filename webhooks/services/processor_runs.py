"""Running a processor with a message: claim, call within its time limit, record, retry or give up.

Invariant: at least once. A run whose worker dies is taken again when its lease is over; of a processor with
``transaction`` the database changes commit together with the note that it succeeded, or not at all, and that note needs
the lease: so what it does in this database happens exactly once, however often it is called.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids, inbound, processors
from webhooks.core.processors import Message, Processor
from webhooks.core.redaction import Redaction
from webhooks.errors import GiveUp
from webhooks.models import ProcessorRun, ReceivedMessage, Source
from webhooks.services import forwarding, run_records, source_lookup, time_limit
from webhooks.services.outage import is_outage, persistently
from webhooks.services.run_records import Claimed, Failure

log = structlog.get_logger(__name__)

_UNKNOWN_LIMIT = 30.0  # seconds: the lease of a run whose processor this process does not know


class _LeaseLost(Exception):
    """Somebody else has this run by now; what was done in this transaction must not stay."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run, in one ``word``. ``published``: there may be an event to be routed."""

    word: str
    published: bool = False


def run(run_id: UUID, worker: str = "") -> Ran:
    """One try of a run, if it is due. ``worker``: the name written on it."""
    if time_limit.abandoned() >= conf.STUCK_PROCESSORS:
        log.error("processors_stuck", calls=time_limit.abandoned(), effect="this worker takes no runs; restart it")
        return Ran("stuck")
    name = ProcessorRun.objects.filter(id=run_id).values_list("processor", flat=True).first()
    processor = _processor(name or "")
    limit = processor.time_limit if processor else _UNKNOWN_LIMIT
    lease = limit + conf.LEASE_MARGIN  # time to interrupt the call, and to wait for a database that restarts
    claimed = run_records.claim(run_id, lease, worker)
    if claimed is None:
        return Ran("idle")
    return _run(claimed, processor, until=time.monotonic() + lease)


def _run(claimed: Claimed, processor: Processor | None, until: float) -> Ran:
    if processor is None:
        failure = Failure(f"This worker knows no processor {claimed.processor}; deploy it, or replay the message.")
        return _failed(claimed, Processor(claimed.processor, "*", _nothing), failure, 0.0)
    if claimed.attempt > processor.max_attempts:
        return _dead(claimed, Failure(run_records.LOST), 0.0)
    found = load(claimed.received_id, claimed.attempt, processor.name)
    if found is None:
        return _dead(claimed, Failure("The message has expired."), 0.0)
    message, redaction = found
    connection.close()  # back to the pool: the call has its own
    started = time.monotonic()
    try:
        value = time_limit.call(partial(_call, claimed, processor, message, redaction, started), processor.time_limit)
    except _LeaseLost:
        return Ran("late")
    except time_limit.TookTooLong:
        failure = Failure(f"It did not return within {processor.time_limit:g} seconds.")
        seconds = time.monotonic() - started
        return persistently(lambda: _failed(claimed, processor, failure, seconds), until)
    except GiveUp as error:
        failure, seconds = Failure(redaction.text(str(error))[:500]), time.monotonic() - started
        return persistently(lambda: _dead(claimed, failure, seconds), until)
    except BaseException as error:
        if isinstance(error, Exception) and is_outage(error):
            raise  # the database is away: its lease brings the run back
        failure, seconds = run_records.told(error, redaction), time.monotonic() - started
        return persistently(lambda: _failed(claimed, processor, failure, seconds), until)
    if processor.transaction:
        return Ran("succeeded", published=processor.name == processors.FORWARD)
    seconds = time.monotonic() - started
    noted = persistently(lambda: run_records.succeed(claimed, value, seconds, redaction), until)
    return Ran("succeeded" if noted else "late")


def _call(
    claimed: Claimed, processor: Processor, message: Message, redaction: Redaction, started: float, call: Any
) -> Any:
    """The processor's function; in a transaction with its success if it asks for that."""
    if not processor.transaction:
        with call.interruptible():
            return processor.function(message)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # What waits for a lock or computes in the database is ended there: it cannot be interrupted here.
            milliseconds = str(int(processor.time_limit * 1000))
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
        with call.interruptible():
            value = processor.function(message)
        if not run_records.succeed(claimed, value, time.monotonic() - started, redaction):
            raise _LeaseLost
        return value


def _failed(claimed: Claimed, processor: Processor, failure: Failure, seconds: float) -> Ran:
    delay = processor.delay(claimed.attempt)
    if delay is None:
        return _dead(claimed, failure, seconds)
    return Ran("failing" if run_records.again(claimed, failure, delay, seconds) else "late")


def _dead(claimed: Claimed, failure: Failure, seconds: float) -> Ran:
    dead = run_records.bury(claimed, failure, seconds)
    return Ran("dead" if dead else "late", published=dead)


def load(received_id: UUID, attempt: int, processor: str) -> tuple[Message, Redaction] | None:
    """A received message as processors get it, and what must not be stored of what they say; None: it has expired."""
    row = ReceivedMessage.objects.filter(id=received_id).first()
    source = Source.objects.filter(id=row.source_id).first() if row else None
    if row is None or source is None:
        return None
    return message_of(row, source, processor, attempt), _redaction(source)


def message_of(row: ReceivedMessage, source: Source, processor: str, attempt: int = 1) -> Message:
    """The message of a row, read as it was when it came."""
    options, raw = source.verification, bytes(row.body)
    said = inbound.read_stored(source.provider, options, row.headers, row.content_type, raw)
    headers: dict[str, str] = {}
    for name, value in row.headers:
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return Message(
        id=ids.show(ids.RECEIVED, row.id),
        run_id=ids.show(ids.PROCESSOR_RUN, ids.processor_run_id(row.id, processor)),
        tenant_id=ids.show(ids.TENANT, row.tenant_id),
        source_id=source.public_id,
        source=source.name,
        provider=source.provider,
        key=row.key,
        type=row.type,
        event_type=row.event_type,
        content_type=row.content_type,
        headers=headers,
        body=raw,
        data=said.data,
        created_at=said.at or row.received_at,
        received_at=row.received_at,
        attempt=attempt,
    )


def _redaction(source: Source) -> Redaction:
    """The secrets of a source. Attack on ourselves: a processor's error quotes a header or a setting with one."""
    return Redaction.of([secret for secret, _ in source_lookup.parse_secrets(source.secrets)])


def _processor(name: str) -> Processor | None:
    return _BUILT_IN.get(name) or processors.named(name)


def _publish(message: Message) -> dict[str, str]:
    return {"event": ids.show(ids.EVENT, forwarding.publish(message))}


def _nothing(message: Message) -> None:
    """The function of a processor that is not there."""


_BUILT_IN: dict[str, Processor] = {
    processors.FORWARD: Processor(processors.FORWARD, "*", _publish),
    processors.FORWARD_TO: Processor(
        processors.FORWARD_TO, "*", forwarding.send_on, max_attempts=10, backoff="standard", transaction=False
    ),
}


def runs_of(received_id: UUID) -> Any:
    """The runs of a message, by their keys: they lie in the millisecond of the message's own."""
    made = ids.created_at(received_id)
    lower, upper = ids.floor(made), ids.floor(made + timedelta(milliseconds=1))
    return ProcessorRun.objects.filter(id__gte=lower, id__lt=upper, received_id=received_id)
