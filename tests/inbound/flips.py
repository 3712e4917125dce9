"""Every one-bit change of a request: what a verifier has to refuse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from webhooks.core.inbound import Request

Pairs = Sequence[tuple[str, str]]


def flipped(data: bytes) -> Iterator[bytes]:
    """``data`` with one bit changed, for each bit."""
    for place in range(len(data)):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def changed(headers: Pairs, body: bytes, signed: Sequence[str], content_type: str = "") -> Iterator[Request]:
    """The request with one bit changed in its body or in one of the headers ``signed`` (lower case)."""
    for other in flipped(body):
        yield Request(list(headers), other, content_type=content_type)
    for n, (name, value) in enumerate(headers):
        if name.lower() in signed:
            for other in flipped(value.encode()):
                pairs = [*headers[:n], (name, other.decode("latin-1")), *headers[n + 1 :]]
                yield Request(pairs, body, content_type=content_type)
