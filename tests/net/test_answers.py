"""What the client makes of every kind of answer, well-formed and hostile."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path
from time import monotonic

import pytest

from tests.net.conftest import MakeClient, Serve, post
from tests.net.servers import OK, Peer, answering
from webhooks.net import http1
from webhooks.net.client import MAX_STORED_HEADERS, MAX_STORED_VALUE, HttpClient
from webhooks.net.result import ErrorClass

FAR = 10.0  # seconds; a call that a deadline of half a second ends must be over long before
LIMIT = 16_384  # bytes of a body that are kept


def test_it_returns_status_headers_and_body(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(b"HTTP/1.1 202 Accepted\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello"))
    result = post(client, server)
    assert (result.status, result.body, result.error, result.detail) == (202, b"hello", None, "")
    assert result.headers == [("X-One", "1"), ("Content-Length", "5")]
    assert result.header("x-one") == "1"
    assert result.address == "127.0.0.1"
    assert not result.body_truncated


def test_it_sends_the_body_byte_for_byte_with_its_own_framing(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(OK))
    body = '{"n":12345678901234567890.10,"s":"é\\u0000"}'.encode()
    post(client, server.url("/a//b?c=%2F&d[]=1"), body=body, headers={"X-Team": "a b"})
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert sent == body
    assert lines[0] == "POST /a//b?c=%2F&d[]=1 HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            f"Host: 127.0.0.1:{server.port}",
            "Accept-Encoding: identity",
            "User-Agent: Clarion",
            "Accept: */*",
            "X-Team: a b",
            f"Content-Length: {len(body)}",
        ]
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": "1\n"},
        {"X-A": "\x00"},
        {"X-A": "€"},
        {"X A": "1"},
        {"X-A:": "1"},
        {"": "1"},
        {"Transfer-Encoding": "chunked"},
        {"content-length": "0"},
        {"HOST": "other.example"},
        {"Expect": "100-continue"},
        {"Accept-Encoding": "gzip"},
    ],
)
def test_it_sends_nothing_when_a_header_could_change_the_request(
    client: HttpClient, serve: Serve, headers: dict[str, str]
) -> None:
    server = serve(answering(OK))
    result = post(client, server, headers=headers)
    assert (result.status, result.error) == (None, ErrorClass.INTERNAL_ERROR)
    assert "header" in result.detail
    assert server.connections == 0


@pytest.mark.parametrize("status", [200, 204, 299, 300, 400, 410, 429, 503, 600, 999])
def test_it_reports_any_three_digit_status(client: HttpClient, serve: Serve, status: int) -> None:
    server = serve(answering(f"HTTP/1.1 {status} \r\nContent-Length: 0\r\n\r\n".encode()))
    assert post(client, server).status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_does_not_follow_a_redirect(client: HttpClient, serve: Serve, status: int) -> None:
    other = serve(answering(OK))
    location = f"Location: {other.url()}\r\nRefresh: 0; url={other.url()}\r\n"
    server = serve(answering(f"HTTP/1.1 {status} Moved\r\n{location}Content-Length: 0\r\n\r\n".encode()))
    result = post(client, server)
    assert result.status == status
    assert result.header("location") == str(other.url())
    assert (len(server.requests), other.connections) == (1, 0)


def test_it_keeps_no_cookies_and_sends_no_credentials_of_its_own(
    client: HttpClient, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Attack: a proxy of the environment makes the connection in our place, past every check of addresses."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("default login clarion password s3cr3t\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    answer = (
        b'HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nWWW-Authenticate: Basic realm=x\r\nAlt-Svc: h2=":1"\r\n'
        b"Strict-Transport-Security: max-age=9\r\nContent-Length: 0\r\n\r\n"
    )
    server = serve(answering(answer, answer))
    assert [post(client, server).status for _ in range(2)] == [200, 200]
    assert all(b"cookie" not in request.lower() for request in server.requests)
    assert all(b"authorization" not in request.lower() for request in server.requests)


# --- interim answers


@pytest.mark.parametrize("interim", [100, 102, 103, 199])
def test_it_skips_an_interim_answer(client: HttpClient, serve: Serve, interim: int) -> None:
    early = f"HTTP/1.1 {interim} Wait\r\nLink: </a>; rel=preload\r\n\r\n".encode()
    result = post(client, serve(answering(early + OK)))
    assert (result.status, result.body) == (200, b"ok")
    assert result.header("link") is None


def test_it_accepts_ten_interim_answers_and_no_more(client: HttpClient, serve: Serve) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert post(client, serve(answering(early * 10 + OK))).status == 200
    result = post(client, serve(answering(early * 11 + OK)))
    assert (result.status, result.error) == (None, ErrorClass.PROTOCOL_ERROR)


def test_a_protocol_switch_is_a_failure(client: HttpClient, serve: Serve) -> None:
    result = post(client, serve(answering(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n")))
    assert (result.status, result.error) == (None, ErrorClass.PROTOCOL_ERROR)


@pytest.mark.parametrize("code", [100, 103])
def test_an_endless_flood_of_interim_answers_ends(client: HttpClient, serve: Serve, code: int) -> None:
    def flood(peer: Peer) -> None:
        peer.read_request()
        while True:
            peer.send(f"HTTP/1.1 {code} Wait\r\n\r\n".encode() * 100)

    assert post(client, serve(flood)).error == ErrorClass.PROTOCOL_ERROR


# --- heads


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example ESMTP\r\n",
        b"<html>hello</html>",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"\x00\xff\xfe",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000,
    ],
    ids=lambda answer: answer[:20],
)
def test_an_answer_that_is_not_http_is_a_protocol_error(client: HttpClient, serve: Serve, answer: bytes) -> None:
    result = post(client, serve(answering(answer)))
    assert (result.status, result.error, result.body) == (None, ErrorClass.PROTOCOL_ERROR, b"")
    assert result.detail.startswith("The answer is not valid HTTP")


def test_headers_that_never_end_are_cut_at_a_total_size(client: HttpClient, serve: Serve) -> None:
    def endless(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.send(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    assert post(client, serve(endless)).error == ErrorClass.PROTOCOL_ERROR


def test_stored_headers_are_cleaned_and_bounded(client: HttpClient, serve: Serve) -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(500))
    long = b"X-Long: " + b"z" * 10_000 + b"\r\n"
    dirty = b"X-Dirty: a\x00b\x1b[31mc\x7f\r\nX-Latin: caf\xe9\r\nX-Folded: one\r\n  two\r\n"
    server = serve(answering(b"HTTP/1.1 200 OK\r\n" + dirty + long + many + b"Content-Length: 0\r\n\r\n"))
    result = post(client, server)
    assert result.status == 200
    assert result.header("x-dirty") == "ab[31mc"
    assert result.header("x-latin") == "café"
    assert result.header("x-folded") == "one two"
    assert result.header("x-long") == "z" * MAX_STORED_VALUE
    assert len(result.headers) == MAX_STORED_HEADERS


def test_bare_line_feeds_are_understood(client: HttpClient, serve: Serve) -> None:
    result = post(client, serve(answering(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")))
    assert (result.status, result.body) == (200, b"ok")


def test_a_close_before_the_status_is_a_reset(client: HttpClient, serve: Serve) -> None:
    result = post(client, serve(lambda peer: peer.read_request()))
    assert (result.status, result.error) == (None, ErrorClass.CONNECTION_RESET)


def test_an_rst_before_the_status_is_a_reset(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.reset()

    assert post(client, serve(script)).error == ErrorClass.CONNECTION_RESET


def test_a_close_within_the_headers_is_a_reset(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-")

    result = post(client, serve(script))
    assert (result.status, result.error) == (None, ErrorClass.CONNECTION_RESET)


# --- bodies


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + end


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (chunked(b"hello", b" ", b"world"), b"hello world"),
        (chunked(b"a", end=b"0;ext=1\r\nX-Trailer: 1\r\nX-Other: 2\r\n\r\n"), b"a"),
        (chunked(end=b"3;name=value\r\nabc\r\n0\r\n\r\n"), b"abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
    ],
)
def test_it_reads_every_framing_of_a_body(client: HttpClient, serve: Serve, answer: bytes, body: bytes) -> None:
    result = post(client, serve(answering(answer)))
    assert (result.body, result.error, result.body_truncated) == (body, None, False)


def test_a_body_without_a_length_ends_with_the_connection(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    result = post(client, serve(script))
    assert (result.status, result.body, result.error) == (200, b"all of it", None)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\nshort",
        chunked(b"short", end=b""),
        chunked(b"short", end=b"zz\r\n"),
        chunked(b"short", end=b"-1\r\n"),
        chunked(b"short", end=b"\r\n"),
        chunked(b"short", end=b"2\r\nabcd\r\n0\r\n\r\n"),
        chunked(b"short", end=b"0" * 2000),
        chunked(b"short", end=b"0\r\n" + b"X: y\r\n" * 2500 + b"\r\n"),
    ],
)
def test_a_broken_body_leaves_the_status_standing(client: HttpClient, serve: Serve, answer: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer)

    result = post(client, serve(script))
    assert (result.status, result.error) == (200, ErrorClass.RESPONSE_INCOMPLETE)
    assert result.body in (b"", b"short", b"shortab")
    assert len(client.pool) == 0


@pytest.fixture
def head_read(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the client has read a head: an RST would discard what it has not read."""
    read, done = http1.AnswerReader.read_head, threading.Event()

    def noted(reader: http1.AnswerReader) -> http1.Head:
        head = read(reader)
        done.set()
        return head

    monkeypatch.setattr(http1.AnswerReader, "read_head", noted)
    return done


def test_an_rst_after_the_head_leaves_the_status_standing(
    client: HttpClient, serve: Serve, head_read: threading.Event
) -> None:
    received = post(client, serve(answering(OK)), pool_key="other")
    assert received.error is None
    head_read.clear()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\npart")
        head_read.wait(FAR)
        peer.reset()

    result = post(client, serve(script))
    assert (result.status, result.error) == (201, ErrorClass.RESPONSE_INCOMPLETE)
    assert result.body == b"part"


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ],
)
def test_an_endless_body_is_cut_and_its_connection_dropped(client: HttpClient, serve: Serve, start: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(start)
        try:
            while True:
                peer.send(b"x" * 65_536)
        except OSError:
            peer.server.client_closed.set()

    server = serve(script)
    result = post(client, server)
    assert (result.status, result.error, result.body_truncated) == (200, None, True)
    assert result.body == b"x" * LIMIT
    assert server.client_closed.wait(FAR)


def test_a_body_of_exactly_the_limit_is_whole(client: HttpClient, serve: Serve) -> None:
    for length, truncated in ((LIMIT, False), (LIMIT + 1, True)):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + b"y" * length
        result = post(client, serve(answering(answer)))
        assert (len(result.body), result.body_truncated, result.error) == (LIMIT, truncated, None)


def test_a_compressed_bomb_is_kept_as_it_came(client: HttpClient, serve: Serve) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    server = serve(answering(head + bomb))
    result = post(client, server)
    assert result.body == bomb[:LIMIT]
    assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0]


def test_chunks_of_mostly_extensions_are_cut(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send((b"1;" + b"e" * 1000 + b"\r\nx\r\n") * 50)

    result = post(client, serve(script))
    assert (result.status, result.error) == (200, ErrorClass.RESPONSE_INCOMPLETE)
    assert len(result.body) < LIMIT


# --- time


def test_a_silent_host_times_out(client: HttpClient, serve: Serve) -> None:
    started = monotonic()
    result = post(client, serve(Peer.wait_for_close), timeout=0.5)
    assert (result.status, result.error) == (None, ErrorClass.TIMEOUT)
    assert monotonic() - started < FAR


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
)
def test_headers_in_drips_time_out(client: HttpClient, serve: Serve, start: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(start)
        peer.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 1000)

    started = monotonic()
    result = post(client, serve(script), timeout=0.5)
    assert (result.status, result.error) == (None, ErrorClass.TIMEOUT)
    assert monotonic() - started < FAR


@pytest.mark.parametrize(
    "head", [b"Content-Length: 1000\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n"]
)
def test_a_body_in_drips_is_left_and_the_status_stands(make_client: MakeClient, serve: Serve, head: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n" + head)
        peer.drip(b"x" * 1000)

    started = monotonic()
    result = post(make_client(body_time=1.0), serve(script))
    assert (result.status, result.error) == (200, ErrorClass.RESPONSE_INCOMPLETE)
    assert 0 < len(result.body) < 1000
    assert set(result.body) == {ord("x")}
    assert monotonic() - started < FAR


def test_the_whole_timeout_bounds_the_body_too(make_client: MakeClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        peer.wait_for_close()

    started = monotonic()
    result = post(make_client(body_time=60.0), serve(script), timeout=2.0)
    assert (result.status, result.error) == (200, ErrorClass.RESPONSE_INCOMPLETE)
    assert monotonic() - started < FAR


def test_a_host_that_does_not_read_times_out(client: HttpClient, serve: Serve) -> None:
    started = monotonic()
    server = serve(lambda peer: peer.server.stopping.wait(60))
    result = post(client, server, body=b"x" * 30_000_000, timeout=0.5)
    assert (result.status, result.error) == (None, ErrorClass.TIMEOUT)
    assert monotonic() - started < FAR


def test_a_slow_answer_has_the_whole_timeout_not_that_of_the_connect(make_client: MakeClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.server.stopping.wait(1.0)
        peer.send(OK)

    assert post(make_client(connect_timeout=0.5), serve(script)).status == 200


def test_a_warm_connection_has_the_timeout_of_the_new_request(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(OK))
    assert post(client, server, timeout=60.0).status == 200
    started = monotonic()
    result = post(client, server, timeout=0.5)
    assert (result.error, result.reused, len(server.requests)) == (ErrorClass.TIMEOUT, True, 1)
    assert monotonic() - started < FAR


def test_an_answer_after_the_deadline_does_not_count(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.wait_for_close()
        peer.send(OK)

    server = serve(script)
    assert post(client, server, timeout=0.5).error == ErrorClass.TIMEOUT
    assert server.client_closed.wait(FAR)
    assert len(client.pool) == 0


def test_an_answer_before_the_body_was_read_still_counts(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        peer.server.stopping.wait(0.5)  # the answer must arrive before the RST overtakes it
        peer.reset()

    result = post(client, serve(script), body=b"x" * 30_000_000)
    assert result.status == 413
    assert len(client.pool) == 0


def test_the_timings_name_the_phases_that_took_place(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(OK, OK))
    fresh, warm = post(client, server).timings_ms, post(client, server).timings_ms
    assert fresh.dns is not None
    assert fresh.connect is not None
    assert fresh.tls is None
    assert (warm.dns, warm.connect, warm.tls) == (None, None, None)
    for timings in (fresh, warm):
        assert timings.first_byte is not None
        assert timings.total is not None
        assert 0 < timings.first_byte <= timings.total
