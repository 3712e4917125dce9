"""HTTP/1.1 on a connected socket (RFC 9112): one request out, one bounded answer in.

``http.client`` is not used for the exchange: it takes 1xx answers for the final one, buffers headers without
a total bound, follows no deadline, and parses with the e-mail package, which costs more than all the rest.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from webhooks.core.urls import CanonicalUrl
from webhooks.net.deadline import Deadline
from webhooks.net.result import ErrorClass, ExchangeFailed

MAX_HEAD_BYTES = 65_536  # status line and headers, interim answers included
MAX_INTERIM = 10  # 1xx answers before the final one
MAX_CHUNK_LINE = 1024  # bytes of a chunk's size line with its extensions
MAX_TRAILER_BYTES = 8192
READ_SIZE = 16_384  # bytes; one TLS record

_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: .*)?")
_HEAD_END = re.compile(rb"\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[^\t\x20-\x7e]")
_KEEP_ALIVE = re.compile(r"timeout=([0-9]{1,6})")
# The client writes these itself; a second one from a caller could frame the request differently.
_OWN_HEADERS = frozenset(
    {"host", "accept-encoding", "content-length", "transfer-encoding", "te", "trailer"}
    | {"connection", "keep-alive", "upgrade", "expect"}
)


@dataclass(slots=True)
class Head:
    """The final answer's status and headers; ``sound`` False: framed in a doubtful way, so do not reuse."""

    status: int
    headers: list[tuple[str, str]]
    http10: bool
    sound: bool
    by_name: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {}
        for name, value in self.headers:
            self.by_name.setdefault(name.lower(), []).append(value)
        if "transfer-encoding" in self.by_name and "content-length" in self.by_name:
            self.sound = False

    def values(self, name: str) -> list[str]:
        """All values of a header, ``name`` in lower case."""
        return self.by_name.get(name, [])

    @property
    def keeps_alive(self) -> bool:
        """True when the peer lets the connection be used again."""
        options = ",".join(self.values("connection")).lower()
        if "close" in options or not self.sound:
            return False
        return not self.http10 or "keep-alive" in options

    @property
    def keep_for(self) -> float | None:
        """Seconds the peer has announced to wait for the next request, less one for the way."""
        match = _KEEP_ALIVE.search(",".join(self.values("keep-alive")).lower())
        return max(int(match[1]) - 1.0, 0.0) if match else None


@dataclass(slots=True)
class Body:
    """``truncated``: more than the limit; ``incomplete``: the peer stopped or stalled before the end."""

    content: bytes
    truncated: bool = False
    incomplete: bool = False
    at_end: bool = True  # all of the answer was read and nothing more


def encode_request(method: str, url: CanonicalUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of a request. :class:`ExchangeFailed` ``internal_error`` when a header cannot be sent.

    Attack: CR LF in a header value would begin a second request.
    """
    if _BAD_VALUE.search("".join(headers.values())):
        raise _not_sendable("A header value contains a line break or another character that cannot be sent.")
    lines = [
        f"{method} {url.path_and_query} HTTP/1.1\r\n",
        f"Host: {url.authority}\r\nAccept-Encoding: identity\r\n",
    ]
    lines += [f"{_checked_name(name)}: {value}\r\n" for name, value in headers.items()]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("ascii") + body


@lru_cache(maxsize=1024)
def _checked_name(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
        raise _not_sendable(f"The header {name!r} cannot be set.")
    return name


def send(sock: socket.socket, request: bytes, deadline: Deadline) -> None:
    """Send all of ``request`` before the deadline. OSError as it comes; :class:`NothingSent` at the start."""
    deadline.arm(sock)
    try:
        sent = sock.send(request)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise NothingSent from error
    view = memoryview(request)
    while sent < len(request):
        deadline.arm(sock)
        sent += sock.send(view[sent:])


class NothingSent(ConnectionError):
    """The peer had closed before the first byte was accepted, so the request cannot have been processed."""


class AnswerReader:
    """Reads one answer from ``sock``; ``first_byte_at`` on the monotonic clock, None before there is one."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = bytearray()
        self._received = 0
        self._head_bytes = 0
        self.first_byte_at: float | None = None

    def read_head(self) -> Head:
        """The final status and headers, past at most ten 1xx answers.

        Attacks: endless 1xx answers, headers that never end, a banner of another protocol. Raises
        TimeoutError, ConnectionError or :class:`ExchangeFailed` ``protocol_error``.
        """
        for _ in range(MAX_INTERIM + 1):
            head = _parse_head(self._read_raw_head())
            if head.status == 101:
                raise _protocol_error("it switched to another protocol (101)")
            if head.status >= 200:
                return head
        raise _protocol_error(f"it sent more than {MAX_INTERIM} interim (1xx) answers")

    def read_body(self, head: Head, limit: int, deadline: Deadline) -> Body:
        """At most ``limit`` bytes as they come, not decoded. Never raises: the status is known and counts."""
        self._deadline = deadline
        content = bytearray()
        try:
            return self._read_body(head, limit, content)
        except (OSError, ExchangeFailed):
            return Body(bytes(content[:limit]), truncated=len(content) > limit, incomplete=True, at_end=False)

    def _read_body(self, head: Head, limit: int, content: bytearray) -> Body:
        framed, complete = True, True
        codings = ",".join(head.values("transfer-encoding")).lower()
        if head.status in (204, 304):
            pass
        elif codings == "chunked":
            complete = self._read_chunks(content, limit)
        elif not codings and (lengths := head.values("content-length")):
            complete = self._read_length(content, _content_length(lengths), limit)
        else:
            framed, complete = False, self._read_to_end(content, limit)
        at_end = framed and complete and not self._buffer
        return Body(bytes(content[:limit]), truncated=not complete, at_end=at_end)

    def _read_length(self, content: bytearray, length: int, limit: int) -> bool:
        wanted = len(content) + min(length, limit)
        while True:
            content += self._take(wanted - len(content))
            if len(content) == wanted:
                return length <= limit
            self._receive()

    def _read_to_end(self, content: bytearray, limit: int) -> bool:
        while True:
            content += self._take(len(self._buffer))
            if len(content) > limit:
                return False
            try:
                self._receive()
            except EOFError:
                return True

    def _read_chunks(self, content: bytearray, limit: int) -> bool:
        budget = self._received + 4 * limit + MAX_HEAD_BYTES  # bytes; extensions may not cost more than data
        while True:
            match = _CHUNK_SIZE.match(self._read_line(MAX_CHUNK_LINE))
            if match is None:
                raise _protocol_error("a chunk of its body has no size")
            size = int(match[0], 16)
            if size == 0:
                self._skip_trailers()
                return True
            if len(content) + size > limit:
                self._read_length(content, limit - len(content), limit)
                return False
            self._read_length(content, size, size)
            if self._read_line(2) or self._received > budget:
                raise _protocol_error("a chunk of its body does not end where it should")

    def _skip_trailers(self) -> None:
        left = MAX_TRAILER_BYTES
        while line := self._read_line(left):
            left -= len(line)
            if left < 0:
                raise _protocol_error("the trailers of its body are too long")

    def _read_line(self, limit: int) -> bytes:
        """The next line without its end."""
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > limit:
                raise _protocol_error("a line is too long")
            self._receive()
        return self._take(end + 1).rstrip(b"\r\n")

    def _read_raw_head(self) -> str:
        start = 0
        while (match := _HEAD_END.search(self._buffer, start)) is None:
            if not b"HTTP/1.".startswith(self._buffer[:7]):
                raise _protocol_error("it does not begin with HTTP/1.1")
            self._check_head_size(len(self._buffer))
            start = max(len(self._buffer) - 2, 0)
            self._receive()
        self._check_head_size(match.end())
        self._head_bytes += match.end()
        raw = self._take(match.end())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def _check_head_size(self, size: int) -> None:
        if self._head_bytes + size > MAX_HEAD_BYTES:
            raise _protocol_error(f"its headers are larger than {MAX_HEAD_BYTES} bytes")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _receive(self) -> None:
        self._deadline.arm(self._sock)
        data = self._sock.recv(READ_SIZE)
        if not data:
            raise EndOfStream
        if self.first_byte_at is None:
            self.first_byte_at = monotonic()
        self._received += len(data)
        self._buffer += data


class EndOfStream(ConnectionError, EOFError):
    """The peer has closed the connection in an orderly way."""


def _parse_head(text: str) -> Head:
    lines = _LINE_END.split(text.rstrip("\r\n"))
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if status_line is None:
        raise _protocol_error("its status line is not valid")
    headers: list[tuple[str, str]] = []
    sound = True
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:  # a folded line, RFC 9112 section 5.2
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            sound = False
        if colon:
            headers.append((name.strip(), value.strip()))
    return Head(int(status_line[2]), headers, status_line[1] == "0", sound)


def _content_length(values: list[str]) -> int:
    lengths = {part.strip() for value in values for part in value.split(",")}
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise _protocol_error("its Content-Length is not valid")
    return int(length)


def _not_sendable(why: str) -> ExchangeFailed:
    return ExchangeFailed(ErrorClass.INTERNAL_ERROR, why)


def _protocol_error(why: str) -> ExchangeFailed:
    return ExchangeFailed(ErrorClass.PROTOCOL_ERROR, f"The answer is not valid HTTP: {why}.")
