"""Celery tasks: ids in, one word out. They ring each other by doorbells; the rows decide what is done."""

from __future__ import annotations

import functools
import threading
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.db.utils import OperationalError

from webhooks import doorbells
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
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out as route_outbox
from webhooks.services.operations import files, running
from webhooks.services.settle import settle as settle_endpoint
from webhooks.services.sweep import sweep as find_work
from webhooks.services.target import tenant_of

_RETRY_SLACK = 0.05  # seconds added to a broker-held retry: it must not arrive before its row is due
_FAN_OUT_ROUNDS = 20  # batches of one task, so that a flood does not keep one worker thread for itself

_operating = threading.BoundedSemaphore(2)  # steps of one process at once: routing and sweeps share its threads
_backlog = False  # the last batch of the outbox left some behind, so the next one has to be fair


class DeliverTask(Task):  # type: ignore[type-arg]
    """``deliver`` with the delay its outcome asks for in place of Celery's own backoff."""

    def retry(self, *args: Any, **options: Any) -> Any:
        exc = options.get("exc")
        if isinstance(exc, RetryLater):
            self.request.retries = 0  # the deliveries' retries are theirs: max_retries is for errors of the task
            options |= {"countdown": exc.delay + _RETRY_SLACK, "queue": doorbells.SLOW_QUEUE}
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
        done = drain(key, doorbells.ring, worker=self.request.hostname or "", beat=slot.beat)
    finally:
        if (next_in_line := _bulkhead().leave(slot)) is not None:
            doorbells.ring_next(next_in_line)
    doorbells.ring_dead(done.dead)
    doorbells.ring(done.bells)
    if done.retry_in is not None:
        raise RetryLater(done.retry_in)
    return done.word


@functools.cache
def _bulkhead() -> Bulkhead:
    return Bulkhead(conf.BUSY_DRAINS, conf.STUCK_AFTER)


@shared_task(name="webhooks.fan_out")
def fan_out(oldest: str | None = None) -> str:
    """Route the outbox and ring the endpoints that got something. ``oldest``: an event from which to begin."""
    flags.lower_flags([doorbells.fan_out_flag(oldest)])
    global _backlog
    since = UUID(oldest) if oldest else None
    routed = deliveries = 0
    for _ in range(_FAN_OUT_ROUNDS):
        batch = route_outbox(since, fair=_backlog)
        _backlog = batch.more
        routed += batch.events
        deliveries += batch.deliveries
        doorbells.ring(batch.bells)
        if not batch.more:
            return f"{routed} events, {deliveries} deliveries"
    doorbells.ring_fan_out(since)
    return f"{routed} events, {deliveries} deliveries, more"


@shared_task(name="webhooks.sweep")
def sweep() -> str:
    """Ring for everything that is due and that nobody rang for. Beat calls it every second."""
    found = find_work()
    resting = task_failures.resting()
    doorbells.ring(found.bells)
    doorbells.ring_operate(key for key in running.due() if task_failures.key(operate.name, [str(key)]) not in resting)
    doorbells.ring_settle(key for key in found.unsettled if task_failures.key(settle.name, [str(key)]) not in resting)
    if found.unrouted:
        doorbells.ring_fan_out(found.unrouted)
    doorbells.ring_waiting(
        key for key in handshake.due() if task_failures.key(validate.name, [str(key)]) not in resting
    )
    doorbells.ring_dead(key for key in found.dead if task_failures.key(dead_letter.name, [str(key)]) not in resting)
    doorbells.ring_process(
        key for key in found.unprocessed if task_failures.key(process.name, [str(key)]) not in resting
    )
    doorbells.ring_runs(key for key in found.runs if task_failures.key(run_processor.name, [str(key)]) not in resting)
    return f"{len(found.bells)} due, {found.expired} leases expired"


@shared_task(name="webhooks.dead_letter")
def dead_letter(delivery_id: str) -> str:
    """Write the dead letter of a delivery. Runs on the failure queue's own worker."""
    buried = dead_letters.bury(UUID(delivery_id))
    if buried is None:
        return "known"
    doorbells.ring_fan_out()
    return "buried"


@shared_task(name="webhooks.settle")
def settle(endpoint_id: str) -> str:
    """Make an endpoint's deliveries follow its state, step by step."""
    flags.lower_flags([f"settle:{endpoint_id}"])
    key = UUID(endpoint_id)
    if settle_endpoint(key):
        doorbells.ring_settle([key])
        return "more"
    doorbells.ring_deliver([key])
    return "settled"


@shared_task(name="webhooks.validate")
def validate(endpoint_id: str) -> str:
    """Ask an endpoint's receiver for its consent; deliveries begin when it has given it."""
    flags.lower_flags([f"validate:{endpoint_id}"])
    key = UUID(endpoint_id)
    word = handshake.ask(key)
    if word == "granted":
        doorbells.ring_settle([key])
    return word


@shared_task(name="webhooks.process")
def process(received_id: str) -> str:
    """Process one message that a source sent: make its event, and ring for the processors that want it."""
    flags.lower_flags([f"process:{received_id}"])
    done = processing.process(UUID(received_id))
    if done.published:
        doorbells.ring_fan_out()
    doorbells.ring_runs(done.runs)
    return done.word


@shared_task(name="webhooks.run_processor", bind=True)
def run_processor(self: Any, run_id: str) -> str:
    """One try of a processor with a message."""
    flags.lower_flags([f"run:{run_id}"])
    done = processor_runs.run(UUID(run_id), worker=self.request.hostname or "")
    if done.published:
        doorbells.ring_fan_out()
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
    doorbells.ring(done.bells)
    if done.published:
        doorbells.ring_fan_out()
    if done.again_in is not None:
        doorbells.ring_operate([key], done.again_in)
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
