"""One drain: ask the gate, claim what is due, send it, record it. The heart of delivery.

A drain holds a worker's slot for about DRAIN_BUDGET seconds: it claims as many rows as the endpoint's average
latency suggests, stops at the budget or at the first time-out, and gives the rest back. It holds no database
connection while it sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.db import connection

from webhooks.conf import conf
from webhooks.core.outcome import Verdict
from webhooks.errors import DecryptionFailed
from webhooks.guards import finished, gate
from webhooks.models import Trigger
from webhooks.net.result import ErrorClass
from webhooks.services import actors, data_schemas, endpoints
from webhooks.services.batching import parcels as cut
from webhooks.services.bell import Bell, is_slow
from webhooks.services.claim import Claimed, claim, lease_seconds
from webhooks.services.outage import persistently
from webhooks.services.record import Recorded, Tally, record, settle_mailbox, tally
from webhooks.services.sending import Sent, send
from webhooks.services.settle import settle
from webhooks.services.target import Target, load

log = structlog.get_logger(__name__)

_FIRST_CLAIM = 10  # rows for an endpoint whose latency is not known yet
_WORKER = replace(actors.SYSTEM, label="delivery worker")
_BUSY_PAUSE = 0.2  # seconds before a mailbox without a free slot is due again
_UNDECRYPTABLE_PAUSE = 60.0  # seconds; nothing changes before an operator mends WEBHOOKS_ENCRYPTION_KEYS
_TIMEOUTS = frozenset({ErrorClass.TIMEOUT, ErrorClass.CONNECT_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did, in a ``word`` for the log and Flower, and what the task has to do next.

    ``bells``: ring now, more is due. ``retry_in``: seconds until the earliest retry, if the broker may hold it.
    ``dead``: deliveries for the dead-letter queue.
    """

    word: str
    sent: int = 0
    bells: list[Bell] = field(default_factory=list)
    retry_in: float | None = None
    dead: list[UUID] = field(default_factory=list)


Ring = Callable[[Sequence[Bell]], None]


def _ring_nobody(bells: Sequence[Bell]) -> None:
    """For callers that drain by themselves."""


def _nobody_watches() -> None:
    """For callers without a bulkhead."""


def drain(
    endpoint_id: UUID, ring: Ring = _ring_nobody, worker: str = "", beat: Callable[[], None] = _nobody_watches
) -> Drained:
    """Deliver what is due at one endpoint, for about a second.

    ``ring`` is called before the sending when a claim was full: that is how an endpoint gets as many drains
    at once as the gate allows. ``worker``: the name written on the attempts. ``beat`` is called with each answer.
    """
    try:
        target = load(endpoint_id)
    except DecryptionFailed:
        log.exception("endpoint_undecryptable", endpoint_id=str(endpoint_id))
        endpoints.defer(endpoint_id, _UNDECRYPTABLE_PAUSE, reason="undecryptable")
        return Drained("undecryptable")
    if target is None:
        return Drained("gone")
    if not target.active:
        more = settle(endpoint_id)
        return Drained("settled", bells=[_bell(target)] if more else [])
    if target.blocked:
        settle_mailbox(endpoint_id)
        return Drained("blocked")
    if target.idle:
        return Drained("idle")
    wanted = _claim_size(target)
    grant = gate.admit(
        endpoint_id, str(uuid4()), want=wanted, hold=lease_seconds(target.timeout),
        max_slots=target.max_in_flight, rate=target.rate, period=target.period,
    )  # fmt: skip
    if grant.denial is not None:
        return _denied(target, grant)
    return _deliver(target, grant, ring, worker, beat)


def _deliver(target: Target, grant: gate.Grant, ring: Ring, worker: str, beat: Callable[[], None]) -> Drained:
    parcels: list[list[Sent]] = []
    counts = Tally()
    try:
        token, lease = uuid4(), lease_seconds(target.timeout)
        lease_ends = time.monotonic() + lease
        claimed, full = claim(target, token, limit=_rows(target, grant.count), lease=lease)
        if target.config.payload_format in data_schemas.FORMATS:
            target = replace(target, data_schemas=data_schemas.of(target, claimed))
        connection.close()  # back to the pool: nothing holds a connection during HTTP
        if claimed and time.monotonic() + target.timeout > lease_ends:
            # This process stood still since it claimed: the rows are others' now, or will be before an answer comes.
            record(target, token, [], [row.delivery_id for row in claimed], counts, worker=worker, drained=False)
            return Drained("lost", bells=[_bell(target)])
        if full and not grant.probe and not target.ordered:
            ring([_bell(target)])  # more is due: another drain may begin beside this one
        ready = cut(claimed, target.config.batch)
        started = time.monotonic()
        parcels = _send(target, ready[: grant.count], beat)
        counts = tally(parcels, time.monotonic() - started)
    finally:
        opened = gate.settle(
            target.endpoint_id, grant, answered=counts.answered, failed=counts.failed, tail=counts.tail,
            max_slots=target.max_in_flight,
        )  # fmt: skip
    if not claimed:
        settle_mailbox(target.endpoint_id)
        return Drained("idle")
    sent = [one for parcel in parcels for one in parcel]
    done = {one.claimed.delivery_id for one in sent}
    unsent = [row.delivery_id for row in claimed if row.delivery_id not in done]
    more = (full or len(parcels) < len(ready)) and not _head_failed(target, sent)
    blocked, why = _blocked(sent, opened)
    recorded = persistently(
        lambda: record(
            target, token, sent, unsent, counts, worker=worker, drained=not more, blocked=blocked, blocked_reason=why
        ),
        until=lease_ends,
    )
    finished.announce(_awaited(sent))
    _disable_if_hopeless(target, sent, counts)
    return _drained(target, sent, recorded, counts, more=more, blocked=blocked is not None)


def _send(target: Target, parcels: Sequence[Sequence[Claimed]], beat: Callable[[], None]) -> list[list[Sent]]:
    """Send one after the other until the budget is used, a request times out or the breaker would open."""
    sent: list[list[Sent]] = []
    failures = target.consecutive_failures
    stop_at = time.monotonic() + conf.DRAIN_BUDGET
    for parcel in parcels:
        if sent and time.monotonic() >= stop_at:
            break
        beat()
        sent.append(send(target, parcel))
        one = sent[-1][0]
        failures = failures + 1 if one.against_endpoint else 0
        if one.result.error in _TIMEOUTS or failures >= conf.BREAKER_FAILURES or one.verdict is Verdict.GONE:
            break
        if one.retry_after is not None and one.against_endpoint:
            break
        if _head_failed(target, sent[-1]):
            break
    return sent


def _awaited(sent: Sequence[Sent]) -> list[UUID]:
    """The finished ones that a request may be waiting for: see the ``wait`` of a test."""
    tests = (one for one in sent if one.claimed.trigger == Trigger.TEST)
    return [one.claimed.delivery_id for one in tests if one.verdict is not Verdict.RETRY]


def _head_failed(target: Target, sent: Sequence[Sent]) -> bool:
    """An ordered endpoint's delivery has to be tried again: all behind it wait."""
    return target.ordered and any(one.verdict is Verdict.RETRY for one in sent)


def _rows(target: Target, requests: int) -> int:
    """Deliveries to claim for so many requests."""
    return min(requests * max(1, target.config.batch), max(conf.MAX_CLAIM, target.config.batch))


def _claim_size(target: Target) -> int:
    """Rows that fit the budget at the endpoint's average latency."""
    if target.latency_ms <= 0:
        return _FIRST_CLAIM
    return max(1, min(conf.MAX_CLAIM, int(conf.DRAIN_BUDGET * 1000 / target.latency_ms)))


def _denied(target: Target, grant: gate.Grant) -> Drained:
    """The gate said no. The deferral is the mailbox's, not an attempt of any delivery."""
    pause = _BUSY_PAUSE if grant.denial is gate.Denial.BUSY else grant.retry_in
    endpoints.defer(target.endpoint_id, pause, reason="" if grant.denial is gate.Denial.BUSY else str(grant.denial))
    return Drained(str(grant.denial))


def _blocked(sent: Sequence[Sent], opened: float | None) -> tuple[float | None, str]:
    """Seconds for which the endpoint is to be left alone, and why."""
    asked = max((s.retry_after for s in sent if s.retry_after and s.against_endpoint), default=None)
    if opened is not None and opened > (asked or 0):
        return opened, str(gate.Denial.BREAKER)
    return (asked, "retry_after") if asked is not None else (None, "")


def _disable_if_hopeless(target: Target, sent: Sequence[Sent], counts: Tally) -> None:
    """410 Gone, or nothing but failures for DISABLE_AFTER seconds: stop, say why, keep the deliveries."""
    if any(s.verdict is Verdict.GONE for s in sent):
        with actors.acting_as(_WORKER):
            endpoints.disable(target.endpoint_id, reason="The endpoint answered 410 Gone.")
        settle(target.endpoint_id)
    elif (
        counts.answered == 0
        and target.failing_since is not None
        and target.consecutive_failures + counts.tail >= conf.BREAKER_FAILURES
        and datetime.now(UTC) - target.failing_since > timedelta(seconds=conf.DISABLE_AFTER)
    ):
        days = conf.DISABLE_AFTER / 86_400
        with actors.acting_as(_WORKER):
            endpoints.disable(target.endpoint_id, reason=f"Every delivery failed for {days:g} days.")
        settle(target.endpoint_id)


def _drained(
    target: Target, sent: Sequence[Sent], recorded: Recorded, counts: Tally, *, more: bool, blocked: bool
) -> Drained:
    retry_in = None
    delays = [s.delay for s in sent if s.delay is not None]
    if delays and recorded.pending and not blocked and min(delays) <= conf.BROKER_RETRY_HORIZON:
        retry_in = min(delays)
    slow = is_slow(counts.latency_ms or target.latency_ms, counts.tail)
    bells = [Bell(target.endpoint_id, target.tenant_id, slow)] if more and not blocked else []
    return Drained("failing" if counts.tail else "sent", len(sent), bells, retry_in, recorded.dead)


def _bell(target: Target) -> Bell:
    return Bell(target.endpoint_id, target.tenant_id, is_slow(target.latency_ms, target.consecutive_failures))
