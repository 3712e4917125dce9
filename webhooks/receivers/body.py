"""The bytes of a request, as they came and no more than a source allows."""

from __future__ import annotations

from django.http import HttpRequest

from webhooks.receivers.answers import Refusal


def read(request: HttpRequest, limit: int) -> bytes:
    """The body, byte for byte. Raises :class:`Refusal` (400, 408, 413, 415).

    Attack: a body without end, or one announced as small. The announced length is judged before anything is read, and
    no more than one byte above the limit ever is. A compressed body is refused: its signature would be over the packed
    bytes, and a few of them unpack to gigabytes.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        detail = f"Content-Encoding {encoding[:40]} is not supported; send the body as it is."
        raise Refusal(415, "unsupported-media-type", detail, {"Accept-Encoding": "identity"})
    announced = _announced(request)
    if announced is not None and announced > limit:
        raise Refusal(413, "too-large", f"The body has {announced} bytes; at most {limit} are read here.")
    try:
        if announced is None:
            # Django takes a body without Content-Length for an empty one; the server marks where it ends.
            raw: bytes = request.META["wsgi.input"].read(limit + 1) if _chunked(request) else b""
        else:
            raw = request.read(min(announced, limit) + 1)
    except OSError as error:
        raise _unreadable(error) from None
    if len(raw) > limit:
        raise Refusal(413, "too-large", f"At most {limit} bytes are read here.")
    if announced is not None and len(raw) < announced:
        # RFC 9112 section 8: such a message is incomplete, even if what came is signed
        raise Refusal(400, "bad-request", f"The body ended after {len(raw)} of {announced} bytes.")
    return raw


def _chunked(request: HttpRequest) -> bool:
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def _announced(request: HttpRequest) -> int | None:
    if _chunked(request):
        return None
    text = request.META.get("CONTENT_LENGTH") or ""
    # Python refuses to read integers of more than 4300 digits; the first twenty are more bytes than there are.
    return int(text[:20]) if text.isascii() and text.isdigit() else None


def _unreadable(error: BaseException | None) -> Refusal:
    while error is not None:  # Django wraps what the server raised, more than once
        if isinstance(error, TimeoutError):
            return Refusal(408, "request-timeout", "The body did not arrive in time.")
        error = error.__cause__
    return Refusal(400, "bad-request", "The body could not be read to its end.")
