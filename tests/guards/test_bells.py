"""Doorbells are coalesced, and a flag that was lost or forgotten delays nothing for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from pytest_django import Settings

from webhooks.guards import bells, store


def test_only_the_first_of_several_is_rung(valkey: redis.Redis) -> None:
    assert bells.raise_flags(["a", "b"]) == ["a", "b"]
    assert bells.raise_flags(["b", "c", "a"]) == ["c"]
    assert bells.raise_flags([]) == []


def test_an_answered_bell_may_be_rung_again(valkey: redis.Redis) -> None:
    bells.raise_flags(["a", "b"])
    bells.lower_flags(["a", "unknown"])
    assert bells.raise_flags(["a", "b"]) == ["a"]
    bells.lower_flags([])


def test_of_many_who_ring_at_once_one_does(valkey: redis.Redis) -> None:
    with ThreadPoolExecutor(16) as pool:
        rung = [future.result() for future in [pool.submit(bells.raise_flags, ["a"]) for _ in range(16)]]
    assert sorted(rung) == [[]] * 15 + [["a"]]


def test_a_flag_lives_for_ten_seconds_at_most(valkey: redis.Redis) -> None:
    bells.raise_flags(["a"])
    (name,) = valkey.scan_iter("*")
    assert 0 < valkey.ttl(name) <= bells.TTL == 10


def test_flags_of_many_bells_live_until_the_last_of_them_is_likely_answered(valkey: redis.Redis) -> None:
    """Otherwise the sweep rings for whatever still waits in the queue, and the queue grows."""
    bells.raise_flags([str(n) for n in range(1000)])
    lives = {valkey.ttl(name) for name in valkey.scan_iter("*")}
    assert bells.TTL < min(lives) <= max(lives) <= bells.TTL + 1000 // bells.RATE


def test_without_redis_every_bell_is_rung(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(store, "_resting_until", 0.0)
    for _ in range(3):
        assert bells.raise_flags(["a", "b"]) == ["a", "b"]
    bells.lower_flags(["a"])
