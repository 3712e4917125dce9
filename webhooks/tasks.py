"""Celery tasks: ids in, one word out. They ring each other; the rows decide what is done.

Every message is a doorbell: it may be lost (the sweep rings again), doubled (the second finds nothing) or
late (the rows know what is due). So a message that cannot be published is only logged.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID
from zlib import crc32

import structlog
from celery import Task, shared_task
from django.db import transaction
from django.db.utils import OperationalError
from kombu.exceptions import KombuError

from webhooks.conf import conf
from webhooks.errors import RetryLater
from webhooks.guards import bells as flags
from webhooks.guards.bulkhead import Bulkhead
from webhooks.services import (
    audit_chain,
    counting,
    dead_letters,
    handshake,
    idempotency,
    oauth_tokens,
    partitions,
    processing,
    processor_runs,
    task_failures,
)
from webhooks.services.bell import Bell, bells_for
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out as route_outbox
from webhooks.services.operations import files, running
from webhooks.services.settle import settle as settle_endpoint
from webhooks.services.sweep import sweep as find_work
from webhooks.services.target import tenant_of

log = structlog.get_logger(__name__)

SLOW_QUEUE = "deliver.slow"
DEAD_LETTER_QUEUE = "dead_letter"
FAN_OUT_QUEUE = "fan_out"
PROCESS_QUEUE = "process"  # its workers run the host project's functions, and nothing else waits behind them
_RETRY_SLACK = 0.05  # seconds added to a broker-held retry: it must not arrive before its row is due
_BROKER_REST = 5.0  # seconds without a try after a failed publish: a broker that hangs must not hold every request
_FAN_OUT_ROUNDS = 20  # batches of one task, so that a flood does not keep one worker thread for itself


_operating = threading.BoundedSemaphore(2)  # steps of one process at once: routing and sweeps share its threads
_broker_rests_until = 0.0
_backlog = False  # the last batch of the outbox left some behind, so the next one has to be fair


class DeliverTask(Task):  # type: ignore[type-arg]
    """``deliver`` with the delay its outcome asks for in place of Celery's own backoff."""

    def retry(self, *args: Any, **options: Any) -> Any:
        exc = options.get("exc")
        if isinstance(exc, RetryLater):
            options |= {"countdown": exc.delay + _RETRY_SLACK, "max_retries": None, "queue": SLOW_QUEUE}
        return super().retry(*args, **options)


@shared_task(
    name="webhooks.deliver",
    base=DeliverTask,
    bind=True,
    autoretry_for=(RetryLater, OperationalError),
    retry_backoff=1,
    retry_backoff_max=60,
    retry_jitter=True,
    max_retries=5,
)
def deliver(self: Any, endpoint_id: str) -> str:
    """Deliver what is due at one endpoint. Raises RetryLater for a retry the broker may hold."""
    key = UUID(endpoint_id)
    tenant_id = tenant_of(key)
    slot = _bulkhead().enter(tenant_id, key) if tenant_id else None
    if slot is None:
        # Its bell stays rung: the tenant's next drain here rings on, and until then nobody needs to.
        return "waiting" if tenant_id else "gone"
    flags.lower_flags([endpoint_id])
    try:
        done = drain(key, ring, worker=self.request.hostname or "", beat=slot.beat)
    finally:
        if (next_in_line := _bulkhead().leave(slot)) is not None:
            for bell in bells_for([next_in_line]):
                _publish(deliver, [str(bell.endpoint_id)], _lane(bell))
    for delivery_id in done.dead:
        _publish(dead_letter, [str(delivery_id)], DEAD_LETTER_QUEUE)
    ring(done.bells)
    if done.retry_in is not None:
        raise RetryLater(done.retry_in)
    return done.word


@functools.cache
def _bulkhead() -> Bulkhead:
    return Bulkhead(conf.BUSY_DRAINS, conf.STUCK_AFTER)


@shared_task(name="webhooks.fan_out")
def fan_out(oldest: str | None = None) -> str:
    """Route the outbox and ring the endpoints that got something. ``oldest``: an event from which to begin."""
    flags.lower_flags([_fan_out_flag(oldest)])
    global _backlog
    since = UUID(oldest) if oldest else None
    routed = deliveries = 0
    for _ in range(_FAN_OUT_ROUNDS):
        batch = route_outbox(since, fair=_backlog)
        _backlog = batch.more
        routed += batch.events
        deliveries += batch.deliveries
        ring(batch.bells)
        if not batch.more:
            return f"{routed} events, {deliveries} deliveries"
    ring_fan_out(since)
    return f"{routed} events, {deliveries} deliveries, more"


@shared_task(name="webhooks.sweep")
def sweep() -> str:
    """Ring for everything that is due and that nobody rang for. Beat calls it every second."""
    found = find_work()
    resting = task_failures.resting()
    ring(found.bells)
    ring_operate(key for key in running.due() if task_failures.key(operate.name, [str(key)]) not in resting)
    ring_settle(key for key in found.unsettled if task_failures.key(settle.name, [str(key)]) not in resting)
    if found.unrouted:
        ring_fan_out(found.unrouted)
    _ring_validate(key for key in handshake.due() if task_failures.key(validate.name, [str(key)]) not in resting)
    for delivery_id in found.dead:
        if task_failures.key(dead_letter.name, [str(delivery_id)]) not in resting:
            _publish(dead_letter, [str(delivery_id)], DEAD_LETTER_QUEUE)
    ring_process(key for key in found.unprocessed if task_failures.key(process.name, [str(key)]) not in resting)
    ring_runs(key for key in found.runs if task_failures.key(run_processor.name, [str(key)]) not in resting)
    return f"{len(found.bells)} due, {found.expired} leases expired"


@shared_task(name="webhooks.dead_letter")
def dead_letter(delivery_id: str) -> str:
    """Write the dead letter of a delivery. Runs on the failure queue's own worker."""
    buried = dead_letters.bury(UUID(delivery_id))
    if buried is None:
        return "known"
    ring_fan_out()
    return "buried"


@shared_task(name="webhooks.settle")
def settle(endpoint_id: str) -> str:
    """Make an endpoint's deliveries follow its state, step by step."""
    flags.lower_flags([f"settle:{endpoint_id}"])
    key = UUID(endpoint_id)
    if settle_endpoint(key):
        ring_settle([key])
        return "more"
    ring_deliver([key])
    return "settled"


@shared_task(name="webhooks.validate")
def validate(endpoint_id: str) -> str:
    """Ask an endpoint's receiver for its consent; deliveries begin when it has given it."""
    flags.lower_flags([f"validate:{endpoint_id}"])
    key = UUID(endpoint_id)
    word = handshake.ask(key)
    if word == "granted":
        ring_settle([key])
    return word


@shared_task(name="webhooks.process")
def process(received_id: str) -> str:
    """Process one message that a source sent: make its event, and ring for the processors that want it."""
    flags.lower_flags([f"process:{received_id}"])
    done = processing.process(UUID(received_id))
    if done.published:
        ring_fan_out()
    ring_runs(done.runs)
    return done.word


@shared_task(name="webhooks.run_processor", bind=True)
def run_processor(self: Any, run_id: str) -> str:
    """One try of a processor with a message."""
    flags.lower_flags([f"run:{run_id}"])
    done = processor_runs.run(UUID(run_id), worker=self.request.hostname or "")
    if done.published:
        ring_fan_out()
    return done.word


@shared_task(name="webhooks.operate")
def operate(operation_id: str) -> str:
    """Do a step of an operation and ring for the next one."""
    flags.lower_flags([f"operate:{operation_id}"])
    key = UUID(operation_id)
    if not _operating.acquire(blocking=False):
        return "waiting"  # the sweep rings again in a second
    try:
        done = running.step(key)
    finally:
        _operating.release()
    ring(done.bells)
    if done.published:
        ring_fan_out()
    if done.again_in is not None:
        ring_operate([key], done.again_in)
    return done.word


@shared_task(name="webhooks.maintain")
def maintain() -> str:
    """Make partitions ahead, drop what has expired, and look after the audit log: seal, prune, tell the head."""
    made, dropped = partitions.make_ahead(), partitions.drop_expired()
    partitions.index_ended()
    keys, tokens = idempotency.prune(), oauth_tokens.prune()
    audit_chain.seal()
    pruned = audit_chain.prune()
    audit_chain.tell_head()
    hours = counting.prune()
    cleared = files.prune()
    return (
        f"{len(made)} partitions made, {len(dropped)} dropped, {keys} idempotency keys forgotten, "
        f"{tokens} access tokens expired, {pruned} audit entries removed, {hours} hours of statistics removed, "
        f"files of {cleared} operations deleted"
    )


@shared_task(name="webhooks.seal")
def seal() -> str:
    """Give new audit entries their place in the chain. Beat calls it every few seconds."""
    return f"{audit_chain.seal()} sealed"


@shared_task(name="webhooks.count")
def count() -> str:
    """Count the attempts of the last minute, for the statistics of webhooks. Beat calls it every minute."""
    return f"{counting.count()} endpoint-hours written"


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
    if fresh and not _publish_all(deliver, [(name, _lane(by_name[name])) for name in fresh]):
        flags.lower_flags(fresh)


def ring_deliver(endpoint_ids: Iterable[UUID]) -> None:
    """Ring endpoints known only by id."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_deliver, endpoint_ids):
        return
    ring(bells_for(endpoint_ids))


def ring_fan_out(oldest: UUID | None = None) -> None:
    """Say that the outbox has something. ``oldest``: an event of long ago, which nobody routed in time."""
    args = [str(oldest)] if oldest else []
    flag = _fan_out_flag(*args)
    if flags.raise_flags([flag]) and not _publish(fan_out, args, FAN_OUT_QUEUE):
        flags.lower_flags([flag])


def _fan_out_flag(oldest: str | None = None) -> str:
    return f"{FAN_OUT_QUEUE}:old" if oldest else FAN_OUT_QUEUE


def ring_settle(endpoint_ids: Iterable[UUID]) -> None:
    """Say that deliveries have to follow a change of their endpoint's state."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_settle, endpoint_ids):
        return
    for name in flags.raise_flags([f"settle:{endpoint_id}" for endpoint_id in endpoint_ids]):
        if not _publish(settle, [name.removeprefix("settle:")], "default"):
            flags.lower_flags([name])


def ring_process(received_ids: Iterable[UUID]) -> None:
    """Say that messages have come in. Call it after their commit (:func:`on_commit`)."""
    received_ids = list(received_ids)
    if _is_held(ring_process, received_ids):
        return
    rung = flags.raise_flags([f"process:{received_id}" for received_id in received_ids])
    for n, name in enumerate(rung):
        if not _publish(process, [name.removeprefix("process:")], "default"):
            flags.lower_flags(rung[n:])
            return


def ring_runs(run_ids: Iterable[UUID]) -> None:
    """Say that processors have something to do. Call it after the commit (:func:`on_commit`)."""
    run_ids = list(run_ids)
    if _is_held(ring_runs, run_ids):
        return
    rung = flags.raise_flags([f"run:{run_id}" for run_id in run_ids])
    for n, name in enumerate(rung):
        if not _publish(run_processor, [name.removeprefix("run:")], PROCESS_QUEUE):
            flags.lower_flags(rung[n:])
            return


def ring_validate(endpoint_ids: Iterable[UUID]) -> None:
    """Have the receivers asked that have to be: a webhook was made or changed."""
    endpoint_ids = list(endpoint_ids)
    if _is_held(ring_validate, endpoint_ids):
        return
    _ring_validate(handshake.due(endpoint_ids))


def _ring_validate(endpoint_ids: Iterable[UUID]) -> None:
    for name in flags.raise_flags([f"validate:{endpoint_id}" for endpoint_id in endpoint_ids]):
        if not _publish(validate, [name.removeprefix("validate:")], "default"):
            flags.lower_flags([name])


def ring_operate(operation_ids: Iterable[UUID], delay: float = 0.0) -> None:
    """Say that operations have a step to do, in ``delay`` seconds; a bell that is doubled finds nothing to do."""
    operation_ids = list(operation_ids)
    if _is_held(ring_operate, operation_ids, delay):
        return
    if delay > 0:
        for operation_id in operation_ids:
            _publish(operate, [str(operation_id)], "default", delay)
        return
    for name in flags.raise_flags([f"operate:{operation_id}" for operation_id in operation_ids]):
        if not _publish(operate, [name.removeprefix("operate:")], "default"):
            flags.lower_flags([name])


def on_commit(call: Callable[..., None], *args: Any) -> None:
    """Ring after the current transaction, or at once without one; never break the caller's commit."""
    transaction.on_commit(functools.partial(call, *args), robust=True)


def _lane(bell: Bell) -> str:
    """The slow lane, or one of the shards by tenant: consumers take turns among queues."""
    if bell.slow:
        return SLOW_QUEUE
    return f"deliver.{crc32(bell.tenant_id.bytes) % conf.DELIVER_SHARDS}"


def _publish(task: Any, args: list[str], queue: str, countdown: float | None = None) -> bool:
    options = {"queue": queue, "countdown": countdown, "retry": False, "ignore_result": True}
    return _to_broker(task, lambda: task.apply_async(args, **options))


def _publish_all(task: Any, bells: Sequence[tuple[str, str]]) -> bool:
    """One message for each ``(argument, queue)``, together in one go where the broker can (Redis)."""
    if len(bells) == 1:
        return _publish(task, [bells[0][0]], bells[0][1])

    def publish() -> None:
        with task.app.producer_or_acquire() as producer, producer.batch():
            for name, queue in bells:
                task.apply_async([name], queue=queue, retry=False, ignore_result=True, producer=producer)

    return _to_broker(task, publish)


def _to_broker(task: Any, publish: Callable[[], object]) -> bool:
    """Whether the broker took it. One that did not is left alone for a while."""
    global _broker_rests_until
    if time.monotonic() < _broker_rests_until:
        return False
    try:
        publish()
    except (KombuError, OSError) as error:
        _broker_rests_until = time.monotonic() + _BROKER_REST
        log.warning("doorbell_lost", task=task.name, error=type(error).__name__, effect="the sweep will ring")
        return False
    return True
