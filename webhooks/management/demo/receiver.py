"""A webhook receiver for demonstrations: verifies, records, and behaves as its routes say."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from webhooks.management.demo.journal import Journal, Record, read_records
from webhooks.management.demo.routes import Route, RouteTable
from webhooks.management.demo.verification import fault_of
from webhooks.management.http_server import Answer, Arrival, LocalServer


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
        self._journal = Journal(state_dir)
        self._server = LocalServer("127.0.0.1", port, self._respond, failed=say)
        self.port = self._server.port

    def serve(self) -> None:
        """Serve until :meth:`stop` is called from another thread, or KeyboardInterrupt."""
        try:
            self._server.serve()
        finally:
            self._journal.close()

    def stop(self) -> None:
        """Make :meth:`serve` return; answers that wait for their delay are given at once."""
        self._server.stop()

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
            self._server.ending.wait(route.delay)
        return status

    def _respond(self, arrival: Arrival) -> Answer:
        if arrival.method != "POST":
            return Answer(200, b"Clarion's demonstration receiver: what is POSTed here is shown in its log.\n")
        headers = {name.lower(): value for name, value in arrival.headers}
        status = self.receive(urlsplit(arrival.target).path, headers, arrival.body)
        return Answer(status, b"received\n" if status < 300 else b"as the demonstration wants\n")

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
