"""``once``: the work is done once, and again when it failed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from webhooks.receive import InProgress, Ledger, MemoryLedger, RedisLedger, State, once

Make = Callable[..., Ledger]


@pytest.fixture(params=["memory", "redis", "redis that decodes"])
def make(request: pytest.FixtureRequest, valkey: redis.Redis) -> Iterator[Make]:
    if request.param == "memory":
        yield MemoryLedger
        return
    decode = request.param == "redis that decodes"
    with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=decode) as client:
        yield lambda **options: RedisLedger(client, **options)


def test_the_work_is_done_once(make: Make) -> None:
    ledger = make()
    with once(ledger, "evt_1") as first:
        assert first
    with once(ledger, "evt_1") as again:
        assert not again
    with once(ledger, "evt_2") as other:
        assert other


def test_work_that_failed_is_done_again(make: Make) -> None:
    ledger = make()
    with pytest.raises(ZeroDivisionError), once(ledger, "evt_1"):
        1 / 0  # noqa: B018
    with once(ledger, "evt_1") as again:
        assert again


def test_work_that_goes_on_elsewhere_is_not_done_twice(make: Make) -> None:
    ledger = make()
    with once(ledger, "evt_1"), pytest.raises(InProgress), once(ledger, "evt_1"):
        pytest.fail("two at once")


def test_of_many_at_one_time_one_does_the_work(make: Make) -> None:
    ledger, told = make(), []
    start = threading.Barrier(16)

    def claim(token: str) -> None:
        start.wait(30)
        told.append(ledger.begin("evt_1", token))

    threads = [threading.Thread(target=claim, args=(f"t{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(told, key=lambda state: state.value) == [State.NEW, *[State.RUNNING] * 15]


def test_a_late_failure_does_not_free_what_somebody_else_has_claimed(make: Make) -> None:
    ledger = make()
    assert ledger.begin("evt_1", "mine") is State.NEW
    ledger.forget("evt_1", "of another")
    assert ledger.begin("evt_1", "second") is State.RUNNING
    ledger.done("evt_1")
    ledger.forget("evt_1", "mine")
    assert ledger.begin("evt_1", "third") is State.DONE


def test_a_lease_and_what_is_kept_run_out(valkey: redis.Redis) -> None:
    ledger = RedisLedger(valkey, lease=40, keep=400)
    ledger.begin("evt_1", "mine")
    assert 30 < int(valkey.ttl("webhook:evt_1")) <= 40  # type: ignore[arg-type]
    ledger.done("evt_1")
    assert 390 < int(valkey.ttl("webhook:evt_1")) <= 400  # type: ignore[arg-type]
    memory = MemoryLedger(lease=0)
    assert [memory.begin("evt_1", token) for token in "ab"] == [State.NEW, State.NEW]


def test_memory_is_bounded() -> None:
    ledger = MemoryLedger(capacity=3)
    for number in range(10):
        ledger.done(f"evt_{number}")
    assert ledger.begin("evt_6", "a") is State.NEW
    assert ledger.begin("evt_9", "a") is State.DONE


def test_a_message_without_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="without an id"), once(MemoryLedger(), ""):
        pytest.fail("nothing to recognise it by")
