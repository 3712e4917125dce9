"""A small HTTP/1.1 server for receivers that run on a developer's machine: bounded, threaded, easy to end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import cast

LARGEST = 8 * 1024 * 1024  # bytes of a body; the largest batch Clarion sends is smaller
_PATIENCE = 300.0  # seconds an idle connection is kept: longer than any sender's pool does
_DIGITS = 12  # of a Content-Length; more than LARGEST has


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: ``target`` as in its first line, ``headers`` line by line as they came (Latin-1)."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` beside Content-Length; ``Content-Type`` is text unless they say otherwise."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = field(default=())


Respond = Callable[[Arrival], Answer | None]


class LocalServer:
    """Listens at ``host`` and asks ``respond`` for the answer to each request, in a thread for each connection.

    ``respond`` returns None to end the connection without an answer. ``answered`` is called when an answer has been
    written or denied, ``failed`` with a sentence about what went wrong in the server itself.
    """

    def __init__(
        self,
        host: str,
        port: int,
        respond: Respond,
        *,
        failed: Callable[[str], None],
        answered: Callable[[Arrival], None] = lambda _: None,
    ) -> None:
        """OSError when the port is taken; ``port`` 0 chooses a free one."""
        self.respond, self.failed, self.answered = respond, failed, answered
        self.ending = threading.Event()
        self._server = _Server(host, port, self)
        self.port: int = self._server.socket.getsockname()[1]

    def serve(self) -> None:
        """Serve until :meth:`stop` is called from another thread, or KeyboardInterrupt."""
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self.close()

    def stop(self) -> None:
        """Make :meth:`serve` return; who waits for ``ending`` goes on at once."""
        self.ending.set()
        self._server.shutdown()

    def close(self) -> None:
        """Give the port back."""
        self.ending.set()
        self._server.server_close()


class _Server(ThreadingTCPServer):  # HTTPServer would look up the name of its address, which may hang
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # connections waiting for accept; the stdlib's 5 make a burst send SYN twice

    def __init__(self, host: str, port: int, owner: LocalServer) -> None:
        self.owner = owner
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that went away is nothing to tell; anything else is told in a line."""
        error = sys.exception()
        if not isinstance(error, ConnectionError) and not self.owner.ending.is_set():
            self.owner.failed(f"failed: {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    wbufsize = -1  # head and body leave in one segment
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        owner = cast(_Server, self.server).owner
        body = self._body()
        if body is None:
            return
        arrival = Arrival(self.command, self.path, self.headers.items(), body)
        answer = owner.respond(arrival)
        if answer is None:
            self.close_connection = True
        else:
            self._write(answer)
        owner.answered(arrival)

    do_PUT = do_PATCH = do_GET = do_OPTIONS = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: ``respond`` writes the line of each request."""

    def _body(self) -> bytes | None:
        """The body; None when it is refused or the sender went away in the middle."""
        length = self.headers.get("Content-Length", "0" if self.command in ("GET", "OPTIONS") else "")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(411, "say Content-Length")
            return None
        if len(length) > _DIGITS or int(length) > LARGEST:
            self._refuse(413, f"more than {LARGEST} bytes")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True  # there is nobody to answer
            return None
        return body

    def _refuse(self, status: int, text: str) -> None:
        """Say so, and end the connection: what follows is the body that nobody reads."""
        cast(_Server, self.server).owner.failed(f"{status} {self.command}: {text}")
        self._write(Answer(status, f"{text}\n".encode(), (("Connection", "close"),)))

    def _write(self, answer: Answer) -> None:
        try:
            self.send_response(answer.status)
            if not any(name.lower() == "content-type" for name, _ in answer.headers):
                self.send_header("Content-Type", "text/plain; charset=utf-8")
            for name, value in answer.headers:
                self.send_header(name, value)  # "Connection: close" also makes the base class close it
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # a killed worker does not wait for its answer
