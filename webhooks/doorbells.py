"""Doorbells: messages that say where there is something to do. Ids in their arguments, and nothing else.

Every message is a hint: it may be lost (the sweep rings again), doubled (the second finds nothing) or late (the rows
know what is due). So one that cannot be published is only logged. Tasks are called by name: who rings loads nothing of
what they do.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID
from zlib import crc32

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

from webhooks.conf import conf
from webhooks.guards import bells as flags
from webhooks.services import handshake
from webhooks.services.bell import Bell, bells_for

log = structlog.get_logger(__name__)

# Names of tasks, which never change: messages outlive the code that published them.
DELIVER = "webhooks.deliver"
FAN_OUT = "webhooks.fan_out"
DEAD_LETTER = "webhooks.dead_letter"
SETTLE = "webhooks.settle"
VALIDATE = "webhooks.validate"
PROCESS = "webhooks.process"
RUN_PROCESSOR = "webhooks.run_processor"
OPERATE = "webhooks.operate"

SLOW_QUEUE = "deliver.slow"
DEAD_LETTER_QUEUE = "dead_letter"
FAN_OUT_QUEUE = "fan_out"
DEFAULT_QUEUE = "default"
PROCESS_QUEUE = "process"  # its workers run the host project's functions, and nothing else waits behind them
_BROKER_REST = 5.0  # seconds without a try after a failed publish: a broker that hangs must not hold every request

_broker_rests_until = 0.0

_held: ContextVar[list[Callable[[], None]] | None] = ContextVar("held_bells", default=None)


@contextmanager
def bells_held() -> Iterator[None]:
    """Doorbells of the block ring at its end: put a transaction inside, and nobody comes before its commit."""
    token = _held.set([])
    try:
        yield
        bells = _held.get() or []
    finally:
        _held.reset(token)
    for bell in bells:
        bell()


def _is_held(call: Callable[..., None], *args: Any) -> bool:
    held = _held.get()
    if held is not None:
        held.append(functools.partial(call, *args))
    return held is not None


def ring(bells: Sequence[Bell]) -> None:
    """Publish a doorbell for each endpoint that has none on its way."""
    if _is_held(ring, bells):
        return
    by_name = {str(bell.endpoint_id): bell for bell in bells}
    fresh = flags.raise_flags(list(by_name))
    if fresh and not _publish_all(DELIVER, [(name, _lane(by_name[name])) for name in fresh]):
        flags.lower_flags(fresh)


def ring_next(endpoint_id: UUID) -> None:
    """Publish for an endpoint whose bell is rung already: it was turned away and has waited for its turn."""
    for bell in bells_for([endpoint_id]):
        _publish(DELIVER, [str(bell.endpoint_id)], _lane(bell))


def ring_deliver(endpoint_ids: Iterable[UUID]) -> None:
    """Ring endpoints known only by id."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_deliver, endpoint_ids):
        return
    ring(bells_for(endpoint_ids))


def ring_fan_out(oldest: UUID | None = None) -> None:
    """Say that the outbox has something. ``oldest``: an event of long ago, which nobody routed in time."""
    args = [str(oldest)] if oldest else []
    flag = fan_out_flag(*args)
    if flags.raise_flags([flag]) and not _publish(FAN_OUT, args, FAN_OUT_QUEUE):
        flags.lower_flags([flag])


def ring_dead(delivery_ids: Iterable[UUID]) -> None:
    """Say that deliveries were given up and have no dead letter yet."""
    for delivery_id in delivery_ids:
        _publish(DEAD_LETTER, [str(delivery_id)], DEAD_LETTER_QUEUE)


def fan_out_flag(oldest: str | None = None) -> str:
    """The flag of :func:`ring_fan_out`, for the task to lower."""
    return f"{FAN_OUT_QUEUE}:old" if oldest else FAN_OUT_QUEUE


def ring_settle(endpoint_ids: Iterable[UUID]) -> None:
    """Say that deliveries have to follow a change of their endpoint's state."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_settle, endpoint_ids):
        return
    for name in flags.raise_flags([f"settle:{endpoint_id}" for endpoint_id in endpoint_ids]):
        if not _publish(SETTLE, [name.removeprefix("settle:")], DEFAULT_QUEUE):
            flags.lower_flags([name])


def ring_process(received_ids: Iterable[UUID]) -> None:
    """Say that messages have come in. Call it after their commit (:func:`on_commit`)."""
    received_ids = list(received_ids)
    if _is_held(ring_process, received_ids):
        return
    rung = flags.raise_flags([f"process:{received_id}" for received_id in received_ids])
    for n, name in enumerate(rung):
        if not _publish(PROCESS, [name.removeprefix("process:")], DEFAULT_QUEUE):
            flags.lower_flags(rung[n:])
            return


def ring_runs(run_ids: Iterable[UUID]) -> None:
    """Say that processors have something to do. Call it after the commit (:func:`on_commit`)."""
    run_ids = list(run_ids)
    if _is_held(ring_runs, run_ids):
        return
    rung = flags.raise_flags([f"run:{run_id}" for run_id in run_ids])
    for n, name in enumerate(rung):
        if not _publish(RUN_PROCESSOR, [name.removeprefix("run:")], PROCESS_QUEUE):
            flags.lower_flags(rung[n:])
            return


def ring_validate(endpoint_ids: Iterable[UUID]) -> None:
    """Have the receivers asked that have to be: a webhook was made or changed."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_validate, endpoint_ids):
        return
    ring_waiting(handshake.due(endpoint_ids))


def ring_waiting(endpoint_ids: Iterable[UUID]) -> None:
    """Have these receivers asked now: they are due."""
    for name in flags.raise_flags([f"validate:{endpoint_id}" for endpoint_id in endpoint_ids]):
        if not _publish(VALIDATE, [name.removeprefix("validate:")], DEFAULT_QUEUE):
            flags.lower_flags([name])


def ring_operate(operation_ids: Iterable[UUID], delay: float = 0.0) -> None:
    """Say that operations have a step to do, in ``delay`` seconds; a bell that is doubled finds nothing to do."""
    operation_ids = list(operation_ids)
    if _is_held(ring_operate, operation_ids, delay):
        return
    if delay > 0:
        for operation_id in operation_ids:
            _publish(OPERATE, [str(operation_id)], DEFAULT_QUEUE, delay)
        return
    for name in flags.raise_flags([f"operate:{operation_id}" for operation_id in operation_ids]):
        if not _publish(OPERATE, [name.removeprefix("operate:")], DEFAULT_QUEUE):
            flags.lower_flags([name])


def on_commit(call: Callable[..., None], *args: Any) -> None:
    """Ring after the current transaction, or at once without one; never break the caller's commit."""
    transaction.on_commit(functools.partial(call, *args), robust=True)


def _lane(bell: Bell) -> str:
    """The slow lane, or one of the shards by tenant: consumers take turns among queues."""
    if bell.slow:
        return SLOW_QUEUE
    return f"deliver.{crc32(bell.tenant_id.bytes) % conf.DELIVER_SHARDS}"


def _publish(task: str, args: list[str], queue: str, countdown: float | None = None) -> bool:
    def publish() -> object:
        return current_app.send_task(task, args, queue=queue, countdown=countdown, retry=False, ignore_result=True)

    return _to_broker(task, publish)


def _publish_all(task: str, bells: Sequence[tuple[str, str]]) -> bool:
    """One message for each ``(argument, queue)``, together in one go where the broker can (Redis)."""
    if len(bells) == 1:
        return _publish(task, [bells[0][0]], bells[0][1])

    def publish() -> None:
        with current_app.producer_or_acquire() as producer, producer.batch():
            for name, queue in bells:
                current_app.send_task(task, [name], queue=queue, retry=False, ignore_result=True, producer=producer)

    return _to_broker(task, publish)


def _to_broker(task: str, publish: Callable[[], object]) -> bool:
    """Whether the broker took it. One that did not is left alone for a while."""
    global _broker_rests_until
    if time.monotonic() < _broker_rests_until:
        return False
    try:
        publish()
    except (KombuError, OSError) as error:
        _broker_rests_until = time.monotonic() + _BROKER_REST
        log.warning("doorbell_lost", task=task, error=type(error).__name__, effect="the sweep will ring")
        return False
    return True
