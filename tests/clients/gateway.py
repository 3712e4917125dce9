"""Something between a client and the server: it passes requests on, answers itself, or breaks the connection."""

from __future__ import annotations

import http.client
import socket
import threading
from dataclasses import dataclass, field

CUT = b""  # the request reaches the server; its answer does not reach the client


@dataclass
class Gateway:
    """``plan``: for each request in turn CUT or the bytes to answer; when it is over, requests are passed on."""

    upstream: int
    plan: list[bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def headers(self, name: str) -> list[str]:
        """The values of a header in all requests."""
        lines = [line.partition(b":") for request in self.requests for line in request.split(b"\r\n")]
        return [value.strip().decode() for key, _, value in lines if key.lower() == name.lower().encode()]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while request := _request(client):
                self.requests.append(request)
                answer = self.plan.pop(0) if self.plan else None
                if answer is None or answer == CUT:
                    passed = self._passed(request)
                    if answer == CUT:
                        return
                    answer = passed
                client.sendall(answer)

    def _passed(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.upstream), timeout=30) as server:
            server.sendall(request)
            response = http.client.HTTPResponse(server)
            response.begin()
            body = response.read()
        head = [f"HTTP/1.1 {response.status} {response.reason}"]
        head += [f"{k}: {v}" for k, v in response.getheaders() if k.lower() not in ("connection", "transfer-encoding")]
        if "content-length" not in " ".join(head).lower() and response.status != 204:
            head.append(f"Content-Length: {len(body)}")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of an answer; ``Retry_After="7"`` becomes a header."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{''.join(lines)}\r\n".encode() + body


def _request(client: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        if not (more := client.recv(65536)):
            return b""
        raw += more
    head = raw.partition(b"\r\n\r\n")[0].lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(raw) < len(head) + 4 + length:
        raw += client.recv(65536)
    return raw
