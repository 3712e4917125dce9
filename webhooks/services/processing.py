"""What becomes of a message that a source sent: an event, and a run for each processor that wants it.

Invariant: ``processed_at``, the event and the runs are written by one transaction, which holds the message's row; until
then the sweep goes on ringing, so a lost doorbell or a dead worker costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from webhooks.core import ids, processors
from webhooks.errors import Conflict, FieldError, GiveUp, InvalidInput, NotFound
from webhooks.models import ProcessorRun, ReceivedMessage, Source
from webhooks.services import audit, forwarding, run_records
from webhooks.services.processor_runs import message_of, runs_of
from webhooks.services.run_records import Failure

log = structlog.get_logger(__name__)

Status = ReceivedMessage.Status
RunStatus = ProcessorRun.Status


@dataclass(frozen=True, slots=True)
class Processed:
    """``word`` for Flower, the runs to ring for, and whether there is an event to be routed."""

    word: str
    runs: list[UUID] = field(default_factory=list)
    published: bool = False


def process(received_id: UUID) -> Processed:
    """Do what the source of a message asks for, if nobody has yet."""
    dead: list[dict[str, object]] = []
    with transaction.atomic():
        row = _locked(received_id)
        if row is None or row.processed_at is not None or row.status != Status.RECEIVED:
            return Processed("known")
        ReceivedMessage.objects.filter(id=row.id).update(status=Status.PROCESSED, processed_at=Now())
        source = _source(row.source_id)
        if source.forward and (failure := _forward(row, source)):
            dead.append(_dead_forward(row, failure))
        made = _make_runs(row, _names(row, source))
    for news in dead:
        log.error("processor_dead", tenant_id=ids.show(ids.TENANT, row.tenant_id), **news)
    return Processed("failed" if dead else "processed", made, published=source.forward)


def replay(received_id: UUID, processor: str | None = None) -> list[UUID]:
    """Run a message's processors again, or one of them; return the runs to ring for.

    Also those that were not there when it came. What is running now, or has become an event already, is left out.
    Raises :class:`NotFound`, :class:`Conflict` and, for a processor that has nothing to do with the message,
    :class:`InvalidInput`.
    """
    with transaction.atomic():
        row = _locked(received_id)
        if row is None:
            raise NotFound("There is no such received message.")
        if row.status not in (Status.PROCESSED, Status.FAILED):
            why = (
                "is still to be processed" if row.status == Status.RECEIVED else f"was {row.status}: nobody acts on it"
            )
            raise Conflict(f"The message {why}.")
        source = _source(row.source_id)
        wanted = _wanted(row, source, processor)
        made = _make_runs(row, wanted)
        reset = _reset(row.id, wanted)
        if processor is not None and not made and not reset:
            raise Conflict(f"{processor} is running with this message at this moment.")
        still_dead = runs_of(row.id).filter(status=RunStatus.DEAD).exists()
        status = Status.FAILED if still_dead else Status.PROCESSED
        changes = {"status": status} if still_dead else {"status": status, "reason": ""}
        ReceivedMessage.objects.filter(id=row.id).update(**changes)
        audit.record(
            "received.replayed", "received", [row.id], tenant_id=row.tenant_id, label=row.event_type or row.key,
            detail={"processors": wanted},
        )  # fmt: skip
    return list(dict.fromkeys([*made, *reset]))


def replay_runs(run_ids: Iterable[UUID]) -> list[UUID]:
    """Run dead or finished runs again; return the runs to ring for. Those that are waiting or running are left out."""
    ringing: list[UUID] = []
    for run in ProcessorRun.objects.filter(id__in=list(run_ids)).exclude(status__in=ProcessorRun.UNFINISHED):
        try:
            ringing += replay(run.received_id, run.processor)
        except (Conflict, NotFound, InvalidInput) as error:
            log.warning("run_not_replayed", run_id=run.public_id, why=str(error))
    return ringing


def _locked(received_id: UUID) -> ReceivedMessage | None:
    return ReceivedMessage.objects.select_for_update(no_key=True).filter(id=received_id).first()


def _source(source_id: UUID) -> Source:
    return Source.objects.get(id=source_id)


def _forward(row: ReceivedMessage, source: Source) -> Failure | None:
    """Make the event; why that cannot be."""
    try:
        forwarding.publish(message_of(row, source, processors.FORWARD))
    except GiveUp as error:
        return Failure(str(error)[:500])
    return None


def _dead_forward(row: ReceivedMessage, failure: Failure) -> dict[str, object]:
    """A message that cannot be an event: a run that was given up, so that it is seen, announced and replayed."""
    run = ProcessorRun.objects.create(
        id=ids.processor_run_id(row.id, processors.FORWARD), tenant_id=row.tenant_id, source_id=row.source_id,
        received_id=row.id, processor=processors.FORWARD, status=RunStatus.DEAD, attempts=1, error=failure.error,
        started_at=Now(), finished_at=Now(),
    )  # fmt: skip
    return run_records.announce_dead(run, failure, attempts=1)


def _names(row: ReceivedMessage, source: Source) -> list[str]:
    """Processors that want a message, besides its becoming an event."""
    fitting = [one.name for one in processors.fitting(row.event_type, source.public_id, source.name)]
    return [*fitting, *([processors.FORWARD_TO] if source.forward_to else [])]


def _make_runs(row: ReceivedMessage, names: Iterable[str]) -> list[UUID]:
    """A run for each processor that has none yet."""
    wanted = {ids.processor_run_id(row.id, name): name for name in names}
    there = set(runs_of(row.id).filter(id__in=list(wanted)).values_list("id", flat=True)) if wanted else set()
    made = [key for key in wanted if key not in there]
    ProcessorRun.objects.bulk_create(
        ProcessorRun(
            id=key, tenant_id=row.tenant_id, source_id=row.source_id, received_id=row.id, processor=wanted[key],
            due_at=Now(),
        )
        for key in made
    )  # fmt: skip
    return made


def _wanted(row: ReceivedMessage, source: Source, processor: str | None) -> list[str]:
    """The processors to run again."""
    known = dict.fromkeys(_names(row, source))
    known |= dict.fromkeys(runs_of(row.id).order_by("created_at", "id").values_list("processor", flat=True))
    if source.forward:
        known[processors.FORWARD] = None
    is_event = row.event_id is not None
    if processor == processors.FORWARD and is_event:
        raise Conflict("The message has become an event already; replay that event.")
    if processor is None:
        return [name for name in known if name != processors.FORWARD or not is_event]
    if processor not in known:
        names = ", ".join(known) or "none"
        raise InvalidInput(FieldError("/processor", f"is none of this message's processors: {names}"))
    return [processor]


def _reset(received_id: UUID, names: Iterable[str]) -> list[UUID]:
    """Runs that are over begin anew, and those that wait for their next try come at once; return them."""
    keys = [ids.processor_run_id(received_id, name) for name in names]
    over = Q(status__in=(RunStatus.SUCCEEDED, RunStatus.DEAD))
    runs = runs_of(received_id).filter(id__in=keys)
    runs.filter(over).update(
        status=RunStatus.PENDING, due_at=Now(), attempts=0, replays=F("replays") + 1, lease_token=None
    )
    runs.filter(status=RunStatus.PENDING).update(due_at=Now())
    return list(runs.filter(status=RunStatus.PENDING).values_list("id", flat=True))
