"""Every message comes at least once; ``once`` lets the work be done once.

Invariant: whoever is told NEW holds the message for ``lease`` seconds. When the work ends well it is DONE for ``keep``
seconds, when it fails it is forgotten, and when the process dies the lease runs out: then the sender's next try does
it. Work that takes longer than the lease may be done twice.
"""

from __future__ import annotations

import enum
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from webhooks.receive.failures import InProgress

KEEP = 7 * 86400  # seconds; longer than the longest retry schedule (about 75 hours), and a few days to replay
LEASE = 60  # seconds that the work on one message may take: several times the sender's timeout of 15
CAPACITY = 100_000  # messages that a MemoryLedger remembers: some 30 MB


class State(enum.Enum):
    """What a ledger knows of a message."""

    NEW = "new"
    RUNNING = "running"
    DONE = "done"


class Ledger(Protocol):
    """Remembers ids. ``token`` tells one attempt at the work from another."""

    def begin(self, id: str, token: str) -> State:
        """Claim the message: of any number of callers at one time, one is told NEW."""

    def done(self, id: str) -> None:
        """The work is done: remember it."""

    def forget(self, id: str, token: str) -> None:
        """The work failed: forget the message, unless somebody else has claimed it meanwhile."""


@contextmanager
def once(ledger: Ledger, id: str) -> Iterator[bool]:
    """True when the work on message ``id`` is yours to do, False when it has been done. Wrap the work in it.

    Raises :class:`InProgress` while somebody else does it. An exception of the work frees the message again.
    """
    if not id:
        raise ValueError("a message without an id cannot be recognised")
    token = secrets.token_hex(8)
    state = ledger.begin(id, token)
    if state is State.RUNNING:
        raise InProgress
    if state is State.DONE:
        yield False
        return
    try:
        yield True
    except BaseException:
        ledger.forget(id, token)
        raise
    ledger.done(id)


class MemoryLedger:
    """For one process with any number of threads, and for tests: forgotten when it ends.

    Bounded: beyond ``capacity`` messages the oldest are forgotten.
    """

    def __init__(self, *, keep: float = KEEP, lease: float = LEASE, capacity: int = CAPACITY) -> None:
        self._keep, self._lease, self._capacity = keep, lease, capacity
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()  # id -> token (empty: done), end
        self._lock = threading.Lock()

    def begin(self, id: str, token: str) -> State:
        with self._lock:
            known, until = self._known.get(id, ("", 0.0))
            if until > time.monotonic():
                return State.RUNNING if known else State.DONE
            self._put(id, token, self._lease)
            return State.NEW

    def done(self, id: str) -> None:
        with self._lock:
            self._put(id, "", self._keep)

    def forget(self, id: str, token: str) -> None:
        with self._lock:
            if self._known.get(id, ("", 0.0))[0] == token:
                del self._known[id]

    def _put(self, id: str, token: str, seconds: float) -> None:
        self._known[id] = (token, time.monotonic() + seconds)
        self._known.move_to_end(id)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)


_DONE = b"done"
# Compared and deleted in one step: the lease may run out between a GET and a DEL.
_FORGET = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisLedger:
    """For any number of processes. ``client``: redis-py's, or one with its ``set``, ``get`` and ``eval``."""

    def __init__(self, client: Any, *, prefix: str = "webhook:", keep: int = KEEP, lease: int = LEASE) -> None:
        self._client = client
        self._prefix, self._keep, self._lease = prefix, keep, lease

    def begin(self, id: str, token: str) -> State:
        key = self._prefix + id
        if self._client.set(key, token, nx=True, ex=self._lease):
            return State.NEW
        value = self._client.get(key)
        value = value.encode() if isinstance(value, str) else value
        # None: it ran out, or was freed, this instant. The sender's next try finds it free.
        return State.DONE if value == _DONE else State.RUNNING

    def done(self, id: str) -> None:
        self._client.set(self._prefix + id, _DONE, ex=self._keep)

    def forget(self, id: str, token: str) -> None:
        self._client.eval(_FORGET, 1, self._prefix + id, token)
