"""Access tokens shared by all processes: encrypted texts in Redis, and a lock so that one process asks for a new one.

What is stored here is opaque: whoever reads Redis learns nothing. Redis away: nothing is shared, and every process
asks for tokens of its own.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from redis import Redis

from webhooks.guards import store

_UNLOCK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def _key(endpoint_id: UUID) -> str:
    return f"clarion:token:{endpoint_id}"


def _lock_key(endpoint_id: UUID) -> str:
    return f"clarion:token-lock:{endpoint_id}"


def read(endpoint_id: UUID) -> str | None:
    """What was kept last, None when there is nothing."""
    return store.attempt(lambda redis: cast("str | None", redis.get(_key(endpoint_id))), None)


def keep(endpoint_id: UUID, text: str, seconds: float) -> None:
    """Keep ``text`` for so long."""
    store.attempt(lambda redis: redis.set(_key(endpoint_id), text, px=max(1, int(seconds * 1000))), None)


def lock(endpoint_id: UUID, owner: str, seconds: float) -> bool:
    """Whether ``owner`` may ask for a token now; nobody else may for ``seconds``, or until :func:`unlock`."""

    def call(redis: Redis) -> bool:
        return bool(redis.set(_lock_key(endpoint_id), owner, nx=True, px=max(1, int(seconds * 1000))))

    return store.attempt(call, True)


def unlock(endpoint_id: UUID, owner: str) -> None:
    """Let others ask, unless the lock has gone to another owner meanwhile."""

    def call(redis: Redis) -> Any:
        return cast(Any, redis.register_script(_UNLOCK))(keys=[_lock_key(endpoint_id)], args=[owner])

    store.attempt(call, 0)
