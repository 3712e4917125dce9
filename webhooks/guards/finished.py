"""Word that a delivery is finished, for a request that waits for it.

A hint like everything in Redis: it may be lost or never come, so whoever waits looks at the row as well, ever less
often. None is sent for deliveries that nobody can be waiting for.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from uuid import UUID

from redis import Redis

from webhooks.guards import store

TTL = 60  # seconds a word is kept: longer than anybody waits, so that one who asks late still hears it
_SLICE = store.TIMEOUT / 2  # seconds of one blocking call, which has to end before the client's own limit for one
_SHORTEST = 0.01  # seconds; 0 would block for ever
_PREFIX = "clarion:finished:"


def announce(delivery_ids: Sequence[UUID]) -> None:
    """Tell who waits that these deliveries are finished. Call after the commit."""

    def call(redis: Redis) -> None:
        with redis.pipeline(transaction=False) as pipe:
            for delivery_id in delivery_ids:
                pipe.rpush(_PREFIX + delivery_id.hex, "1")
                pipe.expire(_PREFIX + delivery_id.hex, TTL)
            pipe.execute()

    if delivery_ids:
        store.attempt(call, None)


def hear(delivery_id: UUID, seconds: float) -> bool:
    """Wait up to ``seconds`` for word of a delivery; True when it came. Without Redis this only lets the time pass."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        pause = max(_SHORTEST, min(left, _SLICE))
        heard = store.attempt(functools.partial(_pop, _PREFIX + delivery_id.hex, pause), None)
        if heard:
            return True
        if heard is None:  # Redis is away
            time.sleep(pause)
    return False


def _pop(name: str, seconds: float, redis: Redis) -> bool | None:
    return redis.blpop([name], seconds) is not None
