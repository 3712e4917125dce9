"""A real HTTP/1.1 server on loopback that records what arrives and answers as scripted.

One server serves a whole test process (a thread for each connection); each test gets its own
:class:`Receiver`, a handle with a random path prefix, so tests neither see nor disturb each other's requests.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from tests.answers import Answer, Request, Scripted, Step

BACKLOG = 512  # connections waiting for accept: a load test opens hundreds at once
WAIT = 90.0  # seconds that a test waits for requests before it fails; long, for busy machines


class Receiver:
    """One test's share of a :class:`Server`: every path below its own random prefix."""

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self.prefix = prefix
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._by_path: dict[str, list[Request]] = defaultdict(list)
        self._scripts: dict[str, deque[Scripted]] = defaultdict(deque)
        self._otherwise: dict[str, Scripted] = {}
        self._released: dict[str, threading.Event] = defaultdict(threading.Event)
        self._in_flight: dict[str, int] = defaultdict(int)
        self._peak: dict[str, int] = defaultdict(int)

    def url(self, path: str = "/") -> str:
        """The absolute URL of ``path`` ("/hook" or "/hook?x=1")."""
        return f"{self._server.origin}{self.prefix}{path}"

    def script(self, path: str, steps: Iterable[Scripted], then: Scripted | None = None) -> None:
        """Answer the next requests on ``path`` with one step each, in order of arrival; then ``then`` (200).

        A step may be a function of the request. Scripts of several calls are played one after the other.
        """
        with self._changed:
            self._scripts[path].extend(steps)
            if then is not None:
                self._otherwise[path] = then

    def always(self, path: str, step: Scripted) -> None:
        """Answer every request on ``path`` that has no script left with ``step``."""
        self.script(path, [], then=step)

    def requests(self, path: str | None = None) -> list[Request]:
        """What has arrived so far (on ``path``), in order of arrival."""
        with self._changed:
            return list(self._seen(path))

    def wait_for(self, count: int, path: str | None = None, timeout: float = WAIT) -> list[Request]:
        """The requests (on ``path``) as soon as there are at least ``count``.

        Raises AssertionError after ``timeout`` seconds, saying what did arrive.
        """
        return self.wait_until(lambda seen: len(seen) >= count, path, timeout, what=f"{count} requests")

    def wait_until(
        self,
        enough: Callable[[list[Request]], bool],
        path: str | None = None,
        timeout: float = WAIT,
        what: str = "the awaited requests",
    ) -> list[Request]:
        """The requests (on ``path``) as soon as ``enough`` says so; asked again on every arrival."""
        with self._changed:
            done = self._changed.wait_for(lambda: enough(self._seen(path)), timeout)
            seen = list(self._seen(path))
        if not done:
            arrived = ", ".join(f"{request.method} {request.path}" for request in seen) or "nothing"
            raise AssertionError(f"{what} on {path or 'any path'} within {timeout} s; arrived: {arrived}")
        return seen

    def release(self, path: str | None = None) -> None:
        """Let every hanging, delayed or dripping answer (on ``path``) go on, and those that come later."""
        with self._changed:
            for name in [path] if path else list(self._released):
                self._released[name].set()

    def peak_in_flight(self, path: str) -> int:
        """The largest number of requests on ``path`` that were being answered at one time."""
        with self._changed:
            return self._peak[path]

    def close(self) -> None:
        """Let everything that hangs go and forget the prefix: later requests get 404 and are not recorded."""
        self.release()
        self._server.forget(self)

    def _seen(self, path: str | None) -> list[Request]:
        return self._requests if path is None else self._by_path[path]

    def _arrived(self, request: Request) -> tuple[Step, threading.Event]:
        with self._changed:
            self._in_flight[request.path] += 1
            self._peak[request.path] = max(self._peak[request.path], self._in_flight[request.path])
            script = self._scripts[request.path]
            scripted = script.popleft() if script else self._otherwise.get(request.path, Answer())
            released = self._released[request.path]
            self._requests.append(request)
            self._by_path[request.path].append(request)
            self._changed.notify_all()
        step = scripted(request) if callable(scripted) else scripted
        return step, released

    def _answered(self, request: Request) -> None:
        with self._changed:
            self._in_flight[request.path] -= 1


class Server:
    """Listens on a free port of 127.0.0.1 until :meth:`stop`; with ``tls``, speaks HTTPS."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._receivers: dict[str, Receiver] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        threading.Thread(target=self._accept, name="receiver", daemon=True).start()

    def receiver(self) -> Receiver:
        """A new handle with its own prefix."""
        handle = Receiver(self, f"/{secrets.token_hex(6)}")
        with self._lock:
            self._receivers[handle.prefix] = handle
        return handle

    def forget(self, handle: Receiver) -> None:
        """Stop serving the handle's prefix."""
        with self._lock:
            self._receivers.pop(handle.prefix, None)

    def stop(self) -> None:
        """Close the port and every connection; hanging answers end."""
        self._stopping = True
        with self._lock:
            handles, connections = list(self._receivers.values()), list(self._open)
        for handle in handles:
            handle.close()
        for connection in (self._listener, *connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        number = 0
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls:
                connection.settimeout(WAIT)
                connection = self._tls.wrap_socket(connection, server_side=True)
                connection.settimeout(None)
            with self._lock:
                self._open.add(connection)
            with connection, connection.makefile("rb") as stream:
                while self._exchange(connection, stream, number):
                    pass
        except (OSError, ValueError):
            return  # the client went away or spoke no HTTP: nothing to answer
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, stream: BinaryIO, number: int) -> bool:
        """Read one request, record it, answer it. False ends the connection."""
        head = _read_head(stream)
        if head is None:
            return False
        arrived_at = time.monotonic()
        method, target, headers = head
        lowered = {name.lower(): value for name, value in headers}
        if lowered.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = _read_body(stream, lowered)
        handle, path = self._find(target)
        if handle is None:
            connection.sendall(Answer(404).head())
            return True
        request = Request(method, path, target, headers, body, arrived_at, number)
        step, released = handle._arrived(request)
        try:
            stay_open = step.play(_Connection(connection, released))
        finally:
            handle._answered(request)
        return stay_open and lowered.get("connection", "").lower() != "close"

    def _find(self, target: str) -> tuple[Receiver | None, str]:
        path = target.partition("?")[0]
        prefix, slash, rest = path[1:].partition("/")
        with self._lock:
            return self._receivers.get(f"/{prefix}"), slash + rest or "/"


class _Connection:
    """The :class:`Wire` of one exchange."""

    def __init__(self, connection: socket.socket, released: threading.Event) -> None:
        self._connection = connection
        self._released = released

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self, seconds: float | None) -> bool:
        return self._released.wait(seconds)

    def reset(self) -> None:
        # SO_LINGER with zero seconds makes close() send RST.
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _read_head(stream: BinaryIO) -> tuple[str, str, tuple[tuple[str, str], ...]] | None:
    """Request line and headers, or None at the end of the connection. ValueError when it is no HTTP."""
    line = stream.readline()
    if not line:
        return None
    method, target, _version = line.decode("latin-1").split()
    headers = []
    while (line := stream.readline()) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError(line)
        headers.append((name, value.strip()))
    return method, target, tuple(headers)


def _read_body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    """The whole body, chunked or with a length. EOFError-like short bodies raise ValueError."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_chunks(stream))
    length = int(headers.get("content-length", "0"))
    body = stream.read(length)
    if len(body) != length:
        raise ValueError("the body ended early")
    return body


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := int(stream.readline().partition(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline() not in (b"\r\n", b"\n", b""):
        pass  # trailers
