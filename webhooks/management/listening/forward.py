"""Pass a request on to a developer's own server, byte for byte, and bring its answer back."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from webhooks.management.http_server import Answer, Arrival

PATIENCE = 30.0  # seconds without a byte from the local server
LARGEST = 1024 * 1024  # bytes of its answer that are passed back
# They belong to one connection (RFC 9110 section 7.6.1), or are made anew.
_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "expect"}
)
_OURS = _HOP | {"host", "content-length"}
_THEIRS = _HOP | {"content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Forwarded:
    """``status`` 0: there was no answer, and ``error`` says why. ``milliseconds``: until the answer was read."""

    status: int
    milliseconds: float
    answer: Answer
    error: str = ""


def parse_target(text: str) -> SplitResult:
    """An absolute http or https URL without credentials. ValueError otherwise."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username is not None:
        raise ValueError("give an absolute URL, such as http://127.0.0.1:8000/webhooks")
    _ = url.port  # ValueError for one that is none
    return url


def forward(arrival: Arrival, target: SplitResult, patience: float = PATIENCE) -> Forwarded:
    """Send ``arrival`` to ``target``: same method, body and headers, in order; only Host is that of the target.

    It never raises for what the other server does: 502 and a sentence are the answer then.
    """
    began = time.monotonic()
    connection = _connection(target, patience)
    try:
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        connection.putrequest(arrival.method, path, skip_accept_encoding=True)
        for name, value in _without(arrival.headers, _OURS):
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("Content-Length", str(len(arrival.body)))
        connection.endheaders(arrival.body)
        answer = _answer(connection.getresponse())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _failed(error, began)
    finally:
        connection.close()
    return Forwarded(answer.status, _since(began), answer)


def _connection(target: SplitResult, patience: float) -> http.client.HTTPConnection:
    host = target.hostname or ""
    if target.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, target.port, timeout=patience, context=context)
    return http.client.HTTPConnection(host, target.port, timeout=patience)


def _answer(response: http.client.HTTPResponse) -> Answer:
    body = response.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise ValueError(f"the answer has more than {LARGEST} bytes")
    return Answer(response.status, body, _without(response.getheaders(), _THEIRS))


def _without(headers: Iterable[tuple[str, str]], left_out: frozenset[str]) -> list[tuple[str, str]]:
    """Attack: a folded header is one line for the parser that read it and two for whoever reads it next."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in left_out and "\n" not in value and "\r" not in value
    ]


def _failed(error: Exception, began: float) -> Forwarded:
    sentence = f"{type(error).__name__}: {error}"
    answer = Answer(502, f"The local server did not answer: {sentence}\n".encode())
    return Forwarded(0, _since(began), answer, sentence)


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
