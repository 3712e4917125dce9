"""The one HTTP client for everything Clarion sends: deliveries, token requests, callbacks, handshakes.

It follows no redirects, uses no proxy, ``.netrc`` or other setting of the environment, keeps no cookies and
decodes nothing; whatever the peer does, a call ends at its deadline with an :class:`HttpResult`.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from time import monotonic
from types import TracebackType

from webhooks.core.addresses import NOTHING_ALLOWED, AllowList, judge
from webhooks.core.headers import clean_stored
from webhooks.core.urls import CanonicalUrl
from webhooks.net import http1
from webhooks.net.connections import Connection, Trace, check_answers, open_connection, tls_reason
from webhooks.net.deadline import Deadline
from webhooks.net.pool import ConnectionPool
from webhooks.net.refusal import refused
from webhooks.net.resolver import Answer, Resolver
from webhooks.net.result import ErrorClass, ExchangeFailed, HttpResult, Unreachable
from webhooks.net.tls import ClientCertificate, TlsContexts

MAX_STORED_HEADERS = 100
MAX_STORED_NAME = 128  # characters
MAX_STORED_VALUE = 2048  # characters
MAX_STORED_TOTAL = 16_384  # characters of all names and values

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    url: CanonicalUrl
    content: bytes
    deadline: Deadline
    pool_key: Hashable
    identity: ClientCertificate | None
    body_limit: int


class HttpClient:
    """Sends requests to checked addresses over warm connections; safe for threads, one per process.

    ``allow``: networks of the operator's own that may be targets. ``connect_timeout``: seconds for the
    lookup, and again for connect and TLS handshake. ``body_limit``: bytes kept of an answer's body; of a
    longer one the rest is not read. ``body_time``: seconds a body may take once the status is known.
    ``deny_hosts``: names that are never a target (our own public name, or our events would loop; our database).
    ``own_blocked``: refuse this host's own addresses unless ``allow`` has them. ``refusal_step``: seconds; an
    unreachable target is reported after one, two, four ... steps, so that the time does not tell why.
    """

    def __init__(
        self,
        *,
        allow: AllowList = NOTHING_ALLOWED,
        connect_timeout: float = 5.0,
        ca_bundle: str = "",
        body_limit: int = 16_384,
        body_time: float = 2.0,
        user_agent: str = "Clarion",
        deny_hosts: Collection[str] = (),
        own_blocked: bool = True,
        refusal_step: float = 0.25,
        resolver: Resolver | None = None,
        pool: ConnectionPool[Connection] | None = None,
    ) -> None:
        self.allow = allow
        self.connect_timeout = connect_timeout
        self.body_limit = body_limit
        self.body_time = body_time
        self.user_agent = user_agent
        self.deny_hosts = frozenset(host.lower() for host in deny_hosts)
        self.own_blocked = own_blocked
        self.refusal_step = refusal_step
        self.pool: ConnectionPool[Connection] = pool or ConnectionPool()
        self._resolver = resolver or Resolver()
        self._contexts = TlsContexts(ca_bundle)

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections; the client can be used again."""
        self.pool.clear()

    def post(
        self,
        url: CanonicalUrl,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float,
        pool_key: Hashable,
        identity: ClientCertificate | None = None,
        body_limit: int | None = None,
    ) -> HttpResult:
        """POST ``body`` and return what came of it within ``timeout`` seconds, see :meth:`request`."""
        return self.request(
            "POST", url, body=body, headers=headers, timeout=timeout, pool_key=pool_key, identity=identity,
            body_limit=body_limit,
        )  # fmt: skip

    def request(
        self,
        method: str,
        url: CanonicalUrl,
        *,
        headers: Mapping[str, str],
        timeout: float,
        pool_key: Hashable,
        body: bytes = b"",
        identity: ClientCertificate | None = None,
        body_limit: int | None = None,
    ) -> HttpResult:
        """Send one request and return its outcome; never raises for anything the network or the peer does.

        ``timeout``: seconds for everything together: lookup, connect, handshake, request, headers and body.
        ``pool_key``: who may share warm connections (the endpoint's id). ``identity``: client certificate.
        ``body_limit``: bytes kept of the answer's body when they are not the client's usual ones.
        Host, Content-Length, Accept-Encoding and the connection's headers are the client's own.
        """
        trace, started = Trace(), monotonic()
        try:
            content = http1.encode_request(method, url, self._with_defaults(headers), body)
            limit = self.body_limit if body_limit is None else body_limit
            request = _Request(url, content, Deadline(timeout), pool_key, identity, limit)
            result = self._exchange(request, trace)
        except Unreachable as refusal:
            logger.warning("unreachable target: key=%s host=%s cause=%s", pool_key, url.authority, refusal.cause)
            return refused(refusal, monotonic() - started, min(self.connect_timeout, timeout), self.refusal_step)
        except ExchangeFailed as failure:
            result = _failed(failure, trace)
        except Exception:
            logger.exception("request to %s failed inside the client", url.host)
            detail = "Clarion failed while sending; its log has the cause."
            result = _failed(ExchangeFailed(ErrorClass.INTERNAL_ERROR, detail), trace)
        trace.timings.total = (monotonic() - started) * 1000
        return result

    def why_unreachable(self, url: CanonicalUrl, timeout: float = 5.0) -> str:
        """The cause that tenants are not told; empty when the addresses of ``url`` may be connected to.

        For operators: what it says tells what lives in our network. Nothing is connected to.
        """
        try:
            self._check_host(url)
            self._resolve(url, Deadline(timeout))
        except Unreachable as refusal:
            return refusal.cause
        except ExchangeFailed as failure:
            return failure.detail
        return ""

    def _check_host(self, url: CanonicalUrl) -> None:
        if url.host in self.deny_hosts:
            raise Unreachable("the host is one of Clarion's own names")

    def _resolve(self, url: CanonicalUrl, deadline: Deadline) -> list[Answer]:
        """The addresses of the host, each of them judged."""
        answers = self._resolver.resolve(url.host, url.port, deadline)
        check_answers(url.port, answers, allow=self.allow, own_blocked=self.own_blocked)
        return answers

    def _with_defaults(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        given = {name.lower() for name in headers}
        defaults = {"User-Agent": self.user_agent, "Accept": "*/*"}
        return {name: value for name, value in defaults.items() if name.lower() not in given} | dict(headers)

    def _exchange(self, request: _Request, trace: Trace) -> HttpResult:
        """Over a warm connection when there is one.

        Invariant: a request whose first byte may have reached the peer is not sent a second time here. Only
        when a warm connection refuses the very first byte is the request sent again, on a fresh one.
        """
        key = (request.pool_key, request.url.origin, request.identity)
        self._check_host(request.url)
        connection = self._take_warm(key)
        if connection is not None:
            trace.address, trace.reused = connection.address, True
            try:
                return self._use(connection, key, request, trace)
            except http1.NothingSent:
                trace.address, trace.reused = None, False
        return self._use(self._open(request, trace), key, request, trace)

    def _take_warm(self, key: Hashable) -> Connection | None:
        """A live connection whose peer the present rules still allow."""
        while (connection := self.pool.take(key)) is not None:
            if judge(connection.address, connection.port, self.allow) is None:
                return connection
            connection.close()
        return None

    def _open(self, request: _Request, trace: Trace) -> Connection:
        url, started = request.url, monotonic()
        answers = self._resolve(url, request.deadline.within(self.connect_timeout))
        trace.timings.dns = (monotonic() - started) * 1000
        context = self._context(request.identity) if url.scheme == "https" else None
        setup = request.deadline.within(self.connect_timeout)
        return open_connection(url, answers, allow=self.allow, deadline=setup, context=context, trace=trace)

    def _context(self, identity: ClientCertificate | None) -> ssl.SSLContext:
        try:
            return self._contexts.get(identity)
        except (ssl.SSLError, ValueError):
            if identity is None:
                raise
            raise ExchangeFailed(
                ErrorClass.TLS_ERROR, "The endpoint's client certificate or private key cannot be used."
            ) from None

    def _use(self, connection: Connection, key: Hashable, request: _Request, trace: Trace) -> HttpResult:
        """Send, read, and give the connection back or close it."""
        keep = False
        try:
            sent_at = monotonic()
            reader = http1.AnswerReader(connection.sock, request.deadline)
            try:
                head, whole = _send_and_read_head(connection, reader, request, reused=trace.reused)
            finally:
                if reader.first_byte_at is not None:
                    trace.timings.first_byte = (reader.first_byte_at - sent_at) * 1000
            body = reader.read_body(head, request.body_limit, request.deadline.within(self.body_time))
            keep = whole and body.at_end and head.keeps_alive
            if keep:
                self.pool.put(connection, key, head.keep_for)
            return _answered(head, body, trace)
        finally:
            if not keep:
                connection.close()


def _send_and_read_head(
    connection: Connection, reader: http1.AnswerReader, request: _Request, *, reused: bool
) -> tuple[http1.Head, bool]:
    """The answer's head, and whether the whole request was taken before it.

    A receiver may answer and close before it has read the body (a 401, a 413); its answer still counts.
    """
    whole = True
    try:
        try:
            http1.send(connection.sock, request.content, request.deadline)
        except http1.NothingSent:
            if reused:
                raise
            whole = False
        except (BrokenPipeError, ConnectionResetError):
            whole = False
        return reader.read_head(), whole
    except http1.NothingSent:
        raise
    except OSError as error:
        raise _exchange_failure(error, answered=reader.first_byte_at is not None) from error


def _exchange_failure(error: OSError, *, answered: bool) -> ExchangeFailed:
    if isinstance(error, TimeoutError):
        when = "sent only a part of its headers" if answered else "did not answer"
        return ExchangeFailed(ErrorClass.TIMEOUT, f"The host {when} within the timeout.")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ExchangeFailed(ErrorClass.TLS_ERROR, f"The TLS connection failed: {tls_reason(error)}.")
    when = "in the middle of its headers" if answered else "without an answer"
    return ExchangeFailed(ErrorClass.CONNECTION_RESET, f"The host closed the connection {when}.")


def _answered(head: http1.Head, body: http1.Body, trace: Trace) -> HttpResult:
    return HttpResult(
        status=head.status,
        headers=_stored_headers(head.headers),
        body=body.content,
        body_truncated=body.truncated,
        error=ErrorClass.RESPONSE_INCOMPLETE if body.incomplete else None,
        detail="The host did not send its whole answer; the status counts." if body.incomplete else "",
        timings_ms=trace.timings,
        address=trace.address,
        reused=trace.reused,
    )


def _failed(failure: ExchangeFailed, trace: Trace) -> HttpResult:
    return HttpResult(
        error=failure.error,
        detail=failure.detail,
        timings_ms=trace.timings,
        address=trace.address,
        reused=trace.reused,
    )


def _stored_headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    stored, left = [], MAX_STORED_TOTAL
    for name, value in headers[:MAX_STORED_HEADERS]:
        clean = clean_stored(name, MAX_STORED_NAME), clean_stored(value, MAX_STORED_VALUE)
        left -= len(clean[0]) + len(clean[1])
        if left < 0:
            break
        stored.append(clean)
    return stored
