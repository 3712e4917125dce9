"""However much a receiver sends, a call takes a bounded part of it into memory."""

from __future__ import annotations

import gc
import gzip
import tracemalloc

import pytest

from tests.net.conftest import Serve, post
from tests.net.servers import Peer
from webhooks.net.client import HttpClient

FAR = 20.0  # seconds
BOUND = 600_000  # bytes at the peak of a call: 64 KiB of head, 16 KiB of body, copies of both, and their objects
BOMB = gzip.compress(b"\0" * 200_000_000)
BLOCK = b"x" * 1_000_000
LINES = b"X-Filler: " + b"y" * 90 + b"\r\n"
MANY_LINES = LINES * 10_000
SHORT_LINES = b"a:b\r\n" * 200_000
TINY_CHUNKS = b"1\r\nz\r\n" * 200_000
ENDLESS = {
    "body to the end of the connection": (b"HTTP/1.1 200 OK\r\n\r\n", BLOCK),
    "body with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", BLOCK),
    "one chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", BLOCK),
    "tiny chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TINY_CHUNKS),
    "line of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", BLOCK),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", MANY_LINES),
    "compressed body": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", BOMB),
    "headers": (b"HTTP/1.1 200 OK\r\n", MANY_LINES),
    "short headers": (b"HTTP/1.1 200 OK\r\n", SHORT_LINES),
    "one header": (b"HTTP/1.1 200 OK\r\nX-A: ", BLOCK),
    "status line": (b"HTTP/1.1 200 ", BLOCK),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000),
    "no HTTP at all": (b"", BLOCK),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_answer_costs_bounded_memory(name: str, client: HttpClient, serve: Serve) -> None:
    start, rest = ENDLESS[name]

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(start)
        try:
            while not peer.server.stopping.is_set():
                peer.send(rest)
        except OSError:
            peer.server.client_closed.set()

    server = serve(script)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        result = post(client, server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < BOUND
    assert len(result.body) <= client.body_limit
    assert sum(len(name) + len(value) for name, value in result.headers) <= 16_384
    assert server.client_closed.wait(FAR), "the rest is not read: the connection is closed"
