"""Was every expected delivery made, verified, byte-identical, once? Pure functions over what was observed.

Two witnesses are compared: the receiver's journal, and Clarion's own record as its API shows it. Neither is
believed alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from webhooks.management.demo.journal import Record
from webhooks.management.demo.payloads import Payload
from webhooks.management.demo.scenario import ENDS, Fate, Part

_FAST_TRIES = 6  # CONTRACT: ``fast`` is 1, 2, 4, 8, 16 s, so the first try and five more
_UNSURE = {"lost", "late"}  # the worker was killed or held up: its request may be repeated


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try as Clarion recorded it. ``status`` None: no answer was seen."""

    outcome: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as Clarion shows it; ``event_id`` is the ``webhook-id``."""

    id: str
    event_id: str
    state: str
    attempts: tuple[Attempt, ...] = ()

    @property
    def unsure(self) -> int:
        """Tries whose request may have arrived without Clarion having seen an answer to it in time."""
        return sum(each.outcome in _UNSURE or each.status is None for each in self.attempts)


@dataclass(frozen=True, slots=True)
class Observation:
    """All there is to know of one endpoint: its status, its deliveries, what arrived, its dead letters."""

    status: str = "active"
    deliveries: Sequence[Delivery] = ()
    records: Sequence[Record] = ()
    dead_letters: frozenset[str] = frozenset()  # ids of deliveries


@dataclass(slots=True)
class Verdict:
    """A row of the table. ``missing`` may still come, ``faults`` cannot be mended by waiting."""

    part: Part
    sent: int = 0
    verified: int = 0
    attempts: int = 0
    retries: int = 0
    dead: int = 0
    held: int = 0
    repeated: int = 0  # second requests that a killed worker explains
    p50: float | None = None  # milliseconds from publishing to the first request
    p95: float | None = None
    missing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Everything there and nothing wrong."""
        return not self.missing and not self.faults


def judge(part: Part, expected: Mapping[str, Payload], seen: Observation, published_at: Mapping[str, float]) -> Verdict:
    """Compare one endpoint with what had to happen. ``published_at``: unix time, by event id."""
    verdict = Verdict(part)
    arrivals: dict[str, list[Record]] = defaultdict(list)
    for record in seen.records:
        arrivals[record.webhook_id].append(record)
    deliveries = {each.event_id: each for each in seen.deliveries}
    _count(verdict, seen, arrivals, published_at)
    if extra := len(seen.deliveries) - len(deliveries):
        verdict.faults.append(f"{extra} deliveries too many for the same events")
    for stray in (deliveries.keys() | arrivals.keys()) - expected.keys():
        verdict.faults.append(f"{stray or 'a request without id'}: this endpoint does not subscribe to it")
    for event_id, payload in expected.items():
        for record in arrivals[event_id]:
            verdict.faults += _wrong_in(record, payload)
        if delivery := deliveries.get(event_id):
            _judge_end(verdict, delivery, seen)
            _judge_once(verdict, delivery, arrivals[event_id])
        else:
            what = "no delivery was made" if event_id in published_at else "not published in time"
            verdict.missing.append(f"{event_id}: {what}")
    if part.fate is Fate.GONE and expected:
        _judge_gone(verdict, seen)
    return verdict


def _count(
    verdict: Verdict,
    seen: Observation,
    arrivals: Mapping[str, Sequence[Record]],
    published_at: Mapping[str, float],
) -> None:
    verdict.sent = len(seen.deliveries)
    verdict.verified = sum(any(record.verified for record in records) for records in arrivals.values())
    verdict.attempts = sum(len(each.attempts) for each in seen.deliveries)
    verdict.retries = sum(max(0, len(each.attempts) - 1) for each in seen.deliveries)
    verdict.dead = sum(each.state == "dead" for each in seen.deliveries)
    verdict.held = sum(each.state == "held" for each in seen.deliveries)
    waits = sorted(
        1000 * (min(record.arrived_at for record in records) - published_at[event_id])
        for event_id, records in arrivals.items()
        if event_id in published_at
    )
    if len(waits) > 1:
        steps = quantiles(waits, n=20, method="inclusive")
        verdict.p50, verdict.p95 = steps[9], steps[18]
    elif waits:
        verdict.p50 = verdict.p95 = waits[0]


def _wrong_in(record: Record, payload: Payload) -> list[str]:
    """What is wrong with one request, whatever becomes of its delivery."""
    wrong = []
    if not record.verified:
        wrong.append(f"{record.webhook_id}: not verified: {record.fault}")
    if record.data_sha256 != payload.sha256:
        wrong.append(f"{record.webhook_id}: data is not byte-identical (SHA-256 {record.data_sha256[:16]}…)")
    if record.event_type != payload.type:
        wrong.append(f"{record.webhook_id}: arrived as {record.event_type or 'no type'}, not {payload.type}")
    return wrong


def _judge_end(verdict: Verdict, delivery: Delivery, seen: Observation) -> None:
    """Is the delivery in the state where this endpoint's deliveries have to end?"""
    name = f"{delivery.event_id} ({delivery.id})"
    wanted = ENDS[verdict.part.fate]
    if delivery.state in {"pending", "sending"}:
        verdict.missing.append(f"{name}: {delivery.state} after {len(delivery.attempts)} tries")
        return
    if delivery.state not in wanted:
        verdict.faults.append(f"{name}: ended {delivery.state}, not {' or '.join(wanted)}")
        return
    if delivery.state == "dead" and delivery.id not in seen.dead_letters:
        verdict.missing.append(f"{name}: dead, and its dead letter is not written yet")
    tries = sum(attempt.outcome != "late" for attempt in delivery.attempts)
    if verdict.part.fate is Fate.DEAD and tries != _FAST_TRIES:
        verdict.faults.append(f"{name}: given up after {tries} tries, not {_FAST_TRIES}")


def _judge_once(verdict: Verdict, delivery: Delivery, records: Sequence[Record]) -> None:
    """Did exactly the recorded tries arrive, and after a success nothing more?

    A worker that was killed cannot say whether its request arrived: as many requests as there are lost tries
    may have come without a record, and may repeat a success.
    """
    name = f"{delivery.event_id} ({delivery.id})"
    arrived = Counter(record.status for record in records)
    known = Counter(attempt.status for attempt in delivery.attempts if attempt.status is not None)
    successes = sum(count for status, count in arrived.items() if 200 <= status < 300)
    if delivery.state == "succeeded" and not successes:
        verdict.missing.append(f"{name}: recorded as succeeded and did not arrive")
    for status, count in (known - arrived).items():
        verdict.faults.append(f"{name}: {count} answers {status} are recorded that the receiver did not give")
    if delivery.state in {"pending", "sending"}:
        return  # a request of this moment is recorded in the next
    unrecorded = (arrived - known).total()
    verdict.repeated += max(0, successes - 1, unrecorded)
    if unrecorded > delivery.unsure:
        verdict.faults.append(f"{name}: {unrecorded} requests arrived that no recorded try explains")
    if successes > 1 + delivery.unsure:
        verdict.faults.append(f"{name}: arrived {successes} times, though the first was answered 2xx")


def _judge_gone(verdict: Verdict, seen: Observation) -> None:
    if seen.status != "disabled":
        verdict.missing.append(f"the endpoint is {seen.status}, and 410 has to disable it")
    if not any(each.state == "dead" for each in seen.deliveries):
        verdict.missing.append("no delivery is dead by the answer 410")
