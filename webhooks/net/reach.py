"""Sockets to checked addresses, for protocols other than HTTP.

The same rules as for HTTP: a name is resolved once, every answer is judged, and the socket leads to an address that was
judged. Besides, whoever speaks on it is bounded: by a deadline over all operations together, and in what is read.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from urllib3.util import wait_for_read

from webhooks.core.addresses import AllowList
from webhooks.net.connections import Trace, check_answers, connect_checked, first_answers, tls_failure
from webhooks.net.deadline import Deadline
from webhooks.net.resolver import Answer, Resolver
from webhooks.net.result import ErrorClass, ExchangeFailed, Unreachable

MAX_READ = 1_048_576  # bytes a broker may send in one exchange: it has to say little


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect to. ``usual``: ports of the protocol, see :func:`webhooks.core.addresses.judge`."""

    host: str
    port: int
    usual: Collection[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which places can be reached, see :class:`webhooks.net.client.HttpClient` for the names.

    ``services``: hosts and ports of our own database, Redis and broker, which are never a target, whatever is allowed:
    a tenant's message in Celery's queue would be a task.
    """

    allow: AllowList
    deny_hosts: Collection[str]
    connect_timeout: float
    services: Callable[[], Collection[tuple[str, int]]]
    own_blocked: bool = True
    resolver: Resolver = field(default_factory=Resolver)

    def answers(self, place: Place, deadline: Deadline) -> list[Answer]:
        """The addresses of a place, each of them judged. Raises :class:`ExchangeFailed`."""
        if place.host in self.deny_hosts:
            raise Unreachable("the host is one of Clarion's own names")
        answers = self.resolver.resolve(place.host, place.port, deadline)
        check_answers(place.port, answers, allow=self.allow, own_blocked=self.own_blocked, usual=place.usual)
        ours = self._ours(place.port, deadline)
        for answer in answers:
            if answer.address in ours:
                raise Unreachable(f"{answer.address}:{place.port} is a service of Clarion itself")
        return answers

    def _ours(self, port: int, deadline: Deadline) -> set[str]:
        """Addresses at which a service of our own listens on ``port``, as they are now."""
        found: set[str] = set()
        for host in {host for host, known in self.services() if known == port}:
            with suppress(ExchangeFailed):
                found |= {answer.address for answer in self.resolver.resolve(host, port, deadline)}
        return found

    def connect(
        self, place: Place, deadline: Deadline, trace: Trace, context: ssl.SSLContext | None = None
    ) -> socket.socket:
        """A connected socket, with TLS when ``context`` is given. Raises :class:`ExchangeFailed`."""
        started = monotonic()
        answers = self.answers(place, deadline.within(self.connect_timeout))
        trace.timings.dns = (monotonic() - started) * 1000
        setup = deadline.within(self.connect_timeout)
        sock = connect_checked(first_answers(answers), setup, self.allow, trace, place.usual)
        if context is None:
            return sock
        started = monotonic()
        try:
            secured = context.wrap_socket(sock, server_hostname=place.host)
        except (OSError, ValueError) as error:
            sock.close()
            raise tls_failure(error) from error
        trace.timings.tls = (monotonic() - started) * 1000
        return secured


@dataclass(slots=True)
class Bounds:
    """The bounds of one exchange after the other on one socket: the present one's deadline, and bytes left to read."""

    deadline: Deadline
    left: int = MAX_READ

    def renew(self, deadline: Deadline) -> None:
        """Begin the next exchange."""
        self.deadline, self.left = deadline, MAX_READ

    def count(self, read: int) -> None:
        """Attack: a broker that announces a frame of gigabytes, and sends it, fills the worker's memory."""
        self.left -= read
        if self.left < 0:
            raise ExchangeFailed(ErrorClass.PROTOCOL_ERROR, "The broker sent more than an answer takes.")


class BoundedSocket:
    """A socket whose every operation ends at the deadline of its bounds, whatever timeout a library sets.

    Attack: a library's timeout holds for one receive, so a broker that sends a byte every few seconds holds a worker
    for ever. Only a timeout of 0 (do not wait at all) is the library's to choose.
    """

    def __init__(self, sock: socket.socket, bounds: Bounds) -> None:
        self._sock = sock
        self._bounds = bounds
        self._waits = True

    def recv(self, size: int, *flags: int) -> bytes:
        """See socket.socket."""
        self._arm()
        data = self._sock.recv(size, *flags)
        self._bounds.count(len(data))
        return data

    def recv_into(self, buffer: Any, *more: int) -> int:
        """See socket.socket."""
        self._arm()
        read = self._sock.recv_into(buffer, *more)
        self._bounds.count(read)
        return read

    def send(self, data: Any, *flags: int) -> int:
        """See socket.socket."""
        self._arm()
        return self._sock.send(data, *flags)

    def sendall(self, data: Any, *flags: int) -> None:
        """See socket.socket."""
        self._arm()
        self._sock.sendall(data, *flags)

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        """See socket.socket; but the segment size stays the kernel's.

        py-amqp writes back the size it has read, and Linux, which finds more than 32,767 bytes on a loopback device
        once the peer has sent, refuses that.
        """
        if (level, option) != (socket.IPPROTO_TCP, socket.TCP_MAXSEG):
            self._sock.setsockopt(level, option, *value)

    def settimeout(self, value: float | None) -> None:
        """Whether to wait; how long is not the library's to say."""
        self._waits = value != 0

    def _arm(self) -> None:
        if self._waits:
            self._bounds.deadline.arm(self._sock)
        else:
            self._sock.settimeout(0)

    @property
    def idle(self) -> bool:
        """Open, and nothing can be read: a broker that has something to say unasked is about to close."""
        try:
            return not wait_for_read(self._sock, timeout=0.0)
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
