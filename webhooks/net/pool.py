"""Warm connections of one process, shared by its threads."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar


class Poolable(Protocol):
    """A connection that can wait in a pool. ``key`` and ``idle_until`` are the pool's own."""

    key: Hashable
    idle_until: float

    @property
    def is_connected(self) -> bool:
        """False when the peer has closed it, or when anything can be read on it."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


C = TypeVar("C", bound=Poolable)


class ConnectionPool(Generic[C]):
    """Idle connections by key, the one used last first.

    Invariants: a connection belongs to one thread or to the pool, never to both; at most ``max_per_key`` of a
    key and ``max_total`` altogether are idle (the longest idle one goes); none is handed out that was idle
    for more than ``max_age`` seconds. Attack: a connection reused across tenants would leak one's answer to
    another, so the key names the endpoint, not only the host.
    """

    def __init__(self, max_per_key: int = 8, max_total: int = 256, max_age: float = 30.0) -> None:
        self.max_per_key = max_per_key
        self.max_total = max_total
        self.max_age = max_age  # seconds; below the keep-alive time of common servers (60 to 75 s)
        self._reset()
        if hasattr(os, "register_at_fork"):
            myself = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _forget(myself()))

    def take(self, key: Hashable) -> C | None:
        """A live idle connection of ``key``, now the caller's, or None.

        A connection on which anything can be read is dead (the peer closed it) or poisoned (bytes of no
        request); it is closed, and the next one tried. So no request is ever sent on a connection that is
        known to be closed, and none has to be repeated.
        """
        while True:
            now = monotonic()
            with self._lock:
                expired = self._pop_expired(now)
                connection = self._pop_newest(key)
            _close(expired)
            if connection is None or (connection.idle_until > now and connection.is_connected):
                return connection
            connection.close()

    def put(self, connection: C, key: Hashable, keep_for: float | None = None) -> None:
        """Give a connection back; ``keep_for`` seconds when the peer has announced how long it waits."""
        now = monotonic()
        connection.key = key
        connection.idle_until = now + (self.max_age if keep_for is None else min(keep_for, self.max_age))
        with self._lock:
            dropped = self._pop_expired(now)
            self._idle[connection] = now
            mine = self._by_key.setdefault(key, [])
            mine.append(connection)
            if len(mine) > self.max_per_key:
                dropped.append(self._remove(mine[0]))
            if len(self._idle) > self.max_total:
                dropped.append(self._remove(next(iter(self._idle))))
        _close(dropped)

    def clear(self) -> None:
        """Close all idle connections."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
            self._by_key.clear()
        _close(idle)

    def __len__(self) -> int:
        return len(self._idle)

    def _reset(self) -> None:
        """Also run in a forked child: the sockets are the parent's, and its lock may have been held."""
        self._lock = threading.Lock()
        self._idle: OrderedDict[C, float] = OrderedDict()  # oldest first -> idle since
        self._by_key: dict[Hashable, list[C]] = {}

    def _pop_newest(self, key: Hashable) -> C | None:
        mine = self._by_key.get(key)
        return self._remove(mine[-1]) if mine else None

    def _pop_expired(self, now: float) -> list[C]:
        expired = []
        for connection, since in self._idle.items():
            if since + self.max_age > now:
                break
            expired.append(connection)
        return [self._remove(connection) for connection in expired]

    def _remove(self, connection: C) -> C:
        del self._idle[connection]
        mine = self._by_key[connection.key]
        mine.remove(connection)
        if not mine:
            del self._by_key[connection.key]
        return connection


def _forget(pool: ConnectionPool[Any] | None) -> None:
    if pool is not None:
        pool._reset()


def _close(connections: Iterable[Poolable]) -> None:
    for connection in connections:
        connection.close()
