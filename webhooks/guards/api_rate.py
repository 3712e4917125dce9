"""How many requests an API key may still send: one quota for each key, in one Lua call.

GCRA, the token bucket as a single time stamp: a request moves it forward by its share of the period, and it may lie
no more than a period ahead. A quota that was left alone is whole, and comes back bit by bit, not all at once.

Invariant: among all processes a key gets no more than ``limit`` at once and ``limit`` a period. Redis away or slow:
everything is let through, and nobody waits for it for more than _TIMEOUT once in _REST.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webhooks.conf import conf

log = structlog.get_logger(__name__)

_TIMEOUT = 0.1  # seconds: every request of the API waits for this, so a Redis that hangs is given up soon
_REST = 5.0  # seconds without a try after a failure
_resting_until = 0.0

_TAKE = """
local step, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local used = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now) - now + step
if used > period then return {0, used - period, used - step} end
redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
return {1, 0, used}
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key has left. ``retry_in``: seconds until the next request is let through, 0 when this one was."""

    limit: int
    period: int  # seconds
    remaining: int
    whole_in: int  # seconds until all of it is there again
    retry_in: int = 0


def take(key_id: UUID) -> Quota | None:
    """Take one request from the quota of a key; None when nothing is limited or nobody knows."""
    global _resting_until
    limit, period = conf.API_RATE_LIMIT, conf.API_RATE_PERIOD
    if limit <= 0 or time.monotonic() < _resting_until:
        return None
    step = period * 1e6 / limit
    try:
        allowed, wait, used = cast(Any, _script(conf.REDIS_URL))(
            keys=[f"clarion:api:{key_id}"], args=[repr(step), period * 1_000_000]
        )
    except RedisError as error:
        _resting_until = time.monotonic() + _REST
        log.warning("api_rate_unknown", error=type(error).__name__, effect="no API key is limited until it is back")
        return None
    remaining = int((period * 1e6 - used) / step + 1e-6)
    # A refused request that comes back at once would be refused again: at least a second.
    retry_in = 0 if allowed else max(1, math.ceil(wait / 1e6))
    return Quota(limit, period, max(0, remaining), math.ceil(used / 1e6), retry_in)


@lru_cache(maxsize=4)
def _script(url: str) -> Any:
    client = Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=Retry(NoBackoff(), 0))
    return client.register_script(_TAKE)
