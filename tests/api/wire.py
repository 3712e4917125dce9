"""A real web process, and requests written to it byte by byte."""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.processes import LocalProcess
from tests.waiting import eventually
from webhooks.management.stack.ports import free_port

PATIENCE = 20.0  # seconds for an answer


@dataclass(frozen=True)
class Reply:
    """One answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem(self, *statuses: int) -> dict[str, Any]:
        """The members of a problem document with one of these statuses, checked as every problem is."""
        assert self.status in statuses, (self.status, self.body)
        assert self.headers["content-type"] == "application/problem+json", self.body
        body: dict[str, Any] = json.loads(self.body)
        assert body["status"] == self.status
        assert body["title"]
        assert body["detail"]
        assert body["request_id"] == self.headers["x-request-id"]
        assert b"<html" not in self.body
        assert b"Traceback" not in self.body
        return body


class Web:
    """gunicorn as production runs it but for its patience, with ``threads`` threads."""

    def __init__(self, env: Mapping[str, str], threads: int = 4) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "gunicorn", "project.wsgi:application", "--no-control-socket"]
        command += ["--worker-class", "tests.api.impatient.Worker", "--threads", str(threads)]
        self.process = LocalProcess("web", [*command, "--bind", f"127.0.0.1:{self.port}"], env, "Booting worker")

    def start(self) -> None:
        """Returns when it answers."""
        self.process.start()
        self.process.ready()
        eventually(self._answers)

    def stop(self) -> None:
        self.process.teardown()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send(self, raw: bytes, *, ends: bool = False) -> list[Reply]:
        """Every answer to ``raw`` until the server closes; ``ends``: nothing more will be sent."""
        with self.connect() as sock:
            sock.sendall(raw)
            if ends:
                sock.shutdown(socket.SHUT_WR)
            return answers(sock)

    def _answers(self) -> bool:
        try:
            return bool(self.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        except OSError:
            return False


class _Reader(io.BufferedReader):
    """One buffer for all answers of a connection: http.client closes its own, with what it has read of the next one."""

    def close(self) -> None:
        pass

    def makefile(self, *_: object) -> _Reader:
        return self


def answers(sock: socket.socket, most: int = 10) -> list[Reply]:
    """The answers on a connection until it ends, or ``most`` of them."""
    found: list[Reply] = []
    reader: Any = _Reader(sock.makefile("rb", buffering=0))
    while len(found) < most:
        response = http.client.HTTPResponse(reader)
        try:
            response.begin()
        except (http.client.BadStatusLine, ConnectionResetError):
            break
        body = response.read()
        found.append(Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, body))
        if response.getheader("Connection", "").lower() == "close":
            break
    return found
