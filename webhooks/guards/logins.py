"""Failed logins are counted by name and by address; whoever has used up its tries waits.

Own Lua rather than django-axes: the guard layer with its fail-open client is here already, an attempt is counted
before the password is looked at and in one step, so a hundred at once are no more than one after the other, and
no table is written for each try.

Attacks: guessing passwords of one name from many addresses; trying one password on many names from one address; many
attempts at the same moment, between the look at a counter and its increase. By design, whoever knows a name can make
it wait for LOGIN_PERIOD: sessions that exist go on, and the wait never grows with further tries.
Invariant: within LOGIN_PERIOD of the first of them no more than the limit of failed tries reaches the password check.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from webhooks.conf import conf
from webhooks.core.client_address import client_network
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
redis.call('DEL', KEYS[1])
if (tonumber(redis.call('GET', KEYS[2])) or 0) > 0 then redis.call('DECR', KEYS[2]) end
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """``wait``: seconds until this name may try again from here; 0: it may try now. ``first``: the first refusal."""

    wait: float = 0.0
    first: bool = False


def attempt(name: str, address: str) -> Attempt:
    """Count a try as a failure before it is made, unless there were too many; then it is refused and not counted."""

    def call(redis: Redis) -> Attempt:
        keys = _keys(name, address)
        limits = [conf.LOGIN_TRIES_USER, conf.LOGIN_TRIES_ADDRESS]
        arguments = [int(conf.LOGIN_PERIOD * 1000), *limits[: len(keys)]]
        wait, first = cast(Any, redis.register_script(_ATTEMPT))(keys=keys, args=arguments)
        return Attempt(int(wait) / 1000, bool(first))

    return store.attempt(call, Attempt())


def forgive(name: str, address: str) -> None:
    """The try was right: the name begins anew, and the address has one failure less (not none: others sit there)."""
    keys = _keys(name, address)
    store.attempt(lambda redis: cast(Any, redis.register_script(_FORGIVE))(keys=[*keys, keys[0]][:2]), None)


def _keys(name: str, address: str) -> list[str]:
    """Names are hashed: what people type there is nobody's business, and may be long. No address: no such counter."""
    normal = unicodedata.normalize("NFKC", name).casefold().strip()
    digest = hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    network = client_network(address)
    return [f"clarion:login:name:{digest}"] + ([f"clarion:login:address:{network}"] if network else [])
