"""Doorbells are coalesced: while one for a name is on its way, further ones are not sent.

Invariant: a flag lives for at most TTL seconds, so a lost doorbell delays work by no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from webhooks.guards import store

TTL = 10  # seconds; longer than a doorbell waits in a busy queue as a rule, short enough as a worst-case delay
_PREFIX = "clarion:bell:"


def raise_flags(names: Sequence[str]) -> list[str]:
    """Mark the names as rung; return those that were not marked before (all of them without Redis)."""

    def call(redis: Redis) -> list[str]:
        with redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.set(_PREFIX + name, "1", nx=True, ex=TTL)
            return [name for name, fresh in zip(names, pipe.execute(), strict=True) if fresh]

    return store.attempt(call, list(names)) if names else []


def lower_flags(names: Sequence[str]) -> None:
    """The doorbells were answered, or could not be sent: further ones are welcome."""
    if names:
        store.attempt(lambda redis: redis.delete(*(_PREFIX + name for name in names)), 0)
