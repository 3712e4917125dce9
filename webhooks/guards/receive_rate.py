"""How many requests a source takes, and how many of them from one address: token buckets, in one Lua call.

Three buckets (GCRA, a time stamp each): the source's own limit; all requests of one address to it; refused requests of
one address to it. A request needs room in all of them. A refused one gives back what it took of the source's limit and
fills the bucket of its address instead.

Attack: a flood from one address uses up the limit of a source, so that its provider is turned away. What is not
genuine never counts against the source, and what is, no address can send without end.
Invariant: among all processes a source takes no more than ``limit`` genuine requests at once and ``limit`` a period.
Redis away or slow: everything is let through, and nobody waits for it for more than _TIMEOUT once in _REST.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webhooks.conf import conf
from webhooks.core.client_address import client_network
from webhooks.guards import store

log = structlog.get_logger(__name__)
T = TypeVar("T")

_TIMEOUT = 0.1  # seconds: every request waits for this, so a Redis that hangs is given up soon
_REST = 5.0  # seconds without a try after a failure
_HOUR = 3600  # seconds
_resting_until = 0.0

# ARGV: for each bucket its step and period in microseconds, and whether this call takes from it
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local taken = {}
for i, key in ipairs(KEYS) do
  local step, period = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1])
  local used = math.max(tonumber(redis.call('GET', key)) or now, now) - now + step
  if used > period then return used - period end
  if ARGV[3 * i] == '1' then taken[#taken + 1] = {key, used} end
end
for _, one in ipairs(taken) do
  redis.call('SET', one[1], string.format('%.0f', now + one[2]), 'PX', math.ceil(one[2] / 1000))
end
return 0
"""
# KEYS: the count of this hour, then perhaps the source's bucket and that of refused requests of the address
_REFUSED = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], 7200) end
local function move(key, by, most)
  local used = math.max(tonumber(redis.call('GET', key)) or now, now) - now + by
  used = math.min(used, most)
  if used <= 0 then return redis.call('DEL', key) end
  redis.call('SET', key, string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
end
for i = 2, #KEYS do move(KEYS[i], tonumber(ARGV[2 * i - 3]), tonumber(ARGV[2 * i - 2])) end
return count
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """``limit`` requests in ``period`` seconds."""

    limit: int
    period: float

    @property
    def step(self) -> float:
        """Microseconds of the period that one request takes."""
        return self.period * 1e6 / self.limit


def take(source_id: UUID, address: str, own: Limit | None) -> int:
    """Seconds this request has to wait, 0 when it is let in. ``own``: the source's limit, if it has one."""
    buckets = _address_buckets(source_id, address)
    if own is not None:
        buckets.append((_source_key(source_id), own, True))
    if not buckets:
        return 0
    arguments = [part for _, limit, takes in buckets for part in (repr(limit.step), limit.period * 1e6, int(takes))]
    keys = [key for key, _, _ in buckets]
    wait = _attempt(lambda redis: cast(Any, redis.register_script(_TAKE))(keys=keys, args=arguments), 0)
    # A refused request that comes back at once would be refused again: at least a second.
    return max(1, math.ceil(wait / 1e6)) if wait else 0


def refused(source_id: UUID, address: str, own: Limit | None, *, taken: bool) -> int | None:
    """Count a request that was not let in; return how many there were in this hour, None when nobody knows.

    ``taken``: :func:`take` has let it in, so what it took of the source's limit is given back.
    """
    keys, arguments = [_refused_key(source_id)], list[float]()
    if own is not None and taken:
        keys.append(_source_key(source_id))
        arguments += [-own.step, own.period * 1e6]
    for key, limit, takes in _address_buckets(source_id, address):
        if not takes:
            keys.append(key)
            arguments += [limit.step, limit.period * 1e6]

    def call(redis: Redis) -> int | None:
        return int(cast(Any, redis.register_script(_REFUSED))(keys=keys, args=arguments))

    return _attempt(call, None)


def refused_lately(source_ids: list[UUID]) -> dict[UUID, int]:
    """How many requests were refused in this hour and the one before; empty without Redis."""
    if not source_ids:
        return {}
    hour = int(time.time() // _HOUR)
    keys = [f"clarion:in:refused:{key}:{n}" for key in source_ids for n in (hour, hour - 1)]
    counts: list[str | None] = store.attempt(lambda redis: cast(Any, redis).mget(keys), [])
    pairs = [counts[n : n + 2] for n in range(0, len(counts), 2)]
    return {key: sum(int(one or 0) for one in pair) for key, pair in zip(source_ids, pairs, strict=False)}


def _address_buckets(source_id: UUID, address: str) -> list[tuple[str, Limit, bool]]:
    """Key, limit, and whether a request takes from it: those of the address, none when it is not known."""
    network = client_network(address)
    buckets = []
    if network and conf.RECEIVE_REFUSED_LIMIT > 0:
        limit = Limit(conf.RECEIVE_REFUSED_LIMIT, conf.RECEIVE_PERIOD)
        buckets.append((f"clarion:in:bad:{source_id}:{network}", limit, False))
    if network and conf.RECEIVE_ADDRESS_LIMIT > 0:
        limit = Limit(conf.RECEIVE_ADDRESS_LIMIT, conf.RECEIVE_PERIOD)
        buckets.append((f"clarion:in:address:{source_id}:{network}", limit, True))
    return buckets


def _source_key(source_id: UUID) -> str:
    return f"clarion:in:source:{source_id}"


def _refused_key(source_id: UUID) -> str:
    return f"clarion:in:refused:{source_id}:{int(time.time() // _HOUR)}"


def _attempt(call: Callable[[Redis], T], default: T) -> T:
    global _resting_until
    if time.monotonic() < _resting_until:
        return default
    try:
        return call(_client(conf.REDIS_URL))
    except RedisError as error:
        _resting_until = time.monotonic() + _REST
        log.warning("receive_rate_unknown", error=type(error).__name__, effect="no source is limited until it is back")
        return default


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=Retry(NoBackoff(), 0))
