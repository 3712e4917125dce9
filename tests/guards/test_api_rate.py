"""The quota of an API key: what is let through, what is told, and that Redis may be away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from pytest_django import Settings

from tests.services.engine import at_once
from webhooks.guards import api_rate
from webhooks.guards.api_rate import Quota, take


@pytest.fixture(autouse=True)
def _small(settings: Settings, valkey: redis.Redis) -> None:
    settings.WEBHOOKS_API_RATE_LIMIT = 5
    settings.WEBHOOKS_API_RATE_PERIOD = 100


def test_a_quota_is_counted_down_and_then_refuses() -> None:
    key = uuid4()
    found = [take(key) for _ in range(7)]
    assert [quota.remaining for quota in found if quota] == [4, 3, 2, 1, 0, 0, 0]
    assert [bool(quota.retry_in) for quota in found if quota] == [False] * 5 + [True] * 2
    assert found[0] == Quota(limit=5, period=100, remaining=4, whole_in=20)
    last = found[-1]
    assert last is not None
    assert 1 <= last.retry_in <= 20


def test_it_comes_back_bit_by_bit(settings: Settings, valkey: redis.Redis) -> None:
    """One of five is there again after a fifth of the period: the stamp moved back by that."""
    key = uuid4()
    for _ in range(6):
        take(key)
    name = f"clarion:api:{key}"
    valkey.set(name, int(valkey.get(name) or 0) - 20_000_000)  # type: ignore[arg-type]
    again = [take(key) for _ in range(2)]
    assert [bool(quota and quota.retry_in) for quota in again] == [False, True]


def test_the_quota_of_a_key_is_its_own() -> None:
    one, other = uuid4(), uuid4()
    for _ in range(6):
        take(one)
    found = take(other)
    assert found is not None
    assert found.remaining == 4


def test_of_many_at_once_as_many_as_there_are_left_pass() -> None:
    key = uuid4()
    found = at_once(*[lambda: take(key)] * 12)
    assert sum(quota is not None and not quota.retry_in for quota in found) == 5


def test_what_is_kept_vanishes_when_the_quota_is_whole(valkey: redis.Redis) -> None:
    key = uuid4()
    take(key)
    assert 0 < valkey.pttl(f"clarion:api:{key}") <= 20_000


def test_large_quotas_are_exact(settings: Settings) -> None:
    settings.WEBHOOKS_API_RATE_LIMIT = 60_000
    settings.WEBHOOKS_API_RATE_PERIOD = 86_400
    key = uuid4()
    assert [quota.remaining for quota in (take(key) for _ in range(3)) if quota] == [59_999, 59_998, 59_997]


def test_without_a_limit_nobody_is_asked(settings: Settings) -> None:
    settings.WEBHOOKS_API_RATE_LIMIT = 0
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert take(uuid4()) is None
    assert not api_rate._resting_until


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_redis_that_hangs_is_waited_for_once(
    settings: Settings, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_rate, "_TIMEOUT", 0.1)
    monkeypatch.setattr(api_rate, "_REST", 600.0)
    settings.WEBHOOKS_REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
    assert [take(uuid4()) for _ in range(50)] == [None] * 50
    silent.setblocking(False)
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()
