"""Request bodies: UTF-8 JSON, read up to a limit, with a pointer to what is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from django.http import HttpRequest

from webhooks.api.problems import Problem
from webhooks.conf import conf
from webhooks.core import jsontext
from webhooks.errors import FieldError, InvalidInput, Malformed, TooLarge

MAX_BYTES = 262_144  # of a body that is not an event: twenty long headers and a certificate fit


def read(request: HttpRequest, limit: int) -> bytes:
    """The bytes of a JSON body that must be there.

    Attack: a body without end, or one announced as small. The announced length is judged before anything is
    read, and a chunked body is read up to one byte above the limit only.
    Raises :class:`Problem` (415), :class:`TooLarge`, :class:`Malformed` for an empty body.
    """
    raw = _read(request, limit)
    if not raw.strip():
        raise Malformed(FieldError("", "the body is empty; send JSON"))
    return raw


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a body that must be there."""
    return parse_object(read(request, MAX_BYTES))


def read_optional_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; an absent body is an empty object."""
    raw = _read(request, MAX_BYTES)
    return parse_object(raw) if raw.strip() else {}


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
    if (pointer := _repeated(raw)) is not None:
        raise InvalidInput(FieldError(pointer, "is there twice"))
    return value


def only(body: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse members that are not known: what is not understood is never ignored."""
    unknown = [name for name in body if name not in known]
    if unknown:
        takes = f"known: {', '.join(known)}" if known else "this takes no fields"
        raise InvalidInput([FieldError(_step(name), f"is not a known field; {takes}") for name in unknown])


def _read(request: HttpRequest, limit: int) -> bytes:
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    announced = _announced(request)
    if announced > limit:
        raise TooLarge(f"The body has {announced} bytes; at most {limit} are read here.")
    if not announced and not chunked:
        return b""
    _check_media_type(request)
    if not chunked:
        return request.body
    # Django takes a body without Content-Length for an empty one; the server marks where it ends.
    raw: bytes = request.META["wsgi.input"].read(limit + 1)
    if len(raw) > limit:
        raise TooLarge(f"At most {limit} bytes are read here.")
    return raw


def _announced(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _check_media_type(request: HttpRequest) -> None:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise _unsupported(f"Content-Encoding {encoding} is not supported; send the body as it is.", "Accept-Encoding")
    if request.content_type != "application/json":
        given = request.content_type or "none"
        raise _unsupported(f"Content-Type must be application/json, not {given}.")
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise _unsupported(f"JSON is read as UTF-8, not as {charset}.")


def _unsupported(detail: str, answer: str = "Accept") -> Problem:
    # RFC 9110 section 15.5.16: the answer says what would have been supported
    value = "identity" if answer == "Accept-Encoding" else "application/json"
    return Problem(415, "unsupported-media-type", detail, headers={answer: value})


def _sentence(error: msgspec.ValidationError) -> str:
    return re.sub(r"^(.)", lambda match: match[1].lower(), str(error).partition(" - at ")[0])


class _Repeating(dict[str, Any]):
    """An object with a name that is there twice."""

    name = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = _Repeating(pairs)
    if len(made) == len(pairs):
        return dict(made)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            made.name = name
        seen.add(name)
    return made


def _repeated(raw: bytes) -> str | None:
    """The pointer of the first name that an object holds twice: of two values, which one was meant?"""
    todo: list[tuple[str, Any]] = [("", json.loads(raw, object_pairs_hook=_pairs))]
    for pointer, value in todo:
        if isinstance(value, _Repeating):
            return pointer + _step(value.name)
        if isinstance(value, dict):
            todo += [(pointer + _step(name), item) for name, item in value.items()]
        elif isinstance(value, list):
            todo += [(f"{pointer}/{n}", item) for n, item in enumerate(value)]
    return None


def _step(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
