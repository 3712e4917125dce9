"""How many requests a second the receiver takes: it must be far more than anybody delivers."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

from benchmarks.machine import Machine
from benchmarks.workload import ORDER

_CONNECTIONS = 32  # as many as the deliveries of a run use, one request on each at a time
# The headers of a delivery by length, so that the receiver has as much to read.
_HEAD = (
    "POST /capacity HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Clarion/0\r\nAccept-Encoding: identity\r\n"
    "Content-Type: application/json\r\nwebhook-id: evt_00000000000000000000000000000000\r\n"
    "webhook-timestamp: 1700000000\r\nwebhook-signature: v1,{signature}\r\nX-Webhook-Signature: {digest}\r\n"
    "X-Webhook-Event: order.created\r\nX-Webhook-Delivery: dlv_00000000000000000000000000000000\r\n"
    "X-Webhook-Attempt: 1\r\nX-Correlation-ID: evt_00000000000000000000000000000000\r\nContent-Length: {length}\r\n\r\n"
)


def requests_per_second(machine: Machine, seconds: float) -> float:
    """A plain load from one thread for ``seconds``: at least so many; what arrived is forgotten again.

    The load shares the machine with the receiver and costs about as much CPU, so the true capacity is higher.
    """
    text = _HEAD.format(signature="s" * 44, digest="d" * 64, length=len(ORDER) + 300)
    request = text.encode() + ORDER + b" " * 300  # the envelope around the order
    address = urlsplit(machine.receiver)
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=10))
            for _ in range(_CONNECTIONS)
        ]
        connections[0].sendall(request)
        length = len(connections[0].recv(65_536))
        started = time.monotonic()
        answered = 0
        while time.monotonic() - started < seconds:
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                _read(connection, length)
            answered += _CONNECTIONS
        took = time.monotonic() - started
    machine.ask("/reset")
    return answered / took


def _read(connection: socket.socket, length: int) -> None:
    """One answer, which comes in one piece or in several."""
    while length > 0:
        piece = connection.recv(length)
        if not piece:
            raise ConnectionError("the receiver closed a connection")
        length -= len(piece)
