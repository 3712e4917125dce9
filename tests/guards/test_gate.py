"""Breaker, slots and rate: what one Lua call admits, also when many ask at once and when Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from pytest_django import Settings

from tests.waiting import eventually
from webhooks.guards import gate, store
from webhooks.guards.gate import Denial, Grant

HOUR = 3600.0


@pytest.fixture
def endpoint(valkey: redis.Redis) -> UUID:
    return uuid4()


def admit(endpoint: UUID, **options: Any) -> Grant:
    values: dict[str, Any] = {"want": 10, "hold": 60.0, "max_slots": 8}
    return gate.admit(endpoint, str(uuid4()), **values | options)


def settle(endpoint: UUID, grant: Grant, **options: Any) -> float | None:
    values: dict[str, Any] = {"answered": 0, "failed": 0, "tail": 0, "max_slots": 8}
    return gate.settle(endpoint, grant, **values | options)


def fail(endpoint: UUID, count: int = 1) -> float | None:
    """A drain with so many failures in a row and nothing else."""
    return settle(endpoint, admit(endpoint), failed=count, tail=count)


def succeed(endpoint: UUID, count: int = 1) -> float | None:
    return settle(endpoint, admit(endpoint), answered=count)


def at_once(count: int, call: Callable[[], Grant]) -> list[Grant]:
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]


def granted(grants: list[Grant]) -> list[Grant]:
    return [grant for grant in grants if grant.denial is None]


# --- slots


def test_an_unknown_endpoint_is_let_through_with_all_it_wants(endpoint: UUID) -> None:
    grant = admit(endpoint, want=25)
    assert (grant.count, grant.probe, grant.denial) == (25, False, None)


def test_an_unknown_endpoint_starts_with_four_slots(endpoint: UUID) -> None:
    grants = at_once(12, lambda: admit(endpoint))
    assert len(granted(grants)) == 4
    assert {grant.denial for grant in grants} == {None, Denial.BUSY}


def test_the_endpoints_own_limit_is_never_exceeded(endpoint: UUID) -> None:
    assert len(granted(at_once(12, lambda: admit(endpoint, max_slots=2)))) == 2
    other = uuid4()
    assert len(granted(at_once(4, lambda: admit(other, max_slots=1)))) == 1


def test_a_slot_is_free_again_when_its_drain_is_settled(endpoint: UUID) -> None:
    first = admit(endpoint, max_slots=1)
    assert admit(endpoint, max_slots=1).denial is Denial.BUSY
    settle(endpoint, first)
    assert admit(endpoint, max_slots=1).denial is None


def test_a_slot_of_a_worker_that_died_frees_itself(endpoint: UUID) -> None:
    admit(endpoint, max_slots=1, hold=0.05)
    eventually(lambda: admit(endpoint, max_slots=1).denial is None)


def limit(endpoint: UUID) -> int:
    """How many drains are let through beside each other now."""
    grants = granted([admit(endpoint, max_slots=20) for _ in range(25)])
    for grant in grants:
        settle(endpoint, grant)
    return len(grants)


def test_the_limit_grows_by_one_with_success_and_halves_with_failure(endpoint: UUID) -> None:
    settle(endpoint, admit(endpoint), answered=5, max_slots=20)
    assert limit(endpoint) == 5
    settle(endpoint, admit(endpoint), answered=1, max_slots=20)
    assert limit(endpoint) == 6
    settle(endpoint, admit(endpoint), answered=9, failed=1, tail=0, max_slots=20)
    assert limit(endpoint) == 3
    for _ in range(4):
        settle(endpoint, admit(endpoint), answered=9, failed=1, tail=0, max_slots=20)
    assert limit(endpoint) == 1
    for _ in range(40):
        settle(endpoint, admit(endpoint), answered=1, max_slots=20)
    assert limit(endpoint) == 20


def test_a_drain_that_sent_nothing_says_nothing(endpoint: UUID) -> None:
    assert settle(endpoint, admit(endpoint)) is None
    assert limit(endpoint) == 4


# --- breaker


def test_it_opens_after_five_failures_in_a_row_and_says_for_how_long(endpoint: UUID) -> None:
    for _ in range(4):
        assert fail(endpoint) is None
    assert fail(endpoint) == 60
    denied = admit(endpoint)
    assert (denied.count, denied.denial) == (0, Denial.BREAKER)
    assert 50 < denied.retry_in <= 60
    assert gate.breaker_states([endpoint, other := uuid4()]) == {endpoint: "open", other: "closed"}


def test_five_failures_may_come_in_one_drain(endpoint: UUID) -> None:
    assert settle(endpoint, admit(endpoint), answered=3, failed=5, tail=5) is not None


@pytest.mark.parametrize(("answered", "tail"), [(1, 0), (1, 2)])
def test_an_answer_in_between_starts_the_count_again(endpoint: UUID, answered: int, tail: int) -> None:
    fail(endpoint, 4)
    settle(endpoint, admit(endpoint), answered=answered, failed=tail, tail=tail)
    for _ in range(4 - tail):
        assert fail(endpoint) is None
    assert fail(endpoint) is not None


def open_for(settings: Settings, endpoint: UUID, seconds: float) -> None:
    settings.WEBHOOKS_BREAKER_COOLDOWN = seconds
    fail(endpoint, 5)


def half_open(endpoint: UUID) -> None:
    eventually(lambda: gate.breaker_states([endpoint])[endpoint] == "half_open")


def test_when_its_time_is_up_exactly_one_probe_of_one_request_passes(endpoint: UUID, settings: Settings) -> None:
    open_for(settings, endpoint, 0.1)
    half_open(endpoint)
    grants = at_once(16, lambda: admit(endpoint))
    (probe,) = granted(grants)
    assert (probe.count, probe.probe) == (1, True)
    assert {grant.denial for grant in grants} == {None, Denial.BUSY}
    # Those who met the probe come back soon: the endpoint may be well in a moment.
    assert {grant.retry_in for grant in grants} == {0.0}


def test_a_probe_that_is_answered_closes_it(endpoint: UUID, settings: Settings) -> None:
    open_for(settings, endpoint, 0.1)
    half_open(endpoint)
    assert settle(endpoint, admit(endpoint), answered=1) is None
    assert gate.breaker_states([endpoint]) == {endpoint: "closed"}
    assert admit(endpoint).count == 10
    assert fail(endpoint, 4) is None


def test_a_probe_that_fails_opens_it_for_twice_the_time_up_to_the_longest(
    endpoint: UUID, settings: Settings, valkey: redis.Redis
) -> None:
    settings.WEBHOOKS_BREAKER_MAX_COOLDOWN = 0.25
    open_for(settings, endpoint, 0.1)
    for expected in ("200", "250", "250"):
        half_open(endpoint)
        assert fail(endpoint) is not None
        assert valkey.hget(f"clarion:gate:{endpoint}", "cooldown") == expected


def test_a_probe_that_found_nothing_to_send_lets_the_next_one_through(endpoint: UUID, settings: Settings) -> None:
    open_for(settings, endpoint, 0.1)
    half_open(endpoint)
    assert settle(endpoint, admit(endpoint)) is None
    assert admit(endpoint).probe


def test_a_probe_of_a_worker_that_died_frees_itself(endpoint: UUID, settings: Settings) -> None:
    open_for(settings, endpoint, 0.05)
    half_open(endpoint)
    assert admit(endpoint, hold=0.05).probe
    eventually(lambda: admit(endpoint).probe)


def test_a_drain_that_was_under_way_when_it_opened_does_not_prolong_it(endpoint: UUID) -> None:
    late = admit(endpoint)
    assert fail(endpoint, 5) == 60
    opened = settle(endpoint, late, failed=3, tail=3)
    assert opened is not None
    assert 50 < opened <= 60


def test_a_fresh_start_forgets_it(endpoint: UUID) -> None:
    fail(endpoint, 5)
    gate.reset(endpoint)
    assert gate.breaker_states([endpoint]) == {endpoint: "closed"}
    assert admit(endpoint).count == 10


def test_the_states_of_no_endpoint_are_none(valkey: redis.Redis) -> None:
    assert gate.breaker_states([]) == {}


# --- rate


def test_no_more_requests_are_granted_than_the_rate(endpoint: UUID) -> None:
    grants = at_once(10, lambda: admit(endpoint, want=3, rate=10, period=HOUR, max_slots=50))
    for grant in granted(grants):
        settle(endpoint, grant, answered=grant.count)
    more = [admit(endpoint, want=3, rate=10, period=HOUR, max_slots=50) for _ in range(5)]
    assert sum(grant.count for grant in grants + more) == 10
    denied = [grant for grant in more if grant.denial]
    assert {grant.denial for grant in denied} == {Denial.RATE_LIMIT}
    assert all(0 < grant.retry_in <= HOUR / 10 for grant in denied)


def test_what_was_granted_and_not_used_is_given_back(endpoint: UUID) -> None:
    settle(endpoint, admit(endpoint, want=10, rate=10, period=HOUR), answered=2, failed=1, tail=0)
    assert admit(endpoint, want=10, rate=10, period=HOUR).count == 7


def test_it_fills_up_again_with_time_but_not_above_the_rate(endpoint: UUID, valkey: redis.Redis) -> None:
    options = {"rate": 5, "period": HOUR, "max_slots": 50}
    assert admit(endpoint, want=5, **options).count == 5
    long_ago = int(time.time() * 1000)
    for period, tokens in ((HOUR / 5, 1), (HOUR * 9, 5)):
        valkey.hset(f"clarion:gate:{endpoint}", "tokens_at", str(long_ago - int(period * 1000)))
        assert admit(endpoint, want=100, **options).count == tokens


def test_a_rate_below_one_a_second_works(endpoint: UUID) -> None:
    assert admit(endpoint, want=5, rate=1, period=60).count == 1
    denied = admit(endpoint, want=5, rate=1, period=60)
    assert denied.denial is Denial.RATE_LIMIT
    assert 50 < denied.retry_in <= 60


def test_what_a_late_probe_reports_is_not_taken_for_its_successor(endpoint: UUID, settings: Settings) -> None:
    """Attack: a worker sleeps through its probe; its late report lets a third one in beside the second."""
    settings.WEBHOOKS_BREAKER_COOLDOWN = 0.01
    fail(endpoint, 5)
    late = eventually_probe(endpoint, hold=0.05)
    eventually_probe(endpoint, hold=HOUR)

    settle(endpoint, late)

    assert admit(endpoint).denial is Denial.BUSY


def eventually_probe(endpoint: UUID, hold: float) -> Grant:
    def probe() -> Grant | None:
        grant = admit(endpoint, hold=hold)
        return grant if grant.probe else None

    grant = eventually(probe)
    assert grant is not None
    return grant


def test_a_probe_takes_its_request_from_the_rate(endpoint: UUID, settings: Settings) -> None:
    open_for(settings, endpoint, 0.05)
    half_open(endpoint)
    assert admit(endpoint, rate=1, period=HOUR).count == 1
    assert admit(endpoint, rate=1, period=HOUR).denial is Denial.BUSY


# --- without Redis, and what is left behind


def test_without_redis_everything_is_let_through(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(store, "_resting_until", 0.0)
    endpoint = uuid4()
    for _ in range(20):
        grant = admit(endpoint, want=7, rate=1, period=HOUR, max_slots=1)
        assert (grant.count, grant.denial, grant.probe) == (7, None, False)
        assert settle(endpoint, grant, failed=7, tail=7) is None
    assert gate.breaker_states([endpoint]) == {endpoint: "closed"}
    gate.reset(endpoint)


def test_everything_kept_goes_away_by_itself(endpoint: UUID, valkey: redis.Redis) -> None:
    settle(endpoint, admit(endpoint, rate=5), answered=1)
    fail(endpoint, 5)
    gate.admit(endpoint, "t", want=1, hold=1, max_slots=1)
    names = list(valkey.scan_iter("*"))
    assert names
    assert all(0 < valkey.ttl(name) <= 172_800 for name in names)


def test_it_survives_a_redis_that_was_flushed_meanwhile(endpoint: UUID, valkey: redis.Redis) -> None:
    grant = admit(endpoint, rate=5, period=HOUR)
    valkey.flushdb()
    valkey.script_flush()
    assert settle(endpoint, grant, answered=1) is None
    assert admit(endpoint).denial is None
