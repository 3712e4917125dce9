"""Name resolution with a deadline, which ``getaddrinfo`` lacks."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any, NamedTuple

from webhooks.core.urls import is_ip_literal
from webhooks.net.deadline import Deadline
from webhooks.net.result import ErrorClass, ExchangeFailed, Unreachable

MAX_ANSWERS = 16  # addresses; enough for any honest name, and an answer of thousands costs nothing
MAX_LOOKUPS = 64  # threads that may wait for name servers at once, in the whole process

logger = logging.getLogger(__name__)

# Like socket.getaddrinfo(host, port, type=...): list of (family, type, proto, canonname, sockaddr).
Lookup = Callable[..., list[Any]]


class Answer(NamedTuple):
    """One resolved address; ``sockaddr`` as the family's ``connect`` wants it."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> str:
        return str(self.sockaddr[0])


class Resolver:
    """Looks names up in daemon threads; requests for a name that is being looked up wait for that lookup.

    Attack: name servers that never answer. A hanging lookup costs one thread a name, never the caller's
    worker thread beyond its deadline, and a name with thousands of requests waiting still costs one thread.
    Nothing is cached: each attempt sees the name's present addresses.
    """

    def __init__(self, lookup: Lookup | None = None, max_lookups: int = MAX_LOOKUPS) -> None:
        self._lookup = lookup
        self._max_lookups = max_lookups
        self._running: dict[tuple[str, int], Future[list[Answer]]] = {}
        self._lock = threading.Lock()

    def resolve(self, host: str, port: int, deadline: Deadline) -> list[Answer]:
        """The addresses of ``host``, at most 16. :class:`Unreachable` when it has none.

        ``internal_error`` when this process waits for too many lookups to begin another.
        """
        if is_ip_literal(host):
            return [_literal(host, port)]
        try:
            answers = self._start(host, port).result(timeout=max(deadline.remaining(), 0))
        except TimeoutError:
            raise Unreachable("the name servers did not answer in time") from None
        except socket.gaierror as error:
            raise Unreachable(_why(error)) from None
        except (OSError, UnicodeError):
            raise Unreachable("the lookup failed") from None
        if not answers:
            raise Unreachable("the name has no address")
        return answers

    def _start(self, host: str, port: int) -> Future[list[Answer]]:
        key = (host, port)
        with self._lock:
            if key in self._running:
                return self._running[key]
            if len(self._running) >= self._max_lookups:
                logger.error("%d name lookups are waiting; that of %s was not begun", len(self._running), host)
                raise ExchangeFailed(ErrorClass.INTERNAL_ERROR, "Clarion could not look the host's name up just now.")
            future: Future[list[Answer]] = Future()
            threading.Thread(target=self._run, args=(key, future), name="dns", daemon=True).start()
            self._running[key] = future
        return future

    def _run(self, key: tuple[str, int], future: Future[list[Answer]]) -> None:
        try:
            rows = (self._lookup or socket.getaddrinfo)(*key, type=socket.SOCK_STREAM)
            answers = [Answer(family, sockaddr) for family, _, _, _, sockaddr in rows]
            outcome: list[Answer] | Exception = list(dict.fromkeys(answers))[:MAX_ANSWERS]
        except Exception as error:
            outcome = error
        with self._lock:
            del self._running[key]
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _literal(host: str, port: int) -> Answer:
    if ip_address(host).version == 6:
        return Answer(socket.AF_INET6, (host, port, 0, 0))
    return Answer(socket.AF_INET, (host, port))


def _why(error: socket.gaierror) -> str:
    if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
        return "the name does not exist"
    if error.errno == socket.EAI_AGAIN:
        return "the name servers failed, which is usually temporary"
    return "the lookup failed"
