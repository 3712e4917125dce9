"""gunicorn's thread worker, with patience of its own and problems instead of pages.

What gunicorn refuses never reaches Django: it answers such requests with a page of HTML, and waits without limit
for a request that has begun. Both end here: ``gunicorn project.wsgi:application --worker-class
project.webserver.Worker``.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

from gunicorn import http, util
from gunicorn.http import errors
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker


class RequestTimeout(errors.ParseException):  # type: ignore[misc]  # gunicorn has no types
    """The head of a request took too long."""


# The first class that fits; what is none of them is a fault of this server. No text of the request is repeated.
_REFUSALS: tuple[tuple[type[Exception], int, str], ...] = (
    (RequestTimeout, 408, "The request did not arrive in time."),
    (errors.InvalidResponseHeader, 500, ""),
    (errors.InvalidResponseHeaderName, 500, ""),
    (errors.ConfigurationProblem, 500, ""),
    (errors.LimitRequestLine, 414, "The request line is too long; put long filters into several requests."),
    (errors.LimitRequestHeaders, 431, "There are too many headers, or one is too long."),
    (errors.ExpectationFailed, 417, "The only expectation that is known is 100-continue."),
    (errors.UnsupportedTransferCoding, 501, "The only transfer coding that is known is chunked."),
    (errors.ForbiddenProxyRequest, 403, "This address may not speak the PROXY protocol."),
    (errors.ParseException, 400, "This is no valid HTTP/1.1 request."),
)


class _Patience(SocketUnreader):  # type: ignore[misc]
    """Reads of a socket until a moment that no byte postpones.

    Attack: a byte every few seconds keeps a thread busy for ever, and there are eight of them.
    """

    until = 0.0  # monotonic seconds

    def chunk(self, size_hint: int | None = None) -> bytes:
        allowed = self.sock.gettimeout()
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        self.sock.settimeout(rest if allowed is None else min(rest, allowed))
        try:
            return bytes(super().chunk(size_hint))
        finally:
            self.sock.settimeout(allowed)


class _Body:
    """The body of a request; what it turns out not to be is an ``OSError``, as Django expects it.

    gunicorn's own exceptions (a bad chunk, a bad trailer) would look like bugs of the application.
    """

    def __init__(self, body: Any) -> None:
        self._body = body

    @property
    def failed(self) -> bool:
        return bool(self._body.failed)

    def read(self, size: int | None = None) -> bytes:
        return self._guarded(self._body.read, size)

    def readline(self, size: int | None = None) -> bytes:
        return self._guarded(self._body.readline, size)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _guarded(self, read: Any, size: int | None) -> bytes:
        try:
            return bytes(read(size))
        except errors.ParseException as error:
            raise OSError(f"malformed body: {type(error).__name__}") from None


class _Heads:
    """gunicorn's parser: each head has ``seconds`` from the moment it is asked for."""

    def __init__(self, parser: Any, patience: _Patience, seconds: float) -> None:
        parser.unreader = patience
        self.patience = patience
        self._parser = parser
        self._seconds = seconds

    def __next__(self) -> Any:
        self.patience.until = time.monotonic() + self._seconds
        try:
            return next(self._parser)
        except TimeoutError:
            raise RequestTimeout from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


class Worker(ThreadWorker):  # type: ignore[misc]
    """The thread worker of Clarion's web process."""

    head_seconds = 10.0  # for a request line and headers, which fit into a few packets
    body_seconds = 30.0  # for a body: 5 MiB at 1.4 Mbit/s; a proxy in front has it complete and takes milliseconds
    send_seconds = 30.0  # for one piece of an answer; a page of a list has a few MiB

    def handle(self, conn: Any) -> Any:
        """One request of a connection; the head has its time from now on.

        A connection that is not kept is closed here: that waits up to two seconds for the client to hang up, and
        gunicorn would let the one thread that accepts everybody's connections wait.
        """
        if conn.parser is None and not self.cfg.is_ssl:
            parser = http.get_parser(self.cfg, conn.sock, conn.client)
            conn.parser = _Heads(parser, _Patience(conn.sock), self.head_seconds)
        kept = super().handle(conn)
        if kept is False:
            util.close_graceful(conn.sock)
            conn.close = _closed
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Run the application on one request; its body has its time from now on."""
        if isinstance(conn.parser, _Heads):
            conn.parser.patience.until = time.monotonic() + self.body_seconds
            req.body = _Body(req.body)
        conn.sock.settimeout(self.send_seconds)
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn could not read, or what the application failed at before it answered."""
        status, detail = next(
            ((status, detail) for kind, status, detail in _REFUSALS if isinstance(exc, kind)), (500, "")
        )
        if status == 500:
            self.log.error("Error handling a request", exc_info=exc)
        else:
            self.log.warning("Refused a request: %s %s", status, type(exc).__name__)
        try:
            util.write_nonblock(client, _answer(req, status, detail))
        except OSError:
            self.log.debug("The client was gone before it was refused.")


def _closed(graceful: bool = False) -> None:
    """Nothing is left to close."""


def _answer(req: Any, status: int, detail: str) -> bytes:
    """The same problem document as the application's. Imported late: the master process has no Django."""
    from django.http import HttpRequest

    from webhooks.api import problems
    from webhooks.core import ids

    request = HttpRequest()
    request.path = getattr(req, "path", None) or "/"
    request.request_id = ids.new_id().hex  # type: ignore[attr-defined]
    response = problems.respond(request, problems.for_status(status, detail))
    response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
    response["Content-Length"] = str(len(response.content))
    response["Connection"] = "close"
    head = f"HTTP/1.1 {status} {response.reason_phrase}\r\n".encode()
    return head + response.serialize_headers() + b"\r\n\r\n" + response.content
