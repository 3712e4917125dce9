"""The events in a body: one envelope, a batch of them, a CloudEvent, or data alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from webhooks.receive.failures import MalformedBody
from webhooks.receive.headers import Headers, Text, first, pairs

BATCH = "webhook.batch"  # the type of a request with several events


@dataclass(frozen=True)
class Event:
    """One event. ``data_bytes``: as they were published. ``created_at``: RFC 3339, empty where the body has none."""

    id: str
    type: str
    created_at: str = ""
    version: str = ""
    data_bytes: bytes = field(default=b"", repr=False)
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def data(self) -> Any:
        """``data_bytes`` as JSON. Raises :class:`MalformedBody` when they are none."""
        try:
            return json.loads(self.data_bytes)
        except (ValueError, RecursionError):
            raise MalformedBody("The data of the event is not JSON.") from None


class Head(NamedTuple):
    """Id and type as the body says them; empty where it does not."""

    id: str = ""
    type: str = ""


class _Body(msgspec.Struct):
    """The members by which a body is recognised."""

    id: str = ""
    type: str = ""
    created_at: str = ""
    specversion: str = ""
    batch_id: str = ""
    version: str = ""
    time: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: str = ""
    metadata: dict[str, Any] = {}
    events: list[_Body] | None = None

    @property
    def is_batch(self) -> bool:
        return bool(self.batch_id) and self.events is not None

    @property
    def is_event(self) -> bool:
        """Attack of a kind: data alone that happens to have members called id and type is no envelope."""
        enveloped = bool(self.created_at and bytes(self.data))
        return bool(self.id and self.type and (enveloped or self.specversion))


_decoder = msgspec.json.Decoder(_Body)


def head(body: bytes) -> Head:
    """What the body says of itself; nothing when it is data alone, or no JSON. Never raises."""
    found = _read(body)
    if found is None:
        return Head()
    if found.is_batch:
        return Head(found.batch_id, BATCH)
    return Head(found.id, found.type) if found.is_event else Head()


def events(body: bytes, headers: Headers = ()) -> list[Event]:
    """The events of a request, in order: of a batch all, else one. Call :func:`webhooks.receive.verify` before.

    ``headers`` name the event where the body is its data alone (``payload_format`` ``data`` and
    ``cloudevents-binary``). Raises :class:`MalformedBody`.
    """
    found = _read(body)
    if found is not None and found.is_batch:
        inside = found.events or []
        if not all(each.is_event for each in inside):
            raise MalformedBody("An event of the batch has no id, type, created_at or data.")
        return [_event(each) for each in inside]
    if found is not None and found.is_event:
        return [_event(found)]
    return [_of_headers(bytes(body), pairs(headers))]


def _read(body: bytes) -> _Body | None:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _event(found: _Body) -> Event:
    data = bytes(found.data)
    if found.data_base64:
        try:
            data = base64.b64decode(found.data_base64, validate=True)
        except ValueError:
            raise MalformedBody("data_base64 is not base64.") from None
    return Event(found.id, found.type, found.created_at or found.time, found.version, data, found.metadata)


def _of_headers(body: bytes, lines: Iterable[tuple[str, Text]]) -> Event:
    lines = list(lines)
    id = first(lines, "webhook-id") or first(lines, "ce-id")
    type = first(lines, "x-webhook-event") or first(lines, "ce-type")
    if not id or not type:
        raise MalformedBody("Neither the body nor the headers webhook-id and X-Webhook-Event say what this is.")
    return Event(id, type, first(lines, "ce-time"), "", body)
