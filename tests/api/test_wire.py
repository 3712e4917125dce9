"""Bytes on the wire: what no client library sends is answered with a problem, in bounded time, and never with HTML."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.api.wire import Reply, Web, answers
from tests.factories import make_key
from tests.waiting import eventually
from webhooks.conf import conf
from webhooks.models import Event, Tenant

pytestmark = pytest.mark.django_db(transaction=True)

EVENT = b'{"type":"order.created","data":{"n":1}}'
THREADS = 4


@pytest.fixture(scope="module")
def web(stack_env: Mapping[str, str]) -> Iterator[Web]:
    made = Web({**stack_env, "WEBHOOKS_PUBLIC_URL": "http://localhost"}, THREADS)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    from tests.factories import make_tenant

    return make_tenant()


@pytest.fixture
def head(tenant: Tenant) -> bytes:
    """A request to publish, up to the headers that tell of the body."""
    return (
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + make_key(tenant).encode() + b"\r\n"
    )


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def one(replies: list[Reply]) -> Reply:
    assert len(replies) == 1, replies
    return replies[0]


def length(body: bytes, announced: int | None = None) -> bytes:
    return b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body) if announced is None else announced, body)


# --- what is accepted


_CHUNKED = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
_GZIP = b"Content-Encoding: gzip\r\n"
ACCEPTED = {
    "length": length(EVENT),
    "one chunk": _CHUNKED + chunked(EVENT),
    "a chunk for each byte": _CHUNKED + chunked(*[EVENT[n : n + 1] for n in range(len(EVENT))]),
    "extension and trailer": _CHUNKED.replace(b"chu", b"Chu")
    + b"27;a=b\r\n"
    + EVENT
    + b"\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "gzip": _GZIP + length(gzip.compress(EVENT)),
    "gzip in chunks": _GZIP + _CHUNKED + chunked(gzip.compress(EVENT)),
    "expectation": b"Expect: 100-continue\r\n" + length(EVENT),
}


@pytest.mark.parametrize("rest", ACCEPTED.values(), ids=ACCEPTED)
def test_a_body_is_read_however_it_comes(web: Web, head: bytes, rest: bytes) -> None:
    reply = one(web.send(head + rest))
    assert reply.status == 202, reply.body
    assert bytes(Event.objects.get().data) == b'{"n":1}'


# --- what is refused

SMUGGLED = b"GET /api/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "length and chunked": (b"Transfer-Encoding: chunked\r\n" + length(chunked(EVENT)), (400,)),
    "length and chunked, the other way round": (b"Content-Length: 5\r\n" + _CHUNKED + chunked(EVENT), (400,)),
    "two lengths": (b"Content-Length: 3\r\n" + length(EVENT), (400,)),
    "the same length twice": (b"Content-Length: 39\r\n" + length(EVENT), (400,)),
    "a negative length": (length(EVENT, -5), (400,)),
    "a length with a sign": (b"Content-Length: +39\r\nConnection: close\r\n\r\n" + EVENT, (400,)),
    "a length in hexadecimal": (b"Content-Length: 0x27\r\nConnection: close\r\n\r\n" + EVENT, (400,)),
    "a length of 5000 digits": (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + EVENT, (400, 413)),
    "a length beyond every disk": (length(EVENT, 10**18), (413,)),
    "an unknown coding": (b"Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n" + chunked(EVENT), (400, 501)),
    "chunked twice": (b"Transfer-Encoding: chunked, chunked\r\nConnection: close\r\n\r\n" + chunked(EVENT), (400,)),
    "chunked not last": (b"Transfer-Encoding: chunked, gzip\r\nConnection: close\r\n\r\n" + chunked(EVENT), (400,)),
    "a header continued": (b"X-Folded: a\r\n b\r\n" + length(EVENT), (400,)),
    "a blank before the colon": (b"Transfer-Encoding : chunked\r\n" + length(EVENT), (400,)),
    "a header without a name": (b": value\r\n" + length(EVENT), (400,)),
    "a header without a colon": (b"nonsense\r\n" + length(EVENT), (400,)),
    "NUL in a header": (b"X-Odd: a\0b\r\n" + length(EVENT), (400,)),
    "CR in a header": (b"X-Odd: a\rX-Forged: b\r\n" + length(EVENT), (400,)),
    "LF alone as the end of a line": (b"X-Odd: a\nX-Forged: b\r\n" + length(EVENT), (400,)),
    "a huge header": (b"X-Odd: " + b"a" * 20_000 + b"\r\n" + length(EVENT), (431,)),
    "a thousand headers": (b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + length(EVENT), (431,)),
    "an unknown expectation": (b"Expect: miracles\r\n" + length(EVENT), (417,)),
    "another host": (b"Host: evil.example\r\n" + length(EVENT), (400,)),
    "an unknown content coding": (b"Content-Encoding: br\r\n" + length(EVENT), (415,)),
    "gzip that is none": (_GZIP + length(EVENT), (400,)),
    "gzip cut off": (_GZIP + length(gzip.compress(EVENT)[:-9]), (400,)),
    "gzip with a wrong checksum": (_GZIP + length(gzip.compress(EVENT)[:-8] + b"\0" * 8), (400,)),
    "gzip twice over": (b"Content-Encoding: gzip, gzip\r\n" + length(gzip.compress(gzip.compress(EVENT))), (415,)),
    "a thousand members of gzip": (_GZIP + length(gzip.compress(b"") * 1000), (400,)),
    "a gzip bomb": (_GZIP + length(gzip.compress(b"[" * 2_000_000)), (413,)),
    "a bad chunk size": (_CHUNKED + b"zz\r\n" + EVENT + b"\r\n0\r\n\r\n", (400,)),
    "a negative chunk size": (_CHUNKED + b"-5\r\n" + EVENT + b"\r\n0\r\n\r\n", (400,)),
    "a chunk longer than it says": (_CHUNKED + b"5\r\n" + EVENT + b"\r\n0\r\n\r\n", (400,)),
    "a chunk size without end": (_CHUNKED + b"1" * 20_000, (400,)),
    "a bad trailer": (_CHUNKED + chunked(EVENT)[:-2] + b"Content Length: 1\r\n\r\n", (400,)),
    "a body of one byte too many": (length(b'{"type":"a","data":"' + b"x" * conf.MAX_EVENT_BYTES + b'"}'), (413,)),
    "chunks beyond the limit": (_CHUNKED + chunked(*[b"x" * 65_536] * 6), (413,)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_one_problem_and_stores_nothing(web: Web, head: bytes, name: str) -> None:
    rest, statuses = REFUSED[name]
    replies = web.send(head + rest)
    one(replies).problem(*statuses)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        (b"GET /api/events", (400,)),
        (b"GET /api/events HTTP/9.9", (400,)),
        (b"GET /api/events HTTP/1.1 x", (400,)),
        (b"G\0T /api/events HTTP/1.1", (400,)),
        (b"get /api/events HTTP/1.1", (400, 405)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", (400,)),
        (b"PRI * HTTP/2.0", (400,)),
        (b"GET /api/" + b"a" * 9000 + b" HTTP/1.1", (414,)),
        (b"GET /api/events?search=" + b"a" * 9000 + b" HTTP/1.1", (414,)),
        (b"GET /api/\xff\xfe HTTP/1.1", (400, 404)),
        (b"GET http://[::1/api/events HTTP/1.1", (400,)),
        (b"GET http://evil.example/api/events HTTP/1.1", (400, 401)),
        (b"CONNECT internal.example:443 HTTP/1.1", (400, 404)),
        (b"OPTIONS * HTTP/1.1", (400, 404)),
        (b"TRACE /api/events HTTP/1.1", (401,)),
        (b"BREW /api/events HTTP/1.1", (401,)),
    ],
)
def test_an_odd_request_line_is_refused(
    web: Web, transactional_db: None, line: bytes, statuses: tuple[int, ...]
) -> None:
    replies = web.send(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n", ends=True)
    reply = one(replies)
    assert reply.status in statuses, reply
    if not line.startswith((b"CONNECT", b"OPTIONS *")):
        reply.problem(*statuses)


def test_a_request_without_a_host_is_refused_or_answered_as_json(web: Web, transactional_db: None) -> None:
    one(web.send(b"GET /api/events HTTP/1.1\r\nConnection: close\r\n\r\n")).problem(400, 401)
    one(web.send(b"GET /api/events HTTP/1.0\r\n\r\n")).problem(400, 401)


# --- one request after the other on a connection


def test_pipelined_requests_are_answered_in_order(web: Web, head: bytes) -> None:
    two = head + b"Content-Length: %d\r\n\r\n%b" % (len(EVENT), EVENT)
    last = b"GET /api/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert [reply.status for reply in web.send(two + two + last)] == [202, 202, 404]
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED,
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED,
        b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 5\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED,
        b"Transfer_Encoding: chunked\r\nContent-Length: 999999\r\n\r\n" + b"0\r\n\r\n" + SMUGGLED,
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
    ],
)
def test_a_request_hidden_in_a_body_is_never_answered(web: Web, head: bytes, rest: bytes) -> None:
    """Attack: request smuggling. Where the framing is in doubt, the connection ends with the one refusal."""
    one(web.send(head + rest)).problem(400, 413, 501)


def test_a_refused_body_is_not_taken_for_the_next_request(web: Web, head: bytes) -> None:
    """415 is answered before the body is read; on a kept connection its bytes must not become a request."""
    body = SMUGGLED * 2
    odd = head.replace(b"application/json", b"text/plain") + b"Content-Length: %d\r\n\r\n" % len(body) + body
    last = b"GET /api/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    replies = web.send(odd + last)
    assert [reply.status for reply in replies] == [415, 404]
    assert replies[1].problem(404)["instance"] == "/api/last"


# --- bodies that end too early, or never


@pytest.mark.parametrize(
    "rest",
    [
        length(EVENT, len(EVENT) + 1),
        length(EVENT, 5000),
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked(EVENT)[:-5],
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked(EVENT)[:-2],
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n27\r\n" + EVENT[:20],
    ],
)
def test_a_body_that_ends_too_early_is_no_event(web: Web, head: bytes, rest: bytes) -> None:
    """The part that came is valid JSON in some of these cases; it is still not what its sender meant to send."""
    one(web.send(head + rest, ends=True)).problem(400)
    assert not Event.objects.exists()


@contextlib.contextmanager
def dripping(web: Web, start: bytes, drop: bytes) -> Iterator[socket.socket]:
    """A connection on which a byte arrives now and then, for longer than the server should wait."""
    with web.connect() as sock:
        sock.sendall(start)
        sock.settimeout(0.2)
        yield sock


def drip(sock: socket.socket, drop: bytes, seconds: float = 30.0) -> float:
    """Send ``drop`` five times a second until the server answers or closes; the seconds that took."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            if sock.recv(1, socket.MSG_PEEK) is not None:
                return time.monotonic() - started
        except TimeoutError:
            with contextlib.suppress(OSError):
                sock.sendall(drop)
    raise AssertionError("the server still waits")


@pytest.mark.parametrize("part", ["request line", "headers", "body", "chunks", "nothing more"])
def test_a_slow_request_is_given_up_with_408(web: Web, head: bytes, part: str) -> None:
    """Attack: Slowloris. Each byte comes in time, the request never does."""
    start, drop = {
        "request line": (b"GET /api/", b"a"),
        "headers": (head, b"X-A: b\r\n"),
        "body": (head + b"Content-Length: 5000\r\n\r\n", b" "),
        "chunks": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        "nothing more": (head + b"Content-Length: 5000\r\n\r\n", b""),
    }[part]
    with dripping(web, start, drop) as sock:
        drip(sock, drop)
        sock.settimeout(10)
        answers(sock, 1)[0].problem(408)


def test_slow_requests_keep_nobody_else_waiting_for_long(web: Web, head: bytes) -> None:
    """As many as there are threads, and twice as many again: the next honest request is answered all the same."""
    with contextlib.ExitStack() as stack:
        for _ in range(3 * THREADS):
            stack.enter_context(web.connect()).sendall(head + b"Content-Length: 5000\r\n\r\n")
        assert one(web.send(head + length(EVENT))).status == 202


def test_clients_that_never_hang_up_do_not_hold_the_door(web: Web, head: bytes) -> None:
    """Attack: gunicorn waits for a refused client to close; in the thread that accepts, that is everybody's wait."""
    with contextlib.ExitStack() as stack:
        for _ in range(2 * THREADS):
            sock = stack.enter_context(web.connect())
            sock.sendall(b"nonsense\r\n\r\n")
            assert sock.recv(12)
        assert one(web.send(head + length(EVENT))).status == 202


def test_a_client_that_reads_nothing_leaves_the_others_alone(web: Web, head: bytes) -> None:
    with web.connect() as sock:
        sock.sendall(b"GET /api/schema HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        assert one(web.send(head + length(EVENT))).status == 202


def test_a_body_beyond_the_limit_is_answered_before_it_is_sent(web: Web, head: bytes) -> None:
    """100 MB announced: the answer comes at once, and hanging up then does not destroy it."""
    with web.connect() as sock:
        sock.sendall(head + b"Content-Length: 100000000\r\n\r\n" + b"x" * 10_000)
        answers(sock, 1)[0].problem(413)


def test_an_endless_chunked_body_is_read_up_to_the_limit(web: Web, head: bytes) -> None:
    sent = 0
    with web.connect() as sock:
        sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            while sent < 100_000_000:
                sock.sendall(chunked(b"x" * 65_536)[:-5])
                sent += 65_536
        assert sent < 100_000_000, "the server took everything"


def test_the_memory_of_the_server_stays_flat(web: Web, head: bytes) -> None:
    before = _resident(web)
    bomb = gzip.compress(b"[" * 50_000_000)
    for _ in range(5):
        one(web.send(head + _GZIP + length(bomb))).problem(413)
    assert _resident(web) - before < 30_000_000


def _resident(web: Web) -> int:
    """Bytes of the server and its worker."""
    import psutil

    process = psutil.Process(web.process.process.pid)
    return sum(int(one.memory_info().rss) for one in [process, *process.children(recursive=True)])


def test_after_all_that_it_still_serves(web: Web, head: bytes) -> None:
    served: Callable[[], bool] = lambda: one(web.send(head + length(EVENT))).status == 202  # noqa: E731
    eventually(served)
    assert json.loads(one(web.send(head + length(EVENT))).body)["type"] == "order.created"
    assert "Traceback" not in web.process.logs()
