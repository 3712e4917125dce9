"""Doorbells are coalesced: while one for a name is on its way, further ones are not sent.

Invariant: a flag lives for at most TTL seconds and a little more for each bell that was rung with it, so a lost
doorbell delays work by no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from redis import Redis

from webhooks.guards import store

TTL = 10  # seconds; longer than a doorbell waits in a busy queue as a rule, short enough as a worst-case delay
RATE = 20  # bells a second that two small workers answer at least: those rung with a thousand others wait that long
_PREFIX = "clarion:bell:"
_RAISE = """
local fresh = {}
for n, key in ipairs(KEYS) do
    if redis.call('SET', key, '1', 'NX', 'EX', ARGV[1]) then fresh[#fresh + 1] = n end
end
return fresh
"""


def raise_flags(names: Sequence[str]) -> list[str]:
    """Mark the names as rung; return those that were not marked before (all of them without Redis)."""

    def call(redis: Redis) -> list[str]:
        keys = [_PREFIX + name for name in names]
        fresh = cast(Any, redis.register_script(_RAISE))(keys=keys, args=[TTL + len(names) // RATE])
        return [names[n - 1] for n in fresh]

    return store.attempt(call, list(names)) if names else []


def lower_flags(names: Sequence[str]) -> None:
    """The doorbells were answered, or could not be sent: further ones are welcome."""
    if names:
        store.attempt(lambda redis: redis.delete(*(_PREFIX + name for name in names)), 0)
