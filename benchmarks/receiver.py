"""A receiver that is not the bottleneck: one epoll loop, answers 200 to everything, in a process of its own.

``python -m benchmarks.receiver PORT``. ``GET /count``: requests so far; ``GET /arrivals``: one line
``<webhook-id> <time.monotonic()>`` for each; ``GET /reset`` forgets them.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)


class Receiver:
    """All state of the process: open connections and what arrived."""

    def __init__(self, port: int) -> None:
        self.arrivals: list[tuple[bytes, float]] = []
        self.buffers: dict[socket.socket, bytes] = {}
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self._accept()
                else:
                    self._read(key.fileobj)  # type: ignore[arg-type]

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffers[connection] = b""
        self.selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(connection)
            del self.buffers[connection]
            connection.close()
            return
        self.buffers[connection] = self._answer_all(connection, self.buffers[connection] + data)

    def _answer_all(self, connection: socket.socket, data: bytes) -> bytes:
        """Answer every complete request in ``data``; return what is left of it."""
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            length = _LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(data) < total:
                break
            connection.setblocking(True)
            connection.sendall(self._answer(head))
            connection.setblocking(False)
            data = data[total:]
        return data

    def _answer(self, head: bytes) -> bytes:
        if head.startswith(b"POST"):
            found = _ID.search(head)
            self.arrivals.append((found[1] if found else b"", time.monotonic()))
            return _OK
        body = b""
        if head.startswith(b"GET /count"):
            body = b"%d" % len(self.arrivals)
        elif head.startswith(b"GET /arrivals"):
            body = b"\n".join(b"%b %.6f" % arrival for arrival in self.arrivals)
        elif head.startswith(b"GET /reset"):
            self.arrivals.clear()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


if __name__ == "__main__":
    Receiver(int(sys.argv[1])).serve()
