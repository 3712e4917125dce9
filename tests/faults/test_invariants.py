"""The checks of the fault suite notice what they are there for: each of these breaks one thing."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.faults.arrivals import Arrival, Rule
from tests.faults.invariants import Facts, Known, Verdict, check
from tests.faults.load import Spoken

TYPE = "load.a"
NOW = time.time()


def arrival(delivery: UUID, number: int, attempt: int = 1, **changes: Any) -> Arrival:
    made = Arrival(
        endpoint="hook",
        webhook_id=f"run-{number}",
        delivery=f"dlv_{delivery.hex}",
        attempt=attempt,
        timestamp=int(NOW),
        at=NOW,
        number=number,
        meant="ok",
        verified=[0],
        signature=f"v1,{delivery.hex}",
    )
    return replace(made, **changes)


class Story:
    """Three events delivered to one ordered endpoint, as they should be."""

    def __init__(self) -> None:
        self.endpoint = Known("hook", uuid4(), "wh_1", (TYPE,), ordered=True)
        self.events = [UUID(int=n + 1) for n in range(3)]
        self.deliveries = [uuid4() for _ in range(3)]
        spoken = Spoken(accepted={f"run-{n}": TYPE for n in range(3)})
        self.facts = Facts(
            endpoints={self.endpoint.id: self.endpoint},
            spoken=[spoken],
            committed={},
            exposed=set(),
            struck=set(),
            offsets=(0.0,),
            slack=0.0,
            arrivals=[arrival(delivery, n) for n, delivery in enumerate(self.deliveries)],
            events={f"run-{n}": (event, TYPE) for n, event in enumerate(self.events)},
            deliveries={
                delivery: (event, self.endpoint.id, "succeeded")
                for delivery, event in zip(self.deliveries, self.events, strict=True)
            },
            attempts=[(delivery, 1, "succeeded", True) for delivery in self.deliveries],
        )

    def again(self, number: int, **changes: Any) -> None:
        """A second request of a delivery, recorded."""
        delivery = self.deliveries[number]
        self.facts.arrivals.append(arrival(delivery, number, attempt=2, **changes))
        self.facts.attempts.append((delivery, 2, "succeeded", True))

    def state(self, number: int, state: str) -> None:
        delivery = self.deliveries[number]
        event, endpoint, _ = self.facts.deliveries[delivery]
        self.facts.deliveries[delivery] = (event, endpoint, state)


@pytest.fixture
def story() -> Story:
    return Story()


def broken(verdict: Verdict, words: str) -> bool:
    return any(words in sentence for sentence in verdict.broken)


def test_a_good_story_breaks_nothing(story: Story) -> None:
    verdict = check(story.facts)

    assert verdict.broken == []
    assert (verdict.events, verdict.requests, verdict.lost, verdict.duplicates) == (3, 3, 0, 0)


def test_an_event_that_did_not_arrive_is_lost(story: Story) -> None:
    del story.facts.arrivals[1]

    verdict = check(story.facts)

    assert verdict.lost == 1
    assert broken(verdict, "did not reach an endpoint")


def test_an_accepted_event_that_is_not_in_the_database_is_lost(story: Story) -> None:
    story.facts.spoken[0].accepted["run-9"] = TYPE

    verdict = check(story.facts)

    assert verdict.lost == 1
    assert broken(verdict, "accepted events are not in the database")


def test_a_refused_event_must_not_exist(story: Story) -> None:
    story.facts.spoken[0].refused.add("run-1")
    assert broken(check(story.facts), "refused with 503")


def test_an_unanswered_call_is_accepted_as_a_whole_or_not_at_all(story: Story) -> None:
    del story.facts.spoken[0].accepted["run-2"]
    story.facts.spoken[0].unanswered.append({"run-2", "run-3"})
    assert broken(check(story.facts), "by halves")


def test_an_event_that_was_rolled_back_must_not_exist(story: Story) -> None:
    del story.facts.spoken[0].accepted["run-2"]
    assert broken(check(story.facts), "nobody was told of")


def test_a_second_request_needs_a_row_in_flight(story: Story) -> None:
    story.again(1)

    verdict = check(story.facts)

    assert verdict.duplicates == 1
    assert broken(verdict, "no row in flight explains")


def test_a_second_request_of_what_was_in_flight_is_a_duplicate_and_allowed(story: Story) -> None:
    story.again(1)
    story.facts.attempts[1] = (story.deliveries[1], 1, "lost", False)
    story.facts.exposed.add((story.deliveries[1], 1))

    verdict = check(story.facts)

    assert verdict.broken == []
    assert (verdict.duplicates, verdict.in_flight) == (1, 1)


def test_an_attempt_is_lost_at_a_fault_and_nowhere_else(story: Story) -> None:
    story.facts.attempts[1] = (story.deliveries[1], 1, "lost", False)
    assert broken(check(story.facts), "no fault had touched")


def test_a_retry_of_what_the_receiver_refused_is_no_duplicate(story: Story) -> None:
    story.facts.arrivals[2] = replace(story.facts.arrivals[2], meant="status")
    story.again(2)

    verdict = check(story.facts)

    assert verdict.broken == []
    assert verdict.duplicates == 0


def test_a_request_without_an_attempt_is_noticed(story: Story) -> None:
    del story.facts.attempts[0]
    assert broken(check(story.facts), "attempts recorded differ")


def test_an_attempt_with_an_answer_that_nobody_received_is_noticed(story: Story) -> None:
    story.facts.attempts.append((story.deliveries[0], 2, "succeeded", True))
    assert broken(check(story.facts), "attempts recorded differ")


def test_dead_letters_are_the_dead_deliveries(story: Story) -> None:
    story.endpoint.dead = lambda number: number == 1
    story.state(1, "dead")
    assert broken(check(story.facts), "have no dead letter")

    story.facts.letters = Counter({story.deliveries[1]: 1})
    assert check(story.facts).broken == []

    story.facts.letters[story.deliveries[2]] = 1
    assert broken(check(story.facts), "belong to no dead delivery")


def test_a_delivery_that_is_dead_without_reason_is_noticed(story: Story) -> None:
    story.state(1, "dead")
    story.facts.letters = Counter({story.deliveries[1]: 1})
    assert broken(check(story.facts), "dead that should live")


@pytest.mark.parametrize("state", ["pending", "sending", "held", "cancelled"])
def test_nothing_is_left_unfinished(story: Story, state: str) -> None:
    story.state(0, state)
    assert broken(check(story.facts), "unfinished")


def test_order_is_looked_at_where_it_is_promised(story: Story) -> None:
    story.facts.arrivals.reverse()
    assert broken(check(story.facts), "out of order")

    story.endpoint.ordered = False
    assert check(story.facts).broken == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"webhook_id": "run-0"}, "webhook-id is not constant"),
        ({"verified": []}, "signatures do not verify"),
        ({"timestamp": int(NOW) - 60}, "timestamps are not of the attempt"),
    ],
)
def test_each_request_is_signed_as_itself_and_now(story: Story, changes: dict[str, Any], words: str) -> None:
    story.facts.arrivals[2] = arrival(story.deliveries[2], 2, **changes)
    assert broken(check(story.facts), words)


def test_a_rule_holds_for_the_requests_and_deliveries_it_names() -> None:
    assert Rule("status", 503, first=1).applies(7, 1, "dlv_a")
    assert not Rule("status", 503, first=1).applies(7, 2, "dlv_a")
    assert [n for n in range(6) if Rule("status", 422, every=(3, 0)).applies(n, 1, "dlv_a")] == [0, 3]
    taken = sum(Rule("reset", share=0.2).applies(1, 1, f"dlv_{n}") for n in range(1000))
    assert 150 < taken < 250
