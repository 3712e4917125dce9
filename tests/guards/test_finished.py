"""Word that a delivery is finished reaches who waits, early or late; without Redis the time just passes."""

from __future__ import annotations

import threading
import time

import pytest
import redis
from pytest_django import Settings

from webhooks.core import ids
from webhooks.guards import finished, store


def test_word_wakes_the_one_who_waits(valkey: redis.Redis) -> None:
    key, other = ids.new_id(), ids.new_id()
    timer = threading.Timer(0.05, finished.announce, [[other, key]])
    timer.start()
    started = time.monotonic()
    assert finished.hear(key, 30)
    assert time.monotonic() - started < 20
    timer.join()


def test_word_that_came_before_is_heard_once(valkey: redis.Redis) -> None:
    key = ids.new_id()
    finished.announce([key])
    assert finished.hear(key, 5)
    assert not finished.hear(key, 0.02)


def test_word_is_not_kept_for_long(valkey: redis.Redis) -> None:
    finished.announce([ids.new_id()])
    finished.announce([])
    (name,) = valkey.scan_iter("*")
    assert 0 < valkey.ttl(name) <= finished.TTL


def test_a_wait_longer_than_one_call_to_redis_may_take_goes_on(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished, "_SLICE", 0.02)
    key = ids.new_id()
    timer = threading.Timer(0.1, finished.announce, [[key]])
    timer.start()
    assert finished.hear(key, 30)
    timer.join()


def test_without_redis_the_time_passes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(store, "_resting_until", 0.0)
    started = time.monotonic()
    assert not finished.hear(ids.new_id(), 0.05)
    assert time.monotonic() - started >= 0.05
    finished.announce([ids.new_id()])
