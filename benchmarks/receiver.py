"""A receiver that is not the bottleneck: one event loop in a process of its own, timers included, no threads.

``python -m benchmarks.receiver PORT``. How a ``POST`` is answered stands in its path:

- ``/hang/N`` is read and never answered; ``/slow/N`` is answered after 5 s, ``/slow/2.5/N`` after 2.5 s,
  ``/delay/0.2/N`` after 0.2 s; ``/turn/N`` as the last ``GET /turn/<one of these>`` said (at once, before);
- every other path is answered with 200 at once (``/ok/N``).

``GET /count``: POST requests so far; ``GET /arrivals``: a line ``<webhook-id> <path> <time.monotonic()>`` for each,
in the order of arrival; ``GET /reset`` forgets them. The time is that of the complete request, before its answer.
"""

from __future__ import annotations

import heapq
import re
import selectors
import socket
import sys
import time

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
_SLOW = 5.0  # seconds until /slow/N is answered
_CHUNK = 262_144  # bytes of one read: a large event arrives in one or two
_BACKLOG = 4096  # connections that wait for accept()
_NEVER = float("inf")


def patience(path: bytes, turned: float = 0.0) -> float:
    """Seconds until the answer to ``path``, 0 at once, infinite never; ``turned``: what ``/turn/N`` does now."""
    kind, _, rest = path[1:].partition(b"/")
    if kind == b"hang":
        return _NEVER
    if kind == b"turn":
        return turned
    if kind not in (b"slow", b"delay"):
        return 0.0
    number, given, _ = rest.partition(b"/")
    try:
        return float(number) if given or kind == b"delay" else _SLOW
    except ValueError:
        return _SLOW


class Connection:
    """One client: what it sent and was not looked at yet, what it has not taken yet."""

    __slots__ = ("incoming", "outgoing", "socket", "waiting")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.incoming = b""
        self.outgoing = b""
        self.waiting = False  # for its answer: what comes after that request has to wait as well


class Receiver:
    """All state of the process: open connections, answers to come, and what arrived."""

    def __init__(self, port: int) -> None:
        self.arrivals: list[tuple[bytes, bytes, float]] = []
        self.turned = 0.0
        self.timers: list[tuple[float, int, Connection]] = []
        self.timers_made = 0
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            for key, events in self.selector.select(self._until_next_timer()):
                if key.data is None:
                    self._accept()
                elif events & selectors.EVENT_WRITE:
                    self._write(key.data, b"")
                else:
                    self._read(key.data)
            self._answer_late_ones()

    def _until_next_timer(self) -> float | None:
        return max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None

    def _answer_late_ones(self) -> None:
        while self.timers and self.timers[0][0] <= time.monotonic():
            connection = heapq.heappop(self.timers)[2]
            connection.waiting = False
            if connection.socket.fileno() >= 0:
                self._write(connection, _OK)
                self._answer_all(connection)

    def _accept(self) -> None:
        accepted, _ = self.listener.accept()
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(accepted, selectors.EVENT_READ, Connection(accepted))

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._close(connection)
            return
        connection.incoming = connection.incoming + data if connection.incoming else data
        self._answer_all(connection)

    def _close(self, connection: Connection) -> None:
        if connection.socket.fileno() >= 0:
            self.selector.unregister(connection.socket)
            connection.socket.close()

    def _answer_all(self, connection: Connection) -> None:
        """Answer every complete request, up to the first that has to wait for its answer."""
        while not connection.waiting and (end := connection.incoming.find(b"\r\n\r\n")) >= 0:
            data = connection.incoming
            head = data[:end]
            length = _LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(data) < total:
                return
            connection.incoming = data[total:]
            method, path, _ = head.split(b" ", 2)
            if method != b"POST":
                self._write(connection, self._tell(path))
                continue
            found = _ID.search(head)
            now = time.monotonic()
            self.arrivals.append((found[1] if found else b"-", path, now))
            wait = patience(path, self.turned)
            if wait > 0:
                connection.waiting = True
                self._set_timer(connection, now + wait)
            else:
                self._write(connection, _OK)

    def _set_timer(self, connection: Connection, due: float) -> None:
        if due < _NEVER:
            self.timers_made += 1  # of two at the same moment the first made goes first
            heapq.heappush(self.timers, (due, self.timers_made, connection))

    def _write(self, connection: Connection, data: bytes) -> None:
        """Send what the client takes now; the rest when it is ready for more."""
        waited = bool(connection.outgoing)
        data = connection.outgoing + data if waited else data
        try:
            sent = connection.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close(connection)
            return
        connection.outgoing = data[sent:]
        if bool(connection.outgoing) != waited:
            events = selectors.EVENT_WRITE if connection.outgoing else selectors.EVENT_READ
            self.selector.modify(connection.socket, events, connection)

    def _tell(self, path: bytes) -> bytes:
        body = b""
        if path == b"/count":
            body = b"%d" % len(self.arrivals)
        elif path == b"/arrivals":
            body = b"\n".join(b"%b %b %.6f" % arrival for arrival in self.arrivals)
        elif path == b"/reset":
            self.arrivals.clear()
        elif path.startswith(b"/turn/"):
            self.turned = patience(path.removeprefix(b"/turn"))
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


if __name__ == "__main__":
    Receiver(int(sys.argv[1])).serve()
