"""May an endpoint be called now, and how often: breaker, concurrency slots and rate, in one Lua call each way.

Invariants: an open breaker lets nothing through until its time is up, then exactly one probe among all
workers; no more drains hold a slot than the limit, which grows by one with each clean drain and halves with
each failing one; a slot or probe of a worker that died frees itself after its time, and what it reports later
is not taken for the result of its successor.
Redis away: everything is let through (:mod:`webhooks.guards.store`).

Times are Redis's own, and leave as seconds from now: a worker's clock may be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from redis import Redis

from webhooks.conf import conf
from webhooks.guards import store

INITIAL_SLOTS = 4  # parallel drains an unknown endpoint starts with
_KEEP_MS = 172_800_000  # two days after its last use an endpoint is unknown again

_ADMIT = """
local gate, slots = KEYS[1], KEYS[2]
local token, ttl, max_slots = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local rate, period, want = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local initial, keep = tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', gate, 'open_until', 'probe_until', 'limit', 'tokens', 'tokens_at')
local open_until, probe_until = tonumber(state[1]), tonumber(state[2]) or 0
if open_until and now < open_until then return {0, 0, open_until - now, 'breaker'} end
if open_until and now < probe_until then return {0, 0, 0, 'busy'} end
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
local limit = math.min(max_slots, math.max(1, math.floor(tonumber(state[3]) or initial)))
if redis.call('ZCARD', slots) >= limit then return {0, 0, 0, 'busy'} end
local granted = want
if open_until then granted = 1 end
if rate > 0 then
  local tokens = math.min(rate, (tonumber(state[4]) or rate) + (now - (tonumber(state[5]) or now)) * rate / period)
  if tokens < 1 then return {0, 0, math.ceil((1 - tokens) * period / rate), 'rate_limit'} end
  granted = math.min(granted, math.floor(tokens))
  redis.call('HSET', gate, 'tokens', tostring(tokens - granted), 'tokens_at', now)
end
if open_until then redis.call('HSET', gate, 'probe_until', now + ttl, 'probe', token) end
redis.call('ZADD', slots, now + ttl, token)
redis.call('PEXPIRE', slots, keep)
redis.call('PEXPIRE', gate, keep)
return {granted, open_until and 1 or 0, 0, 'ok'}
"""

_SETTLE = """
local gate, slots = KEYS[1], KEYS[2]
local token, probe, unused = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local answered, failed, tail = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local threshold, cooldown, longest = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local max_slots, initial, keep = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', slots, token)
if unused > 0 and redis.call('HEXISTS', gate, 'tokens') == 1 then
  redis.call('HINCRBYFLOAT', gate, 'tokens', unused)
end
probe = probe and redis.call('HGET', gate, 'probe') == token
if probe then redis.call('HDEL', gate, 'probe_until', 'probe') end
if answered + failed == 0 then return -1 end
local limit = tonumber(redis.call('HGET', gate, 'limit')) or initial
if failed == 0 then limit = math.min(max_slots, limit + 1) else limit = math.max(1, limit / 2) end
redis.call('HSET', gate, 'limit', tostring(limit))
local fails = tail
if answered == 0 then fails = fails + (tonumber(redis.call('HGET', gate, 'fails')) or 0) end
redis.call('HSET', gate, 'fails', fails)
redis.call('PEXPIRE', gate, keep)
if fails == 0 then
  redis.call('HDEL', gate, 'open_until', 'cooldown', 'probe_until', 'probe')
  return -1
end
local open_until = tonumber(redis.call('HGET', gate, 'open_until'))
if open_until and not probe then return math.max(open_until - now, 0) end
if fails < threshold and not probe then return -1 end
local last = tonumber(redis.call('HGET', gate, 'cooldown'))
local rest = cooldown
if probe and last then rest = math.min(longest, last * 2) end
redis.call('HSET', gate, 'open_until', now + rest, 'cooldown', rest)
return rest
"""


class Denial(StrEnum):
    BREAKER = "breaker"
    BUSY = "busy"
    RATE_LIMIT = "rate_limit"


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send up to ``count`` requests; 0 means no, for ``denial``, for ``retry_in`` seconds."""

    token: str
    count: int
    probe: bool = False
    denial: Denial | None = None
    retry_in: float = 0.0


def _keys(endpoint_id: UUID) -> list[str]:
    return [f"clarion:gate:{endpoint_id}", f"clarion:slots:{endpoint_id}"]


def admit(
    endpoint_id: UUID, token: str, *, want: int, hold: float, max_slots: int, rate: int = 0, period: float = 1.0
) -> Grant:
    """Take a slot for ``hold`` seconds and up to ``want`` requests of the rate (``rate`` per ``period`` s, 0: none)."""

    def call(redis: Redis) -> Grant:
        arguments = [
            token, int(hold * 1000), max_slots, rate, int(period * 1000), want, INITIAL_SLOTS, _KEEP_MS,
        ]  # fmt: skip
        granted, probe, retry_in, word = cast(Any, redis.register_script(_ADMIT))(
            keys=_keys(endpoint_id), args=arguments
        )
        denial = None if word == "ok" else Denial(word)
        return Grant(token, int(granted), bool(probe), denial, int(retry_in) / 1000)

    return store.attempt(call, Grant(token, want))


def settle(endpoint_id: UUID, grant: Grant, *, answered: int, failed: int, tail: int, max_slots: int) -> float | None:
    """Give the slot back with its results; return the seconds until the breaker lets through, None while it is closed.

    ``answered``: requests that say the endpoint is well; ``failed``: those that count against it;
    ``tail``: failures in a row at the end.
    """

    def call(redis: Redis) -> float | None:
        arguments = [
            grant.token, int(grant.probe), max(0, grant.count - answered - failed), answered, failed, tail,
            conf.BREAKER_FAILURES, int(conf.BREAKER_COOLDOWN * 1000), int(conf.BREAKER_MAX_COOLDOWN * 1000),
            max_slots, INITIAL_SLOTS, _KEEP_MS,
        ]  # fmt: skip
        opened = cast(Any, redis.register_script(_SETTLE))(keys=_keys(endpoint_id), args=arguments)
        return int(opened) / 1000 if int(opened) >= 0 else None

    return store.attempt(call, None)


def breaker_states(endpoint_ids: Sequence[UUID]) -> dict[UUID, str]:
    """``closed``, ``open`` or ``half_open`` for each endpoint, in one round trip."""

    def call(redis: Redis) -> dict[UUID, str]:
        with redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for endpoint_id in endpoint_ids:
                pipe.hget(_keys(endpoint_id)[0], "open_until")
            (seconds, _), *until = pipe.execute()
        words = ("closed" if at is None else "open" if float(at) / 1000 > seconds else "half_open" for at in until)
        return dict(zip(endpoint_ids, words, strict=True))

    return store.attempt(call, dict.fromkeys(endpoint_ids, "closed")) if endpoint_ids else {}


def reset(endpoint_id: UUID) -> None:
    """Forget what is known of an endpoint: its owner changed it, so it deserves a fresh start."""
    store.attempt(lambda redis: redis.delete(_keys(endpoint_id)[0]), 0)
