"""Guards fail open, and an outage of Redis costs one time-out a second and not one a call."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisAway

from tests.waiting import eventually
from webhooks.guards import store


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_resting_until", 0.0)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def counting(calls: list[int], call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def counted(client: Any) -> Any:
        calls.append(1)
        return call(client)

    return counted


def test_a_call_gets_the_client_and_its_result_is_returned(valkey: redis.Redis) -> None:
    valkey.set("k", "v")
    assert store.attempt(lambda client: client.get("k"), None) == "v"


def test_without_redis_the_default_is_returned_and_it_is_left_alone_for_a_while(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_REST", 600.0)
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    calls: list[int] = []
    for _ in range(50):
        assert store.attempt(counting(calls, lambda client: client.get("k")), "default") == "default"
    assert len(calls) == 1


def test_it_is_asked_again_after_the_rest(
    settings: Settings, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_REST", 0.05)

    def break_down(client: Any) -> Any:
        raise RedisAway

    assert store.attempt(break_down, "default") == "default"
    assert eventually(lambda: store.attempt(lambda client: client.ping(), False))


def test_a_redis_that_hangs_costs_one_time_out(
    settings: Settings, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: a Redis that accepts and does not answer would hold every worker thread for ever."""
    monkeypatch.setattr(store, "TIMEOUT", 0.1)
    monkeypatch.setattr(store, "_REST", 600.0)
    settings.WEBHOOKS_REDIS_URL = f"redis://127.0.0.1:{silent_port}/0"
    calls: list[int] = []
    for _ in range(10):
        assert store.attempt(counting(calls, lambda client: client.get("k")), 7) == 7
    assert len(calls) == 1


def test_a_fault_of_ours_is_not_taken_for_an_outage(valkey: redis.Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        store.attempt(lambda client: 1 // 0, None)
    assert store.attempt(lambda client: client.ping(), False)
