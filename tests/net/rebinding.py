"""Both sides of a rebinding attack, each for a process in a network namespace of its own.

``python -m tests.net.rebinding world``: a name server, a public-looking receiver, and the inside that the attack is
after. It writes what it sees, a JSON value a line, until its input ends. ``... sender``: posts with the real client
and the system's resolver, and writes what came of it.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

from tests.net.conftest import post
from webhooks.core.urls import parse_endpoint_url
from webhooks.net.client import HttpClient

NAME_SERVER = "10.99.0.2"
PUBLIC, INSIDE, METADATA = "93.184.216.34", "10.0.0.5", "169.254.169.254"
PORT = 8080
CONTROL_PORT = 8081  # of INSIDE: shows that the way there is open for whoever does not judge
# The answers to successive lookups of a name; the last one is repeated.
NAMES = {
    "rebind.example": [[PUBLIC], [INSIDE]],
    "metadata.example": [[PUBLIC], [METADATA]],
    "mixed.example": [[PUBLIC, INSIDE]],
    "inside.example": [[INSIDE]],
}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ATTEMPTS = ("rebind.example", "rebind.example", "rebind.example", "metadata.example", "metadata.example",
            "mixed.example", "inside.example", "gone.example")  # fmt: skip


def tell(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def answer(query: bytes, asked: Counter[str]) -> bytes:
    """The reply to a DNS query (RFC 1035): addresses with a time to live of 0, or that there is no such name."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])[0]
    addresses: list[str] = []
    if kind == 1 and name in NAMES:
        addresses = NAMES[name][min(asked[name], len(NAMES[name]) - 1)]
        asked[name] += 1
    tell({"asked": name, "type": kind})
    flags = 0x8180 if name in NAMES else 0x8183
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    records = (b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(one) for one in addresses)
    return header + query[12 : at + 5] + b"".join(records)


def serve_names(sock: socket.socket) -> None:
    asked: Counter[str] = Counter()
    while True:
        query, peer = sock.recvfrom(4096)
        sock.sendto(answer(query, asked), peer)


def serve_http(listener: socket.socket) -> None:
    address, port = listener.getsockname()
    while True:
        sock, _ = listener.accept()
        tell({"connected": f"{address}:{port}"})
        with suppress(OSError), sock:
            sock.settimeout(5)
            sock.recv(65536)
            sock.sendall(ANSWER)


def world() -> None:
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((NAME_SERVER, 53))
    places = [(PUBLIC, PORT), (INSIDE, PORT), (METADATA, PORT), (INSIDE, CONTROL_PORT)]
    threads = [threading.Thread(target=serve_names, args=(names,), daemon=True)]
    threads += [
        threading.Thread(target=serve_http, args=(socket.create_server(place),), daemon=True) for place in places
    ]
    for thread in threads:
        thread.start()
    tell("ready")
    sys.stdin.read()


def sender() -> None:
    with HttpClient(refusal_step=0.01) as client:
        for name in ATTEMPTS:
            url = parse_endpoint_url(f"http://{name}:{PORT}/hook", allow_http=True)
            result = post(client, url)
            tell({"name": name, "status": result.status, "error": result.error, "address": result.address})
    with socket.create_connection((INSIDE, CONTROL_PORT), timeout=10):
        pass
    tell("done")


if __name__ == "__main__":
    {"world": world, "sender": sender}[sys.argv[1]]()
