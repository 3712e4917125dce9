"""A small memory for what is looked up all the time and changes next to never."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """A mapping of at most ``size`` entries, each of which ends by itself. Threads may share it.

    Race it is safe against: one thread reads a row, another one changes it and calls :meth:`clear`, and then the
    first one writes down what it read. It says so with the ``generation`` it saw *before* it read, and
    :meth:`put` keeps nothing from before a ``clear``.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()  # the one used longest ago comes first
        self._generation = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def generation(self) -> int:
        """Changes with every :meth:`clear`; read it before the value that is to be put."""
        return self._generation

    def get(self, key: K) -> V | None:
        """The value, None when there is none or its time is over."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            value, until = entry
            if until <= time.monotonic():
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return value

    def put(self, key: K, value: V, until: float, generation: int) -> None:
        """Keep ``value`` until ``until`` (of :func:`time.monotonic`) unless it was read before a :meth:`clear`."""
        with self._lock:
            if generation != self._generation or until <= time.monotonic():
                return
            self._entries[key] = value, until
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, and whatever was read up to now."""
        with self._lock:
            self._generation += 1
            self._entries.clear()
