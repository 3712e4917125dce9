"""Raw-socket servers on 127.0.0.1 that answer exactly what a test scripts, bytes and pauses included."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from webhooks.core.addresses import AllowList
from webhooks.core.urls import CanonicalUrl, parse_endpoint_url

LOCAL = AllowList.parse("127.0.0.0/8:*,[::1/128]:*")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE = 20.0  # seconds a server thread waits for anything; tests end much earlier


class Peer:
    """The server's side of one connection."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self._buffer = b""

    def read_request(self) -> bytes:
        """One whole request (head and body by Content-Length); EOFError when the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, _ = self._buffer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        total = len(head) + 4 + length
        while len(self._buffer) < total:
            self._receive()
        request, self._buffer = self._buffer[:total], self._buffer[total:]
        self.server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float = 0.05) -> None:
        """One byte at a time, a pause after each; ends early when the server stops or the client goes."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            if self.server.stopping.wait(pause):
                return

    def wait_for_close(self) -> None:
        """Until the client closes the connection (or the test ends)."""
        with suppress(OSError):
            while self.sock.recv(65536):
                pass
        self.server.client_closed.set()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data


Script = Callable[[Peer], object]


def answering(*answers: bytes) -> Script:
    """A script: read a request and send the next answer, until the answers are used up; then wait."""

    def script(peer: Peer) -> None:
        for answer in answers:
            peer.read_request()
            peer.send(answer)
        peer.wait_for_close()

    return script


def always(answer: bytes) -> Script:
    """A script that gives every request of a connection the same answer."""

    def script(peer: Peer) -> None:
        while True:
            peer.read_request()
            peer.send(answer)

    return script


class RawServer:
    """Runs ``script`` in a thread for each connection; ``requests`` are kept in order of arrival."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.script = script
        self.context = context
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self.client_closed = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.host, self.port = self._listener.getsockname()[:2]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def url(self, path: str = "/hook", host: str | None = None) -> CanonicalUrl:
        """The server's URL, under its address or another host name."""
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        scheme = "https" if self.context else "http"
        return parse_endpoint_url(f"{scheme}://{host}:{self.port}{path}", allow_http=True, allow=LOCAL)

    def __enter__(self) -> RawServer:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._sockets]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.stopping.is_set():
                sock, _ = self._listener.accept()
                self.connections += 1
                sock.settimeout(PATIENCE)
                self._sockets.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, EOFError), sock:
            if self.context is None:
                self.script(Peer(self, sock))
                return
            with self.context.wrap_socket(sock, server_side=True) as wrapped:
                self._sockets.append(wrapped)
                self.script(Peer(self, wrapped))


class ScriptedNames:
    """A getaddrinfo that knows the given names only and counts its calls.

    ``ScriptedNames({"a.example": [["127.0.0.1"], ["10.0.0.1"]]})``: the first call gets the first list, the
    last list is repeated. ``release``: lookups of the name ``hanging.example`` wait for this event.
    """

    def __init__(self, names: dict[str, Sequence[Sequence[str]]]) -> None:
        self.names = names
        self.calls: list[str] = []
        self.release = threading.Event()

    def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        self.calls.append(host)
        if host == "hanging.example":
            self.release.wait(PATIENCE)
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.names[host]
        position = min(self.calls.count(host), len(answers)) - 1
        return [self._row(address, port) for address in answers[position]]

    def _row(self, address: str, port: int) -> Any:
        if ":" in address:
            return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
        return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]
