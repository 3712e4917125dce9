"""Request bodies: UTF-8 JSON, perhaps compressed, read up to a limit, with a pointer to what is wrong."""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec
from django.http import HttpRequest

from webhooks.api.problems import Problem
from webhooks.conf import conf
from webhooks.core import jsontext
from webhooks.errors import FieldError, InvalidInput, Malformed, TooLarge

_KEPT = "_clarion_body"
JSON = ("application/json",)
# one event is a line as well
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", *JSON)
MAX_BYTES = 262_144  # of a body that is not an event: twenty long headers and a certificate fit


def read(request: HttpRequest, limit: int) -> bytes:
    """The bytes of a JSON body that must be there.

    Attack: a body without end, or one announced as small. The announced length is judged before anything is
    read, and a chunked body is read up to one byte above the limit only. A compressed body has the same limit
    twice: as it comes, and unpacked, of which no more than one byte above the limit is ever made.
    Raises :class:`Problem` (408, 415), :class:`TooLarge`, :class:`Malformed` for an empty or incomplete body.
    """
    raw = content(request, limit)
    if not raw.strip():
        raise Malformed(FieldError("", "the body is empty; send JSON"))
    return raw


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a body that must be there."""
    return parse_object(read(request, MAX_BYTES))


def read_optional_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; an absent body is an empty object."""
    raw = content(request, MAX_BYTES)
    return parse_object(raw) if raw.strip() else {}


def content(request: HttpRequest, limit: int, media_types: tuple[str, ...] = JSON) -> bytes:
    """The bytes of the body, unpacked; empty when there is none. Reading twice gives the same.

    ``media_types``: which ones are taken, the first being the one that a refusal names.
    """
    kept: bytes | None = getattr(request, _KEPT, None)
    if kept is None:
        kept = _content(request, limit, media_types)
        setattr(request, _KEPT, kept)
    if len(kept) > limit:
        raise TooLarge(f"At most {limit} bytes are read here.")
    return kept


def parse_object(raw: bytes) -> dict[str, Any]:
    """JSON text as an object. Raises :class:`Malformed` or :class:`InvalidInput`, both with a pointer."""
    try:
        jsontext.check(raw, max_depth=conf.MAX_JSON_DEPTH)
        value = msgspec.json.decode(raw)
    except jsontext.JSONFault as fault:
        raise InvalidInput(FieldError(fault.pointer, fault.detail)) from None
    except msgspec.ValidationError as error:
        raise InvalidInput(FieldError("", _sentence(error))) from None
    except msgspec.DecodeError as error:
        found = jsontext.explain(raw, str(error))
        kind = Malformed if found.syntax else InvalidInput
        raise kind(FieldError(found.pointer, found.detail)) from None
    if not isinstance(value, dict):
        raise InvalidInput(FieldError("", "takes a JSON object"))
    if (pointer := jsontext.repeated(raw)) is not None:
        raise InvalidInput(FieldError(pointer, "is there twice"))
    return value


def only(body: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse members that are not known: what is not understood is never ignored."""
    unknown = [name for name in body if name not in known]
    if unknown:
        takes = f"known: {', '.join(known)}" if known else "this takes no fields"
        raise InvalidInput([FieldError(jsontext.step(name), f"is not a known field; {takes}") for name in unknown])


def _content(request: HttpRequest, limit: int, media_types: tuple[str, ...]) -> bytes:
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    announced = _announced(request)
    if announced > limit:
        raise TooLarge(f"The body has {announced} bytes; at most {limit} are read here.")
    if not announced and not chunked:
        return b""
    unpack = _check_media_type(request, media_types)
    try:
        # Django takes a body without Content-Length for an empty one; the server marks where it ends.
        raw: bytes = request.META["wsgi.input"].read(limit + 1) if chunked else request.body
    except OSError as error:
        raise _unreadable(error) from None
    if len(raw) > limit:
        raise TooLarge(f"At most {limit} bytes are read here.")
    if len(raw) < announced:
        # RFC 9112 section 8: such a message is incomplete, even if what came is valid JSON
        raise Malformed(FieldError("", f"the body ended after {len(raw)} of {announced} bytes"))
    return _unpacked(raw, limit) if unpack else raw


def _announced(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    # Python refuses to read integers of more than 4300 digits; the first twenty are more bytes than there are.
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


def _unreadable(error: BaseException | None) -> Problem:
    while error is not None:  # Django wraps what the server raised, more than once
        if isinstance(error, TimeoutError):
            return Problem(408, "request-timeout", "The body did not arrive in time.")
        error = error.__cause__
    return Problem(400, "malformed-body", "The body could not be read to its end.")


def _check_media_type(request: HttpRequest, media_types: tuple[str, ...]) -> bool:
    """Whether the body has to be unpacked. Raises :class:`Problem` (415)."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        detail = f"Content-Encoding {encoding[:40]} is not supported; send the body as it is, or as gzip."
        raise _unsupported(detail, "Accept-Encoding")
    if request.content_type not in media_types:
        given = (request.content_type or "none")[:80]
        raise _unsupported(f"Content-Type must be {media_types[0]}, not {given}.", accepted=media_types[0])
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise _unsupported(f"JSON is read as UTF-8, not as {charset[:40]}.")
    return encoding in ("gzip", "x-gzip")


def _unpacked(raw: bytes, limit: int) -> bytes:
    """The content of one gzip member (RFC 1952), at most ``limit`` bytes.

    Attack: a few kilobytes that unpack to gigabytes. Whatever the ratio, one byte above the limit ends it. A second
    member is refused: thousands of empty ones would be copied over and over.
    """
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        made = unpacking.decompress(raw, limit + 1)
    except zlib.error:
        raise Malformed(FieldError("", "the body is not valid gzip")) from None
    if len(made) > limit:
        raise TooLarge(f"Unpacked, the body has more than the {limit} bytes that are read here.")
    if not unpacking.eof or unpacking.unused_data:
        what = "ends too early" if not unpacking.eof else "has something behind its first member"
        raise Malformed(FieldError("", f"the gzip data {what}"))
    return made


def _unsupported(detail: str, answer: str = "Accept", accepted: str = JSON[0]) -> Problem:
    # RFC 9110 section 15.5.16: the answer says what would have been supported
    value = "gzip, identity" if answer == "Accept-Encoding" else accepted
    return Problem(415, "unsupported-media-type", detail, headers={answer: value})


def _sentence(error: msgspec.ValidationError) -> str:
    return re.sub(r"^(.)", lambda match: match[1].lower(), str(error).partition(" - at ")[0])
