"""A webhook receiver for demonstrations: verifies, records, and behaves as its routes say."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import cast
from urllib.parse import urlsplit

import msgspec

from webhooks.management.demo.journal import Journal, Record, read_records
from webhooks.management.demo.routes import Route, RouteTable
from webhooks.management.demo.verification import fault_of

_LARGEST = 8 * 1024 * 1024  # bytes of a body; the largest batch Clarion sends is smaller
_PATIENCE = 300.0  # seconds an idle connection is kept: longer than any sender's pool does


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class DemoReceiver:
    """Listens on 127.0.0.1 and keeps its state in ``state_dir``, so it may be killed and started again.

    ``say`` is called with one readable line for each request, from several threads.
    """

    def __init__(self, state_dir: Path, port: int, say: Callable[[str], None]) -> None:
        """OSError when the port is taken; ``port`` 0 chooses a free one."""
        self._routes = RouteTable(state_dir)
        # Requests by path and webhook-id, for routes that fail the first ones: what came before a restart counts.
        self._seen = Counter(
            (record.path, record.webhook_id)
            for record in read_records(state_dir)
            if (route := self._routes.get(record.path)) and route.fail_first
        )
        self._lock = threading.Lock()
        self.say = say
        self._stopping = threading.Event()
        self._journal = Journal(state_dir)
        self._server = _Server(port, self)
        self.port: int = self._server.socket.getsockname()[1]

    def serve(self) -> None:
        """Serve until :meth:`stop` is called from another thread, or KeyboardInterrupt."""
        try:
            self._server.serve_forever()
        finally:
            self._stopping.set()
            self._server.server_close()
            self._journal.close()

    def stop(self) -> None:
        """Make :meth:`serve` return; answers that wait for their delay are given at once."""
        self._stopping.set()
        self._server.shutdown()

    @property
    def stopping(self) -> bool:
        """Whether the end has begun."""
        return self._stopping.is_set()

    def receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Verify and record one request; the status to answer, after the delay of the route.

        Attack: somebody who knows the port posts a forged event. It is recorded as such and answered 401.
        On a path without a route nothing can be verified: that is said, and answered 200.
        """
        route = self._routes.get(path)
        fault = fault_of(route.secrets if route else (), headers, body)
        webhook_id = headers.get("webhook-id", "")
        status = self._status(route, fault, path, webhook_id)
        record = Record(
            path=path,
            webhook_id=webhook_id,
            event_type=headers.get("x-webhook-event", ""),
            delivery=headers.get("x-webhook-delivery", ""),
            attempt=headers.get("x-webhook-attempt", ""),
            body_sha256=hashlib.sha256(body).hexdigest(),
            data_sha256=hashlib.sha256(_data_of(body)).hexdigest(),
            size=len(body),
            fault=fault,
            status=status,
            arrived_at=time.time(),
        )
        self._journal.append(record)
        self.say(_line(record))
        if route and route.delay:
            self._stopping.wait(route.delay)
        return status

    def _status(self, route: Route | None, fault: str, path: str, webhook_id: str) -> int:
        if route is None:
            return 200
        if fault:
            return 401
        if route.fail_first:
            with self._lock:
                self._seen[path, webhook_id] += 1
                if self._seen[path, webhook_id] <= route.fail_first:
                    return 500
        return route.status


class _Server(ThreadingTCPServer):  # HTTPServer would look up the name of its address, which may hang
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # connections waiting for accept; the stdlib's 5 make a burst send SYN twice

    def __init__(self, port: int, receiver: DemoReceiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that went away is nothing to tell; anything else is told in a line."""
        error = sys.exception()
        if not isinstance(error, ConnectionError) and not self.receiver.stopping:
            self.receiver.say(f"failed: {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    wbufsize = -1  # head and body leave in one segment
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._answer(411, "say Content-Length", close=True)
            return
        if int(length) > _LARGEST:
            self._answer(413, f"more than {_LARGEST} bytes", close=True)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True  # the sender went away in the middle: there is nobody to answer
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver = cast(_Server, self.server).receiver
        status = receiver.receive(urlsplit(self.path).path, headers, body)
        self._answer(status, "received" if status < 300 else "as the demonstration wants")

    def do_GET(self) -> None:
        self._answer(200, "Clarion's demonstration receiver: what is POSTed here is shown in its log.")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: ``receive`` writes the line of each request."""

    def _answer(self, status: int, text: str, *, close: bool = False) -> None:
        content = f"{text}\n".encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            if close:
                self.send_header("Connection", "close")  # this also makes the base class close it
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # a killed worker does not wait for its answer


def _data_of(body: bytes) -> bytes:
    try:
        return bytes(msgspec.json.decode(body, type=_Envelope).data)
    except msgspec.DecodeError:
        return body


def _line(record: Record) -> str:
    verdict = "verified" if record.verified else f"NOT verified ({record.fault})"
    what = f"{record.event_type or 'no event type'} {record.webhook_id or 'no id'}"
    attempt = f"try {record.attempt or '?'}"
    return f"{record.status} {record.path} {what}, {record.size} bytes, {attempt}: {verdict}"
