"""Which drains may run at once in a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from tests.waiting import eventually
from webhooks.guards.bulkhead import Bulkhead, Pulse, Slot

A, B, C = uuid4(), uuid4(), uuid4()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Still(Pulse):
    """A pulse that measures nothing: these tests are about the clock."""

    def start(self) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entered(bulkhead: Bulkhead, tenant: UUID) -> Slot:
    slot = bulkhead.enter(tenant, uuid4())
    assert slot is not None
    return slot


def fill(bulkhead: Bulkhead, tenant: UUID) -> list[Slot]:
    """Enter until the tenant is turned away."""
    slots = []
    while (slot := bulkhead.enter(tenant, uuid4())) is not None:
        slots.append(slot)
    return slots


def test_a_tenant_alone_leaves_a_quarter_of_the_places_for_the_next_one(clock: Clock) -> None:
    bulkhead = Bulkhead(16, 0.05, clock, Still())

    assert len(fill(bulkhead, A)) == 12
    assert bulkhead.enter(B, uuid4()) is not None


def test_tenants_who_compete_get_equal_shares(clock: Clock) -> None:
    bulkhead = Bulkhead(16, 0.05, clock, Still())
    of_a = fill(bulkhead, A)
    for _ in range(4):
        entered(bulkhead, B)

    bulkhead.leave(of_a.pop())

    assert bulkhead.enter(A, uuid4()) is None  # 11 of 16 are more than its half
    assert bulkhead.enter(B, uuid4()) is not None


def test_one_that_waits_for_an_answer_makes_room(clock: Clock) -> None:
    bulkhead = Bulkhead(4, 0.05, clock, Still())
    assert len(fill(bulkhead, A)) == 3

    clock.now += 0.06

    assert len(fill(bulkhead, A)) == 3


def test_one_that_gets_answers_keeps_its_place(clock: Clock) -> None:
    bulkhead = Bulkhead(4, 0.05, clock, Still())
    slots = fill(bulkhead, A)

    clock.now += 0.06
    for slot in slots:
        slot.beat()

    assert bulkhead.enter(A, uuid4()) is None


def test_a_process_that_is_short_of_cpu_takes_no_drain_for_stuck(clock: Clock) -> None:
    pulse = Still()
    bulkhead = Bulkhead(4, 0.05, clock, pulse)
    fill(bulkhead, A)
    pulse.lag = 0.03  # seconds that a thread waits for its turn, many times between two answers

    clock.now += 0.3
    assert bulkhead.enter(A, uuid4()) is None

    clock.now += 1
    assert bulkhead.enter(A, uuid4()) is not None


def test_the_pulse_tells_how_late_threads_get_their_turn() -> None:
    pulse = Pulse()
    pulse.start()

    def spin() -> None:
        while not done.is_set():
            pass

    done = threading.Event()
    threads = [threading.Thread(target=spin) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        late = eventually(lambda: pulse.lag > 0.01 and pulse.lag)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    eventually(lambda: pulse.lag < late)


def test_an_endpoint_that_was_turned_away_is_named_once_when_its_tenant_has_room(clock: Clock) -> None:
    bulkhead = Bulkhead(4, 0.05, clock, Still())
    first, second, third = fill(bulkhead, A)
    endpoint = uuid4()
    bulkhead.leave(entered(bulkhead, B))  # fill() was turned away once itself
    assert bulkhead.enter(A, endpoint) is None
    assert bulkhead.enter(A, endpoint) is None

    named = [bulkhead.leave(slot) for slot in (first, second, third)]

    assert named.count(endpoint) == 1
    assert named[-1] is None


def test_of_no_other_tenant(clock: Clock) -> None:
    bulkhead = Bulkhead(4, 0.05, clock, Still())
    of_b = entered(bulkhead, B)
    fill(bulkhead, A)

    assert bulkhead.leave(of_b) is None


@pytest.mark.parametrize("frees", ["leave", "time"])
def test_a_drain_waits_while_all_places_are_busy(frees: str) -> None:
    clock = Clock()
    bulkhead = Bulkhead(1, 0.01, clock, Still())
    slot = entered(bulkhead, A)
    entered_b: list[Slot | None] = []
    thread = threading.Thread(target=lambda: entered_b.append(bulkhead.enter(B, uuid4())))
    thread.start()
    eventually(lambda: bulkhead._blocked[B])
    assert entered_b == []

    if frees == "leave":
        bulkhead.leave(slot)
    else:
        clock.now += 1
    thread.join(10)

    assert len(entered_b) == 1


def test_never_more_are_busy_than_the_limit() -> None:
    bulkhead = Bulkhead(3, 60)
    most: list[int] = []

    def work(tenant: UUID) -> Callable[[], None]:
        def run() -> None:
            for _ in range(200):
                if slot := bulkhead.enter(tenant, uuid4()):
                    most.append(bulkhead._busy().total())
                    bulkhead.leave(slot)

        return run

    threads = [threading.Thread(target=work(tenant)) for tenant in (A, B, C) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert max(most) <= 3
