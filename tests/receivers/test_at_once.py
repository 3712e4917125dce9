"""Over real HTTP, against the web server of production: repeats at once, and bytes that no client library sends.

``RECEIVE_AT_ONCE=10000`` sends as many repeats of one message as the promise says; the suite is content with fewer.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from tests.api.wire import Reply, Web, answers
from tests.factories import make_source, make_tenant
from tests.nodes import Workers
from tests.receivers.sending import signed
from tests.waiting import eventually
from webhooks.models import ProcessorRun, ReceivedKey, ReceivedMessage, Source

pytestmark = pytest.mark.django_db(transaction=True)

BODY = b'{"id": "m-1", "type": "order.created"}'
REPEATS = int(os.environ.get("RECEIVE_AT_ONCE", "400"))
CONNECTIONS = 16


@pytest.fixture(scope="module")
def web(stack_env: Mapping[str, str]) -> Iterator[Web]:
    limits = {"WEBHOOKS_RECEIVE_ADDRESS_LIMIT": "0"}
    made = Web({**stack_env, **limits, "WEBHOOKS_PUBLIC_URL": "http://localhost"}, 8)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def source(transactional_db: None) -> Source:
    return make_source(make_tenant(), "hex", secrets=["only-for-tests"])


def head(source: Source, body: bytes = BODY) -> bytes:
    lines = [f"POST /in/{source.public_id} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in signed(source, body).items()]
    return "\r\n".join(lines).encode() + b"\r\n"


def with_length(source: Source, body: bytes = BODY) -> bytes:
    return head(source, body) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def one(replies: list[Reply]) -> Reply:
    assert len(replies) == 1, replies
    return replies[0]


def repeated(web: Web, source: Source, times: int, body: bytes = BODY) -> list[Reply]:
    """The answers to so many requests with the same message, over several connections at once."""
    found: list[Reply] = []
    gate = threading.Barrier(CONNECTIONS)

    def send(sock: socket.socket) -> None:
        gate.wait()
        for _ in range(times // CONNECTIONS):
            sock.sendall(with_length(source, body))
            found.append(one(answers(sock, most=1)))

    sockets = [web.connect() for _ in range(CONNECTIONS)]
    threads = [threading.Thread(target=send, args=[sock]) for sock in sockets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sock in sockets:
        sock.close()
    return found


@pytest.mark.timeout(600)
def test_many_repeats_at_once_are_one_row_and_one_run_of_its_processor(web: Web, worker_nodes: Workers) -> None:
    source = make_source(make_tenant(), "hex", secrets=["only-for-tests"], event_type="tests.{type}")
    worker_nodes(app="tests.workers.processing_app")
    worker_nodes.beat()  # the processor fails once
    found = repeated(web, source, REPEATS, b'{"id": "m-1", "type": "count"}')
    assert Counter(reply.status for reply in found) == {202: 1, 200: REPEATS // CONNECTIONS * CONNECTIONS - 1}
    assert len({reply.body for reply in found}) == 1
    assert ReceivedMessage.objects.count() == ReceivedKey.objects.count() == 1
    eventually(lambda: ProcessorRun.objects.filter(processor="tests.count", status="succeeded").exists())
    assert ProcessorRun.objects.get().attempts == 2


def test_a_chunked_body_is_taken_byte_for_byte(web: Web, source: Source) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    raw = head(source) + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks
    assert one(web.send(raw)).status == 202
    assert bytes(ReceivedMessage.objects.get().body) == BODY


def test_a_length_that_lies_is_refused(web: Web, source: Source) -> None:
    Source.objects.filter(id=source.id).update(max_bytes=1000)
    shorter = head(source) + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % (len(BODY) + 5) + BODY
    one(web.send(shorter, ends=True)).problem(400)
    longer = head(source) + b"Content-Length: 99999999\r\nConnection: close\r\n\r\n" + BODY
    one(web.send(longer, ends=True)).problem(413)
    endless = head(source) + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    endless += b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"
    one(web.send(endless)).problem(413)
    assert not ReceivedMessage.objects.exists()


def test_a_signature_is_looked_for_in_every_line_of_a_repeated_header(web: Web, source: Source) -> None:
    """Attack: the good signature in one line, another one in the next."""
    good = dict(signed(source, BODY))["X-Webhook-Signature"]
    for first, second in ((good, "0" * 64), ("0" * 64, good), (good, good)):
        raw = head(source).replace(f"X-Webhook-Signature: {good}".encode(), b"A: b")
        raw += f"X-Webhook-Signature: {first}\r\nX-Webhook-Signature: {second}\r\n".encode()
        raw += b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
        one(web.send(raw)).problem(401)
    smuggled = head(source).replace(b"X-Webhook-Signature", b"X_Webhook_Signature")
    raw = smuggled + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    one(web.send(raw)).problem(401, 400)


def test_flipped_bits_are_refused_over_http_as_well(web: Web, source: Source) -> None:
    good = with_length(source)
    start = good.index(BODY)
    with web.connect() as sock:
        for place in range(start, len(good), 5):
            sock.sendall(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            answers(sock, most=1)[0].problem(401)
        sock.sendall(good)
        assert answers(sock, most=1)[0].status == 202
