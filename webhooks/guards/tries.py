"""Failed tries, counted by whatever names who tries; whoever has used up its tries waits.

A try is counted before it is made and taken back when it was right, so a hundred at once are no more than one after
the other. Invariant: within ``period`` of the first of them no more than the limit of failed tries gets through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from webhooks.guards import store

_ATTEMPT = """
local period, wait = tonumber(ARGV[1]), 0
for i, key in ipairs(KEYS) do
  if (tonumber(redis.call('GET', key)) or 0) >= tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('PTTL', key), 1)
  end
end
if wait > 0 then
  local told = redis.call('SET', KEYS[1] .. ':told', '1', 'NX', 'PX', wait)
  return {wait, told and 1 or 0}
end
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, period) end
end
return {0, 0}
"""

_FORGIVE = """
for i, key in ipairs(KEYS) do
  if i <= tonumber(ARGV[1]) then redis.call('DEL', key)
  elseif (tonumber(redis.call('GET', key)) or 0) > 0 then redis.call('DECR', key) end
end
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """``wait``: seconds until the next try, 0: it may be made now. ``first``: the first refusal."""

    wait: float = 0.0
    first: bool = False


def attempt(limits: Mapping[str, int], period: float) -> Attempt:
    """Count a try under each key, unless one of them has reached its limit; then it is refused and not counted."""
    if not limits:
        return Attempt()

    def call(redis: Redis) -> Attempt:
        arguments = [int(period * 1000), *limits.values()]
        wait, first = cast(Any, redis.register_script(_ATTEMPT))(keys=list(limits), args=arguments)
        return Attempt(int(wait) / 1000, bool(first))

    return store.attempt(call, Attempt())


def forgive(*, begin_anew: Sequence[str] = (), one_less: Sequence[str] = ()) -> None:
    """The try was right: some counters begin anew, others have one failure less."""
    keys = [*begin_anew, *one_less]
    if keys:
        store.attempt(lambda redis: cast(Any, redis.register_script(_FORGIVE))(keys=keys, args=[len(begin_anew)]), None)
