"""The reader of answers: what it finds may not depend on how the network cuts the stream."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.urls import parse_endpoint_url
from webhooks.net.deadline import Deadline
from webhooks.net.http1 import AnswerReader, Body, Head, encode_request
from webhooks.net.result import ErrorClass, ExchangeFailed

LIMIT = 64  # bytes of a body that are kept here
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello",
    b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Go\n\nHTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n002\r\nde\r\n0\r\nT: 1\r\n\r\n",
    b"HTTP/1.0 404 Not Found\nX-Folded: a\n\tb\n\neverything to the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n",
]
TOKENS = st.sampled_from(
    [
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"200",
        b"100",
        b"204",
        b" OK",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b": ",
        b" ",
        b"Content-Length: ",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"5",
        b"0",
        b"-1",
        b"fff",
        b";",
        b"\x00",
        b"\xff",
        b"\t",
        b"Keep-Alive: timeout=9",
        b"hello",
        b"x" * 100,
    ]
)


def read(pieces: list[bytes]) -> tuple[Head, Body]:
    """The answer as found when the peer sends ``pieces`` and closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for piece in pieces:
            theirs.sendall(piece)
        theirs.shutdown(socket.SHUT_WR)
        reader = AnswerReader(ours, Deadline(15))
        head = reader.read_head()
        return head, reader.read_body(head, LIMIT, Deadline(15))


class OneByteSocket(socket.socket):
    """Receives one byte at a time, however many there are."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        return super().recv(1, flags)


def read_slowly(answer: bytes) -> tuple[Head, Body]:
    ours, theirs = socket.socketpair()
    with theirs, OneByteSocket(fileno=ours.detach()) as slow:
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        reader = AnswerReader(slow, Deadline(15))
        head = reader.read_head()
        return head, reader.read_body(head, LIMIT, Deadline(15))


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_the_same_in_one_piece_and_in_single_bytes(answer: bytes) -> None:
    whole, slow = read([answer]), read_slowly(answer)
    assert whole[0] == slow[0]
    assert whole[1].content == slow[1].content
    assert (whole[1].truncated, whole[1].incomplete) == (slow[1].truncated, slow[1].incomplete)
    assert not whole[1].incomplete


@given(st.one_of(st.binary(max_size=200), st.lists(TOKENS, max_size=20).map(b"".join)))
def test_any_bytes_end_in_an_answer_or_a_known_failure(noise: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n"):
        try:
            head, body = read([start + noise])
        except (ConnectionError, ExchangeFailed):
            continue
        assert 200 <= head.status <= 999
        assert len(body.content) <= LIMIT


@given(st.lists(st.binary(max_size=30), max_size=8), st.booleans())
def test_chunks_are_joined(chunks: list[bytes], extension: bool) -> None:
    chunks = [chunk for chunk in chunks if chunk]
    note = b";note=1" if extension else b""
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), note, chunk) for chunk in chunks)
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    _, body = read([start + framed + b"0\r\n\r\n"])
    content = b"".join(chunks)
    assert body.content == content[:LIMIT]
    assert body.truncated == (len(content) > LIMIT)
    assert body.at_end == (not body.truncated)


def test_a_request_without_a_body_has_no_length_unless_its_method_needs_one() -> None:
    url = parse_endpoint_url("https://example.com/", allow_http=False)
    assert encode_request("GET", url, {}, b"") == (
        b"GET / HTTP/1.1\r\nHost: example.com\r\nAccept-Encoding: identity\r\n\r\n"
    )
    assert b"\r\nContent-Length: 0\r\n" in encode_request("POST", url, {}, b"")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4))
def test_no_header_can_add_a_line_to_the_request(headers: dict[str, str]) -> None:
    url = parse_endpoint_url("https://example.com/", allow_http=False)
    try:
        request = encode_request("POST", url, headers, b"{}")
    except ExchangeFailed as failure:
        error = failure.error
    else:
        head = request.partition(b"\r\n\r\n")[0]
        assert head.count(b"\n") == head.count(b"\r") == 3 + len(headers)
        return
    assert error == ErrorClass.INTERNAL_ERROR
