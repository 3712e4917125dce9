"""From the bytes of a request to drafts. ``data`` is cut out of the body as it stands there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from webhooks.conf import conf
from webhooks.core import jsontext, patterns
from webhooks.errors import FieldError, InvalidInput, Malformed, TooLarge
from webhooks.models import Event
from webhooks.services.ingest import Draft

MAX_METADATA_BYTES = 16_384  # it is copied into every delivery and kept as jsonb
MAX_CHANNELS = 20

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,32}\Z")
_CHANNEL = re.compile(r"[A-Za-z0-9._:/-]{1,128}\Z")
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}\Z")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # not the text of an escape, which has one more backslash
_ENVELOPE_DEPTH = 1  # the object around data
_BATCH_DEPTH = 3  # the same inside {"events": [...]}


class _NewEvent(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    data: msgspec.Raw
    id: str | None = None
    version: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] = {}
    channels: list[str] = []


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_event = msgspec.json.Decoder(_NewEvent)
_batch = msgspec.json.Decoder(_Batch)
_raw = msgspec.json.Decoder(msgspec.Raw)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SPARE = 7  # bytes: fewer hold no second member, the shortest of which is "id":"",
_WORTH_CUTTING = 64  # bytes of data from which it is quicker to cut it out than to read it again


def parse_event(raw: bytes, *, correlation_id: str = "", origin: str = Event.Origin.API) -> Draft:
    """One event of ``POST /api/events``.

    Raises :class:`TooLarge`, :class:`Malformed` (not JSON) or :class:`InvalidInput` with pointers.
    """
    if len(raw) > conf.MAX_EVENT_BYTES:
        raise TooLarge(_too_large(raw))
    _check(jsontext.check_text, raw)
    return _draft(raw, correlation_id, origin)


def parse_batch(raw: bytes, *, correlation_id: str = "") -> list[Draft | list[FieldError]]:
    """The events of ``POST /api/events/batch``: for each one a draft, or its faults (pointers inside the event).

    Raises like :func:`parse_event` when the batch as a whole cannot be read.
    """
    if len(raw) > conf.MAX_BATCH_BYTES:
        raise TooLarge(f"A batch has at most {conf.MAX_BATCH_BYTES} bytes, this one has {len(raw)}.")
    _check(jsontext.check_text, raw)
    items = _decode(_batch, raw).events
    if raw.count(b'"events"') > 1 or b"\\u00" in raw:  # else that name stands there once, however it is written
        _check_once(raw, "events")
    if not items:
        raise InvalidInput(FieldError("/events", "takes one or more events"))
    if len(items) > conf.MAX_BATCH_EVENTS:
        raise InvalidInput(
            FieldError("/events", f"takes at most {conf.MAX_BATCH_EVENTS} events, this batch has {len(items)}")
        )
    return [_item(bytes(item), correlation_id) for item in items]


def check_data(raw: bytes) -> bytes:
    """``raw`` when it is one JSON value; :class:`Malformed` or :class:`InvalidInput` (below ``/data``) otherwise."""
    try:
        _check(jsontext.check_text, raw)
        _decode(_raw, raw)
    except InvalidInput as error:
        raise type(error)([FieldError(f"/data{fault.pointer}", fault.detail) for fault in error.errors]) from None
    return raw


def _item(raw: bytes, correlation_id: str) -> Draft | list[FieldError]:
    """An event of a batch whose text as a whole has been checked."""
    if len(raw) > conf.MAX_EVENT_BYTES:
        return [FieldError("", _too_large(raw))]
    try:
        return _draft(raw, correlation_id, Event.Origin.API)
    except InvalidInput as error:
        return error.errors


def _too_large(raw: bytes) -> str:
    return f"An event has at most {conf.MAX_EVENT_BYTES} bytes, this one has {len(raw)}."


def _check(check: Callable[..., None], raw: bytes, *limit: int) -> None:
    try:
        check(raw, *limit)
    except jsontext.JSONFault as fault:
        raise InvalidInput(FieldError(fault.pointer, fault.detail)) from None


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise InvalidInput(_field_error(str(error))) from None
    except msgspec.DecodeError as error:
        fault = jsontext.explain(raw, str(error))
        kind = Malformed if fault.syntax else InvalidInput
        raise kind(FieldError(fault.pointer, fault.detail)) from None
    except RecursionError:
        _check(jsontext.check_depth, raw, conf.MAX_JSON_DEPTH + _BATCH_DEPTH)
        raise InvalidInput(FieldError("", "is nested too deeply to be read")) from None


def _field_error(message: str) -> FieldError:
    """msgspec's "Expected `str`, got `int` - at `$.a[0]`" as a pointer and a sentence."""
    what, _, path = message.partition(" - at `$")
    steps = re.findall(r"[^.\[\]`]+", path)
    if missing := re.search(r"(?:missing required|contains unknown) field `([^`]+)`", what):
        steps.append(missing[1])
        what = "is required" if "missing" in what else "is not a known field"
    return FieldError("".join(f"/{step}" for step in steps), what.replace("`", ""))


def _draft(raw: bytes, correlation_id: str, origin: str) -> Draft:
    _check(jsontext.check_depth, raw, conf.MAX_JSON_DEPTH + _ENVELOPE_DEPTH)
    event: _NewEvent = _decode(_event, raw)
    data = bytes(event.data)
    _check_once(raw.replace(data, b"0") if len(data) >= _WORTH_CUTTING and raw.count(data) == 1 else raw, "data")
    faults = list(_faults(event))
    if faults:
        raise InvalidInput(faults)
    own = event.metadata.get("correlation_id")
    return Draft(
        type=event.type,
        data=data,
        key=event.id,
        version=event.version or "",
        created_at=_utc(event.created_at) if event.created_at else None,
        metadata=event.metadata,
        channels=event.channels,
        correlation_id=own if isinstance(own, str) and _CORRELATION.match(own) else correlation_id,
        origin=origin,
    )


def _check_once(raw: bytes, kept: str) -> None:
    """Refuse a member that is there twice, anywhere but inside ``kept``, which is delivered as it stands.

    Attack: two readers of ``{"type": "a", "type": "b"}`` take it for different events. Every event passes here, so
    names and values are counted first: where they leave no room for another member, nothing is parsed in Python.
    """
    members: dict[str, msgspec.Raw] = _members.decode(raw)
    told = 1 + sum(len(name) + memoryview(value).nbytes + len('"":,') for name, value in members.items())
    pointer = None
    if len(raw) - told >= _SPARE:
        pointer = jsontext.repeated(raw, but=kept)
    elif "metadata" in members and (inside := jsontext.repeated(bytes(members["metadata"]))) is not None:
        pointer = f"/metadata{inside}"
    if pointer is not None:
        raise InvalidInput(FieldError(pointer, "is there twice"))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(FieldError("/created_at", "lies outside the years 1 to 9999 in UTC")) from None


def _faults(event: _NewEvent) -> Any:
    try:
        patterns.check_event_type(event.type)
    except patterns.InvalidPattern as error:
        yield FieldError("/type", str(error))
    if event.id is not None and not _KEY.match(event.id):
        yield FieldError("/id", "takes 1 to 128 characters of A-Z a-z 0-9 _ and -")
    if event.version is not None and not _VERSION.match(event.version):
        yield FieldError("/version", "takes 1 to 32 characters of A-Z a-z 0-9 . _ and -, such as v2")
    if event.created_at is not None and event.created_at.tzinfo is None:
        yield FieldError("/created_at", "needs a time zone, such as 2025-09-10T15:30:45Z")
    if len(event.channels) > MAX_CHANNELS:
        yield FieldError("/channels", f"takes at most {MAX_CHANNELS} channels")
    for n, channel in enumerate(event.channels):
        if not _CHANNEL.match(channel):
            yield FieldError(f"/channels/{n}", "takes 1 to 128 characters of A-Z a-z 0-9 . _ : / and -")
    yield from _metadata_faults(event.metadata)


def _metadata_faults(metadata: dict[str, Any]) -> Any:
    if not metadata:
        return
    text = msgspec.json.encode(metadata)
    if len(text) > MAX_METADATA_BYTES:
        yield FieldError("/metadata", f"has at most {MAX_METADATA_BYTES} bytes")
    if _NUL.search(text):
        yield FieldError("/metadata", "cannot hold the character U+0000")
