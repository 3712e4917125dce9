"""The connection to Redis or Valkey for guards. Whatever is kept there may vanish at any time.

Guards fail open: without Redis nothing is limited and nothing is lost, because rows and leases decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webhooks.conf import conf

log = structlog.get_logger(__name__)
T = TypeVar("T")

TIMEOUT = 1.0  # seconds per command: guards are a hint and must not hold a request or a worker
_REST = 1.0  # seconds without a try after a failure, so that an outage costs one timeout a second, not one a call
_resting_until = 0.0


@lru_cache(maxsize=4)
def _client(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0), decode_responses=True
    )


def client() -> Redis:
    """The shared, thread-safe client of this process."""
    return _client(conf.REDIS_URL)


def attempt(call: Callable[[Any], T], default: T) -> T:
    """``call(client)``, or ``default`` when Redis is away or was a moment ago."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return default
    try:
        return call(client())
    except RedisError as error:
        _resting_until = time.monotonic() + _REST
        log.warning("guards_unavailable", error=type(error).__name__, effect="nothing is limited until it is back")
        return default
