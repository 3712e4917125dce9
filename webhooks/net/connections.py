"""Connections to checked addresses: urllib3's connection classes with an address guard at the socket.

urllib3 keeps the part that must not be home-made (TLS with SNI and certificate checked against the *name*);
the socket under it can only lead to an address that was resolved and judged here.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from itertools import zip_longest
from time import monotonic
from typing import Any

import urllib3.connection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from webhooks.core.addresses import AllowList, judge
from webhooks.core.urls import CanonicalUrl
from webhooks.net.deadline import Deadline
from webhooks.net.resolver import Answer
from webhooks.net.result import ErrorClass, ExchangeFailed, Timings, Unreachable

MAX_CONNECTS = 3  # addresses tried for one request
# The process itself is short of something; the receiver is not to blame.
_OUR_FAULT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
_TEST_ADDRESSES = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # never assigned to a host

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Trace:
    """What an exchange reports about itself while it goes on."""

    timings: Timings = field(default_factory=Timings)
    address: str | None = None
    reused: bool = False


class _Guarded:
    """Mixin over urllib3's connections: connects to ``answers`` (all judged before) and to nothing else."""

    answers: Sequence[Answer]
    deadline: Deadline
    allow: AllowList
    trace: Trace
    # Book-keeping of the pool
    key: Hashable = None
    address: str = ""
    idle_until: float = 0.0

    def _new_conn(self) -> socket.socket:
        sock = connect_checked(self.answers, self.deadline, self.allow, self.trace)
        self.address = self.trace.address or ""
        return sock


class GuardedHTTPConnection(_Guarded, urllib3.connection.HTTPConnection):
    """``http://``"""


class GuardedHTTPSConnection(_Guarded, urllib3.connection.HTTPSConnection):
    """``https://``"""


Connection = GuardedHTTPConnection | GuardedHTTPSConnection


def check_answers(
    port: int, answers: Sequence[Answer], *, allow: AllowList, own_blocked: bool, usual: Collection[int] = frozenset()
) -> None:
    """Refuse a target unless *every* answer may be connected to; raises :class:`Unreachable`.

    Attack: a name with one public and one private address passes a check of the first answer and connects to
    the second. ``own_blocked``: this host's own addresses are refused too, because its services that listen
    on a public interface see such a request coming from inside their firewall. ``usual``: see ``judge``.
    """
    for answer in answers:
        reason = judge(answer.address, port, allow, usual)
        if reason is None and own_blocked and is_own_address(answer) and not _permitted(answer, port, allow):
            reason = "own_address"
        if reason is not None:
            raise Unreachable(f"{answer.address} is forbidden ({reason}), one of {len(answers)} addresses")


def open_connection(
    url: CanonicalUrl,
    answers: Sequence[Answer],
    *,
    allow: AllowList,
    deadline: Deadline,
    context: ssl.SSLContext | None,
    trace: Trace,
) -> Connection:
    """Connect (and shake hands) with the host of ``url`` at one of the judged ``answers``.

    ``deadline`` bounds connect and handshake together. Raises :class:`ExchangeFailed`.
    """
    connection: Connection
    if url.scheme == "https":
        connection = GuardedHTTPSConnection(url.host, url.port, ssl_context=context)
    else:
        connection = GuardedHTTPConnection(url.host, url.port)
    connection.answers = first_answers(answers)
    connection.deadline, connection.allow, connection.trace = deadline, allow, trace
    started = monotonic()
    try:
        connection.connect()
    except ExchangeFailed:
        connection.close()
        raise
    except (OSError, HTTPError, CertificateError) as error:
        connection.close()
        raise tls_failure(error) from error
    except BaseException:
        connection.close()
        raise
    if context is not None:
        trace.timings.tls = (monotonic() - started) * 1000 - (trace.timings.connect or 0.0)
    return connection


def connect_checked(
    answers: Sequence[Answer], deadline: Deadline, allow: AllowList, trace: Trace, usual: Collection[int] = frozenset()
) -> socket.socket:
    """A socket to one of the judged ``answers``, its timeout set to what is left. Raises :class:`ExchangeFailed`."""
    started = monotonic()
    sock = _connect_any(answers, deadline)
    try:
        trace.address = _check_peer(sock, answers, allow, usual)
    except BaseException:
        sock.close()
        raise
    trace.timings.connect = (monotonic() - started) * 1000
    sock.settimeout(max(deadline.remaining(), 0.001))  # for the handshake
    return sock


def is_own_address(answer: Answer) -> bool:
    """True when this host itself has the address: a socket can be bound to those only."""
    family = answer.family
    return _can_bind(family, answer.address) and not _can_bind_anything(family)


@cache
def _can_bind_anything(family: socket.AddressFamily) -> bool:
    """True under ``ip_nonlocal_bind`` (load balancers): binding proves nothing there."""
    return _can_bind(family, _TEST_ADDRESSES[family])


def _can_bind(family: socket.AddressFamily, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _permitted(answer: Answer, port: int, allow: AllowList) -> bool:
    return allow.permits(ip_address(answer.address), port)


def first_answers(answers: Sequence[Answer]) -> list[Answer]:
    """The MAX_CONNECTS to try, families alternating in the resolver's order: a dead IPv6 route leaves IPv4 its try."""
    first = [answer for answer in answers if answer.family == answers[0].family]
    second = [answer for answer in answers if answer.family != answers[0].family]
    return [answer for pair in zip_longest(first, second) for answer in pair if answer is not None][:MAX_CONNECTS]


def _connect_any(answers: Sequence[Answer], deadline: Deadline) -> socket.socket:
    for position, answer in enumerate(answers, start=1):
        share = deadline.remaining() / (len(answers) - position + 1)
        try:
            return _connect(answer, max(share, 0.001))
        except OSError as error:
            if position == len(answers):
                raise _connect_failure(error) from error
    raise Unreachable("the name has no address")


def _connect(answer: Answer, timeout: float) -> socket.socket:
    sock = socket.socket(answer.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(answer.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_peer(
    sock: socket.socket, answers: Sequence[Answer], allow: AllowList, usual: Collection[int] = frozenset()
) -> str:
    """The address at the other end, judged once more: whatever lies between, this is who gets the bytes."""
    address, port = _peer_name(sock)
    checked = {ip_address(answer.address) for answer in answers}
    if ip_address(address) not in checked or judge(address, port, allow, usual) is not None:
        raise Unreachable(f"the connection leads to {address}, which was not judged or is forbidden")
    return address


def _peer_name(sock: socket.socket) -> tuple[str, int]:
    try:
        name: Any = sock.getpeername()
    except OSError as error:
        raise _connect_failure(error) from error
    return str(name[0]), int(name[1])


def _connect_failure(error: OSError) -> ExchangeFailed:
    if error.errno in _OUR_FAULT:
        logger.error("no socket for an outgoing connection: %s", error)
        return ExchangeFailed(ErrorClass.INTERNAL_ERROR, "Clarion could not open a connection just now.")
    if isinstance(error, TimeoutError):
        return ExchangeFailed(ErrorClass.CONNECT_TIMEOUT, "The host did not accept the connection in time.")
    if isinstance(error, ConnectionRefusedError):
        return ExchangeFailed(
            ErrorClass.CONNECT_REFUSED, "The host refused the connection; nothing listens on the port."
        )
    return ExchangeFailed(ErrorClass.CONNECT_ERROR, "The host could not be reached.")


def tls_failure(error: Exception) -> ExchangeFailed:
    """A failed handshake, in words."""
    return ExchangeFailed(ErrorClass.TLS_ERROR, f"The TLS handshake failed: {tls_reason(error)}.")


def tls_reason(error: BaseException) -> str:
    """What is wrong with the peer's TLS, in words and without its texts."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid ({error.verify_message or 'verification failed'})"
    if isinstance(error, CertificateError):
        return "the certificate is not valid for this host name"
    if isinstance(error, TimeoutError):
        return "it was not finished in time"
    text = str(error).upper().replace(" ", "_")
    for mark, reason in _TLS_REASONS.items():
        if mark in text:
            return reason
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return "the host closed the connection"
    return "the host does not speak acceptable TLS"


_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": "the host does not speak TLS on this port",
    "HTTP_REQUEST": "the host does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "the host does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "the host offers no TLS version from 1.2 on",
    "PROTOCOL_VERSION": "the host offers no TLS version from 1.2 on",
    "CERTIFICATE_REQUIRED": "the host asks for a client certificate",
    "ALERT_UNKNOWN_CA": "the host does not know the authority of the client certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the host says that the client certificate has expired",
    "ALERT_BAD_CERTIFICATE": "the host does not accept the client certificate",
    "ALERT_UNSUPPORTED_CERTIFICATE": "the host does not accept the client certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "the host does not accept the client certificate",
    "ALERT_CERTIFICATE_REVOKED": "the host says that the client certificate was revoked",
    "ALERT_ACCESS_DENIED": "the host does not accept the client certificate",
    "UNEXPECTED_EOF": "the host closed the connection",
    "EOF_OCCURRED": "the host closed the connection",
}
