"""What has to hold after every scenario, checked at the receiver and in the database."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.faults.arrivals import Arrival
from tests.faults.ledger import Try
from tests.faults.load import Spoken
from tests.faults.world import World

CLOCK = 5.0  # seconds by which a timestamp may differ from the moment of arrival on a busy machine
_SHOWN = 3  # examples in the sentence of a broken invariant


def _never(_number: int) -> bool:
    return False


@dataclass(slots=True)
class Known:
    """An endpoint as the suite made it. ``dead(n)``: event n is refused for good. ``leaves``: it is deleted.

    ``unknowing``: from when to when (unix seconds) the receiver did not know a secret yet that may have signed.
    """

    name: str
    id: UUID
    public_id: str
    types: tuple[str, ...]
    ordered: bool = False
    dead: Callable[[int], bool] = _never
    leaves: bool = False
    secrets: list[str] = field(default_factory=list)
    unknowing: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """Everything the checks look at, read once after everything has settled."""

    endpoints: dict[UUID, Known]
    spoken: list[Spoken]
    committed: dict[str, str]  # id -> type, of events published past the API
    exposed: set[Try]  # under way at some fault, perhaps untouched by it
    struck: set[Try]  # certainly in flight at some fault
    offsets: tuple[float, ...]  # seconds by which a signer's clock may be wrong; 0 always
    slack: float  # seconds on top of CLOCK: how long a signer was frozen
    arrivals: list[Arrival]
    held: set[Try] = field(default_factory=set)  # by a worker that was frozen, for longer than a request may take
    events: dict[str, tuple[UUID, str]] = field(default_factory=dict)  # key -> id, type
    deliveries: dict[UUID, tuple[UUID, UUID, str]] = field(default_factory=dict)  # event, endpoint, state
    attempts: list[tuple[UUID, int, str, bool]] = field(default_factory=list)  # delivery, number, outcome, answered
    letters: Counter[UUID] = field(default_factory=Counter)


@dataclass(slots=True)
class Verdict:
    """The figures of a scenario and, in ``broken``, a sentence for each invariant that does not hold."""

    events: int = 0
    requests: int = 0
    lost: int = 0
    duplicates: int = 0
    in_flight: int = 0
    late: int = 0
    broken: list[str] = field(default_factory=list)

    def require(self, wrong: Iterable[Any], sentence: str) -> None:
        """Break unless ``wrong`` is empty."""
        listed = list(wrong)
        if listed:
            examples = ", ".join(str(one) for one in listed[:_SHOWN])
            self.broken.append(f"{sentence}: {len(listed)} ({examples}{', …' if len(listed) > _SHOWN else ''})")


def read(world: World, tenant: UUID, facts: Facts) -> Facts:
    """Fill in what the database says of the tenant."""
    facts.events = {
        key: (event, kind)
        for event, key, kind in world.rows(
            "SELECT id, key, type FROM webhooks_event WHERE tenant_id = %s AND origin <> 'operational'", [tenant]
        )
    }
    facts.deliveries = {
        row[0]: row[1:]
        for row in world.rows(
            "SELECT id, event_id, endpoint_id, state FROM webhooks_delivery WHERE tenant_id = %s", [tenant]
        )
    }
    facts.attempts = world.rows(
        "SELECT delivery_id, number, outcome, response_status IS NOT NULL FROM webhooks_attempt WHERE tenant_id = %s",
        [tenant],
    )
    facts.letters = Counter(
        delivery
        for (delivery,) in world.rows("SELECT delivery_id FROM webhooks_deadletter WHERE tenant_id = %s", [tenant])
    )
    return facts


def check(facts: Facts) -> Verdict:
    """Hold the facts against every invariant."""
    verdict = Verdict(events=len(facts.events), requests=len(facts.arrivals))
    by_delivery: dict[UUID, list[Arrival]] = defaultdict(list)
    for arrival in facts.arrivals:
        by_delivery[UUID(arrival.delivery.removeprefix("dlv_"))].append(arrival)
    _accepted(facts, verdict)
    _reached(facts, by_delivery, verdict)
    _repeated(facts, by_delivery, verdict)
    _recorded(facts, by_delivery, verdict)
    _dead(facts, verdict)
    _settled(facts, verdict)
    _ordered(facts, verdict)
    _signed(facts, by_delivery, verdict)
    return verdict


def _accepted(facts: Facts, verdict: Verdict) -> None:
    """Accepted events exist, refused ones do not, and an unanswered call is there as a whole or not at all."""
    promised: dict[str, str] = dict(facts.committed)
    for spoken in facts.spoken:
        promised |= spoken.accepted
    lost = promised.keys() - facts.events.keys()
    verdict.lost += len(lost)
    verdict.require(sorted(lost), "accepted events are not in the database")
    possible = set(promised)
    for spoken in facts.spoken:
        verdict.require(sorted(spoken.refused & facts.events.keys()), "events exist that were refused with 503")
        for call in spoken.unanswered:
            possible |= call
            present = call & facts.events.keys()
            verdict.require(sorted(call - present) if present else [], "an unanswered call was accepted by halves")
    verdict.require(sorted(facts.events.keys() - possible), "events exist that nobody was told of")


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])


def _reached(facts: Facts, by_delivery: dict[UUID, list[Arrival]], verdict: Verdict) -> None:
    """0 lost: each event got to each endpoint that wants its type, and was taken unless it is refused for good."""
    found = {(event, endpoint): key for key, (event, endpoint, _) in facts.deliveries.items()}
    lost = []
    for key, (event, kind) in facts.events.items():
        for endpoint in facts.endpoints.values():
            if kind not in endpoint.types or endpoint.leaves:
                continue
            delivery = found.get((event, endpoint.id))
            arrived = by_delivery.get(delivery, []) if delivery else []
            dead = endpoint.dead(_number(key))
            if not (arrived if dead else any(arrival.meant == "ok" for arrival in arrived)):
                lost.append(f"{key} to {endpoint.name}")
    verdict.lost += len(lost)
    verdict.require(lost, "events did not reach an endpoint that wants them")


def _repeated(facts: Facts, by_delivery: dict[UUID, list[Arrival]], verdict: Verdict) -> None:
    """A delivery is taken twice only if a try of it was in flight at a fault; and only those tries are lost."""
    lost_tries = {(delivery, number) for delivery, number, outcome, _ in facts.attempts if outcome == "lost"}
    verdict.late = sum(outcome == "late" for _, _, outcome, _ in facts.attempts)
    unrecorded = lost_tries & facts.exposed | facts.held
    verdict.in_flight = len(unrecorded | facts.struck)
    verdict.require(
        sorted(f"dlv_{delivery.hex} attempt {number}" for delivery, number in lost_tries - facts.exposed),
        "attempts were lost that no fault had touched",
    )
    allowed = Counter(delivery for delivery, _ in unrecorded)
    beyond = []
    for delivery, arrived in by_delivery.items():
        more = max(0, sum(arrival.meant == "ok" for arrival in arrived) - 1)
        verdict.duplicates += more
        if more > allowed[delivery]:
            beyond.append(f"dlv_{delivery.hex}: {more} with {allowed[delivery]} in flight")
    verdict.require(beyond, "duplicates that no row in flight explains")


def _recorded(facts: Facts, by_delivery: dict[UUID, list[Arrival]], verdict: Verdict) -> None:
    """Attempts recorded are requests received.

    Of a lost attempt, and of one that ended without an answer, nobody knows whether the request arrived.
    """
    received = Counter((delivery, arrival.attempt) for delivery, all_ in by_delivery.items() for arrival in all_)
    answered: Counter[Try] = Counter()
    unanswered: Counter[Try] = Counter()
    lost: Counter[Try] = Counter()
    for delivery, number, outcome, status in facts.attempts:
        kind = lost if outcome == "lost" else answered if status else unanswered
        kind[(delivery, number)] += 1
    wrong = [
        f"dlv_{one[0].hex} attempt {one[1]}: {received[one]} received, {answered[one]} recorded with an answer, "
        f"{unanswered[one]} without, {lost[one]} lost"
        for one in sorted({*received, *answered, *unanswered, *lost})
        if not answered[one] <= received[one] <= answered[one] + unanswered[one] + lost[one]
    ]
    verdict.require(wrong, "attempts recorded differ from requests received")
    verdict.require([key for key, count in lost.items() if count > 1], "attempts were noted as lost more than once")
    unknown = by_delivery.keys() - facts.deliveries.keys()
    verdict.require(sorted(map(str, unknown)), "requests arrived for deliveries that do not exist")


def _dead(facts: Facts, verdict: Verdict) -> None:
    """Dead letters are exactly the deliveries that should be dead, one each."""
    numbers = {event: _number(key) for key, (event, _) in facts.events.items()}
    should = set()
    for delivery, (event, endpoint, state) in facts.deliveries.items():
        known = facts.endpoints.get(endpoint)
        if known and event in numbers and known.dead(numbers[event]) and state != "cancelled":
            should.add(delivery)
    dead = {delivery for delivery, (_, _, state) in facts.deliveries.items() if state == "dead"}
    verdict.require(sorted(map(str, dead - should)), "deliveries are dead that should live")
    verdict.require(sorted(map(str, should - dead)), "deliveries live that should be dead")
    verdict.require(sorted(map(str, dead - facts.letters.keys())), "dead deliveries have no dead letter")
    verdict.require(sorted(map(str, facts.letters.keys() - dead)), "dead letters belong to no dead delivery")
    verdict.require([d for d, count in facts.letters.items() if count > 1], "deliveries have several dead letters")


def _settled(facts: Facts, verdict: Verdict) -> None:
    """Nothing is pending, held or still being sent; only a deleted endpoint has cancelled deliveries."""
    left = []
    for delivery, (_, endpoint, state) in facts.deliveries.items():
        known = facts.endpoints.get(endpoint)
        final = ("succeeded", "dead", "cancelled") if known and known.leaves else ("succeeded", "dead")
        if state not in final:
            left.append(f"dlv_{delivery.hex} is {state}")
    verdict.require(sorted(left), "deliveries are unfinished")


def _ordered(facts: Facts, verdict: Verdict) -> None:
    """At an ordered endpoint events arrive for the first time in the order in which they were accepted."""
    for endpoint in facts.endpoints.values():
        if not endpoint.ordered:
            continue
        seen: dict[str, None] = {}
        for arrival in facts.arrivals:
            if arrival.endpoint == endpoint.name:
                seen.setdefault(arrival.webhook_id)
        order = [(facts.events[key][0], key) for key in seen if key in facts.events]
        wrong = [f"{late} after {early}" for (a, early), (b, late) in itertools.pairwise(order) if b < a]
        verdict.require(wrong, f"{endpoint.name} got events out of order")


def _unknowing(facts: Facts, arrival: Arrival) -> bool:
    """The receiver did not know yet which secret had just become valid."""
    of = [known for known in facts.endpoints.values() if known.name == arrival.endpoint]
    return any(begin <= arrival.at <= end for known in of for begin, end in known.unknowing)


def _signed(facts: Facts, by_delivery: dict[UUID, list[Arrival]], verdict: Verdict) -> None:
    """webhook-id is the event's id every time; timestamp and signature are of the moment of each attempt."""
    keys = {event: key for key, (event, _) in facts.events.items()}
    ids, stale, forged, copied = [], [], [], []
    for delivery, arrived in by_delivery.items():
        event = facts.deliveries[delivery][0] if delivery in facts.deliveries else None
        wanted = keys.get(event) if event else None
        ids += [f"{a.webhook_id} in place of {wanted}" for a in arrived if a.webhook_id != wanted]
        forged += [a.webhook_id for a in arrived if not a.verified and not _unknowing(facts, a)]
        for arrival in arrived:
            age = arrival.at - arrival.timestamp
            if min(abs(age + offset) for offset in facts.offsets) > CLOCK + facts.slack:
                stale.append(f"{arrival.webhook_id} signed {age:.0f} s before it arrived")
        signed = {(a.timestamp, a.signature) for a in arrived}
        if len({timestamp for timestamp, _ in signed}) < len({signature for _, signature in signed}):
            copied.append(str(delivery))
    verdict.require(ids, "webhook-id is not constant")
    verdict.require(forged, "signatures do not verify")
    verdict.require(stale, "timestamps are not of the attempt")
    verdict.require(copied, "one timestamp carries several signatures")
