"""The judge of the demonstration finds each kind of fault in a doctored set of records."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from webhooks.management.demo.journal import Record
from webhooks.management.demo.payloads import Payload
from webhooks.management.demo.run import conclude
from webhooks.management.demo.scenario import Fate, Part
from webhooks.management.demo.verdict import Attempt, Delivery, Observation, Verdict, judge

PAYLOAD = Payload("a.b", b'{"n": 1.0}')
EXPECTED = {"e1": PAYLOAD, "e2": PAYLOAD}
OK = Attempt("succeeded", 200)
FAILED = Attempt("failed", 500)
GONE = Attempt("failed", 410)
LOST = Attempt("lost", None)
PART = Part("healthy", "", ("a.**",))
DEAD = replace(PART, fate=Fate.DEAD)
CLOSED = replace(PART, fate=Fate.GONE)


def record(webhook_id: str, status: int = 200, at: float = 100.0) -> Record:
    return Record(
        path="/demo/healthy",
        webhook_id=webhook_id,
        event_type="a.b",
        delivery=f"dlv_{webhook_id}",
        attempt="1",
        body_sha256="",
        data_sha256=PAYLOAD.sha256,
        size=10,
        fault="",
        status=status,
        arrived_at=at,
    )


def delivery(event_id: str, state: str = "succeeded", attempts: Sequence[Attempt] = (OK,)) -> Delivery:
    return Delivery(f"dlv_{event_id}", event_id, state, tuple(attempts))


def good() -> Observation:
    return Observation("active", [delivery("e1"), delivery("e2")], [record("e1"), record("e2")])


def verdict_on(seen: Observation, part: Part = PART) -> Verdict:
    return judge(part, EXPECTED, seen, {"e1": 99.9, "e2": 99.9})


def test_everything_there_once_is_good() -> None:
    verdict = verdict_on(good())
    assert verdict.good
    assert (verdict.sent, verdict.verified, verdict.attempts, verdict.retries) == (2, 2, 2, 0)
    assert verdict.p50 == verdict.p95 == pytest.approx(100)


def test_retries_after_failures_are_good() -> None:
    seen = Observation(
        "active",
        [delivery("e1", attempts=[FAILED, FAILED, OK]), delivery("e2")],
        [record("e1", 500), record("e1", 500), record("e1"), record("e2")],
    )
    verdict = verdict_on(seen)
    assert verdict.good
    assert (verdict.attempts, verdict.retries, verdict.repeated) == (4, 2, 0)


def test_a_missing_delivery_is_missing() -> None:
    seen = replace(good(), deliveries=[delivery("e1")], records=[record("e1")])
    assert verdict_on(seen).missing == ["e2: no delivery was made"]


def test_an_event_that_was_not_published_is_missing() -> None:
    seen = replace(good(), deliveries=[delivery("e1")], records=[record("e1")])
    assert judge(PART, EXPECTED, seen, {"e1": 99.9}).missing == ["e2: not published in time"]


def test_a_delivery_that_did_not_arrive_is_missing_whatever_is_recorded() -> None:
    verdict = verdict_on(replace(good(), records=[record("e1")]))
    assert verdict.missing == ["e2 (dlv_e2): recorded as succeeded and did not arrive"]
    assert verdict.faults == ["e2 (dlv_e2): 1 answers 200 are recorded that the receiver did not give"]


def test_a_delivery_that_is_not_settled_is_missing() -> None:
    seen = replace(good(), deliveries=[delivery("e1"), delivery("e2", "pending", [])])
    assert verdict_on(seen).missing == ["e2 (dlv_e2): pending after 0 tries"]


def test_a_delivery_that_ended_otherwise_is_wrong() -> None:
    seen = replace(good(), deliveries=[delivery("e1"), delivery("e2", "dead", [OK])])
    assert verdict_on(seen).faults == ["e2 (dlv_e2): ended dead, not succeeded"]


def test_a_wrong_signature_is_wrong() -> None:
    seen = replace(good(), records=[record("e1"), replace(record("e2"), fault="no match")])
    verdict = verdict_on(seen)
    assert verdict.faults == ["e2: not verified: no match"]
    assert verdict.verified == 1


def test_one_changed_byte_of_data_is_wrong() -> None:
    other = Payload("a.b", b'{"n": 1.00}').sha256
    seen = replace(good(), records=[record("e1"), replace(record("e2"), data_sha256=other)])
    assert verdict_on(seen).faults == [f"e2: data is not byte-identical (SHA-256 {other[:16]}…)"]


def test_another_event_type_is_wrong() -> None:
    seen = replace(good(), records=[record("e1"), replace(record("e2"), event_type="a.c")])
    assert verdict_on(seen).faults == ["e2: arrived as a.c, not a.b"]


def test_an_event_without_a_subscription_is_wrong() -> None:
    seen = replace(good(), records=[*good().records, record("e3")])
    assert verdict_on(seen).faults == ["e3: this endpoint does not subscribe to it"]
    seen = replace(good(), deliveries=[*good().deliveries, delivery("e3")])
    assert verdict_on(seen).faults == ["e3: this endpoint does not subscribe to it"]


def test_two_deliveries_of_one_event_are_wrong() -> None:
    seen = replace(good(), deliveries=[*good().deliveries, replace(delivery("e1"), id="dlv_x")])
    assert "1 deliveries too many for the same events" in verdict_on(seen).faults


def test_a_second_arrival_that_nothing_explains_is_wrong() -> None:
    verdict = verdict_on(replace(good(), records=[*good().records, record("e1")]))
    assert verdict.faults == [
        "e1 (dlv_e1): 1 requests arrived that no recorded try explains",
        "e1 (dlv_e1): arrived 2 times, though the first was answered 2xx",
    ]


def test_a_success_that_was_sent_again_is_wrong_also_when_both_are_recorded() -> None:
    seen = Observation(
        "active",
        [delivery("e1", attempts=[OK, OK]), delivery("e2")],
        [record("e1"), record("e1"), record("e2")],
    )
    assert verdict_on(seen).faults == ["e1 (dlv_e1): arrived 2 times, though the first was answered 2xx"]


@pytest.mark.parametrize("uncertain", [LOST, Attempt("late", 200)])
def test_a_second_arrival_that_a_killed_worker_explains_is_counted_and_good(uncertain: Attempt) -> None:
    seen = Observation(
        "active",
        [delivery("e1", attempts=[uncertain, OK]), delivery("e2")],
        [record("e1"), record("e1"), record("e2")],
    )
    verdict = verdict_on(seen)
    assert verdict.good
    assert verdict.repeated == 1


def test_one_lost_try_explains_one_arrival_only() -> None:
    seen = Observation(
        "active", [delivery("e1", attempts=[LOST, OK]), delivery("e2")], [*[record("e1")] * 3, record("e2")]
    )
    assert verdict_on(seen).faults == [
        "e1 (dlv_e1): 2 requests arrived that no recorded try explains",
        "e1 (dlv_e1): arrived 3 times, though the first was answered 2xx",
    ]


def dead(tries: int = 6) -> Observation:
    return Observation(
        "active",
        [delivery("e1", "dead", [FAILED] * tries), delivery("e2", "dead", [FAILED] * 5 + [LOST])],
        [*[record("e1", 500)] * tries, *[record("e2", 500)] * 6],
        frozenset({"dlv_e1", "dlv_e2"}),
    )


def test_an_endpoint_that_always_fails_ends_dead_after_every_try() -> None:
    verdict = verdict_on(dead(), DEAD)
    assert verdict.good
    assert (verdict.dead, verdict.retries, verdict.repeated) == (2, 10, 1)


def test_giving_up_early_is_wrong() -> None:
    assert verdict_on(dead(5), DEAD).faults == ["e1 (dlv_e1): given up after 5 tries, not 6"]


def test_a_dead_delivery_without_a_dead_letter_is_missing() -> None:
    seen = replace(dead(), dead_letters=frozenset({"dlv_e1"}))
    assert verdict_on(seen, DEAD).missing == ["e2 (dlv_e2): dead, and its dead letter is not written yet"]


def test_an_endpoint_that_is_gone_ends_disabled_with_the_rest_held() -> None:
    seen = Observation(
        "disabled",
        [delivery("e1", "dead", [GONE]), delivery("e2", "held", [])],
        [record("e1", 410)],
        frozenset({"dlv_e1"}),
    )
    verdict = verdict_on(seen, CLOSED)
    assert verdict.good
    assert (verdict.dead, verdict.held, verdict.verified) == (1, 1, 1)
    assert verdict_on(replace(seen, status="active"), CLOSED).missing == [
        "the endpoint is active, and 410 has to disable it"
    ]
    assert not verdict_on(replace(seen, records=[*seen.records, record("e2", 410)]), CLOSED).good
    nobody_dead = replace(seen, deliveries=[delivery("e1", "held", []), delivery("e2", "held", [])], records=[])
    assert verdict_on(nobody_dead, CLOSED).missing == ["no delivery is dead by the answer 410"]


def test_an_endpoint_without_an_event_is_good() -> None:
    assert judge(CLOSED, {}, Observation(), {}).good


def test_the_conclusion_says_exactly_what_is_missing_or_wrong_and_where_to_look() -> None:
    faulty = verdict_on(replace(good(), deliveries=[delivery("e1")], records=[record("e1"), record("e1")]))
    out = io.StringIO()
    console = Console(file=out, width=140)
    assert conclude(console, [verdict_on(good()), faulty], Path("/x/demo.log")) is False
    text = out.getvalue()
    assert "healthy: missing: e2: no delivery was made" in text
    assert "healthy: wrong: e1 (dlv_e1): 1 requests arrived that no recorded try explains" in text
    assert "/x/demo.log" in text
    assert "WRONG" in text


def test_the_conclusion_of_a_good_run_is_good() -> None:
    out = io.StringIO()
    assert conclude(Console(file=out, width=80), [verdict_on(good())], Path("/x/demo.log")) is True
    assert out.getvalue().splitlines()[2].split() == [
        *("healthy", "2", "2", "2", "0", "0", "0", "0", "100", "100", "ok")
    ]
    assert "demo.log" not in out.getvalue()
