"""The recording receiver, a process of its own: ``python -m tests.faults.receiver --port N``.

``POST /e/<endpoint>`` is recorded, verified and answered by the endpoint's rules. ``PUT /_endpoints`` sets
secrets and rules, ``GET /_arrivals?since=N`` tells what has arrived, ``GET /_count`` how much.
It verifies signatures by its own reading of the specification, without Clarion's code.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import random
import socket
import struct
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.faults.arrivals import Arrival, Rule

HANG_LIMIT = 600.0  # seconds after which even a hanging answer closes
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True)
class Endpoint:
    """What is known of one endpoint: its secrets, oldest first, and how to answer."""

    secrets: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


class Records:
    """Everything that has arrived since the start of the process."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.endpoints: dict[str, Endpoint] = {}
        self._ordinals: Counter[str] = Counter()

    def configure(self, wanted: dict[str, Any]) -> None:
        """Set rules and secrets of the endpoints that are named; what is not given stays."""
        for name, values in wanted.items():
            endpoint = self.endpoints.setdefault(name, Endpoint())
            if "secrets" in values:
                endpoint.secrets = list(values["secrets"])
            if "rules" in values:
                endpoint.rules = [_rule(one) for one in values["rules"]]

    def take(self, name: str, headers: dict[str, str], body: bytes) -> tuple[Arrival, Rule]:
        """Record a request and choose the answer."""
        endpoint = self.endpoints.get(name, Endpoint())
        delivery = headers.get("x-webhook-delivery", "")
        number = _number(body)
        self._ordinals[delivery] += 1
        ordinal = self._ordinals[delivery]
        rule = next((r for r in endpoint.rules if r.applies(number, ordinal, delivery)), Rule())
        arrival = Arrival(
            endpoint=name,
            webhook_id=headers.get("webhook-id", ""),
            delivery=delivery,
            attempt=int(headers.get("x-webhook-attempt", "0")),
            timestamp=int(headers.get("webhook-timestamp", "0")),
            at=time.time(),
            number=number,
            meant=rule.do,
            verified=[place for place, secret in enumerate(endpoint.secrets) if _fits(secret, headers, body)],
            signature=headers.get("webhook-signature", ""),
        )
        self.arrivals.append(arrival)
        return arrival, rule


class Exchange(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._busy or (end := self._buffer.find(b"\r\n\r\n")) < 0:
            return
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", "0"))
        if len(self._buffer) < whole:
            return
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        method, target, _ = first.split(" ", 2)
        if target.startswith("/e/"):
            self._deliver(target[3:], headers, body)
        else:
            self._write(_json(self._control(method, target, body)))
        self._next()

    def _control(self, method: str, target: str, body: bytes) -> Any:
        path, _, query = target.partition("?")
        if method == "PUT" and path == "/_endpoints":
            self._records.configure(json.loads(body))
            return {}
        if path == "/_arrivals":
            since = int(query.removeprefix("since=") or 0)
            return [asdict(arrival) for arrival in self._records.arrivals[since:]]
        return len(self._records.arrivals)

    def _deliver(self, name: str, headers: dict[str, str], body: bytes) -> None:
        arrival, rule = self._records.take(name, headers, body)
        self._busy = True
        delay = HANG_LIMIT if rule.do == "hang" else random.uniform(*rule.delay)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._answer, arrival, rule)
        else:
            self._answer(arrival, rule)

    def _answer(self, arrival: Arrival, rule: Rule) -> None:
        self._busy = False
        if self._transport is None:
            return
        if rule.do == "hang":
            self._transport.close()
            return
        if rule.do == "reset":
            _reset(self._transport)
            return
        head = f"HTTP/1.1 {rule.status} Scripted\r\nContent-Length: 0\r\n\r\n".encode()
        self._write(_OK if rule.status == 200 else head)
        arrival.answered = True
        self._next()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _reset(transport: asyncio.Transport) -> None:
    """Half a status line and headers, then RST: SO_LINGER with zero seconds makes close() send it."""
    transport.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _rule(values: dict[str, Any]) -> Rule:
    every = values.get("every")
    return Rule(**{**values, "delay": tuple(values["delay"]), "every": tuple(every) if every else None})


def _number(body: bytes) -> int:
    try:
        return int(json.loads(body)["data"]["n"])
    except (ValueError, KeyError, TypeError):
        return -1


def _fits(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks 1.0: base64 HMAC-SHA256 of id.timestamp.body with the bytes behind whsec_."""
    content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in headers.get("webhook-signature", "").split(" ")


def _json(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _serve(port: int) -> None:
    records = Records()
    server = await asyncio.get_running_loop().create_server(
        lambda: Exchange(records), "127.0.0.1", port, backlog=1024, reuse_address=True
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.receiver")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
