"""Bodies of events: data that is JSON text already is sent byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict
from uuid import UUID


class EventFields(TypedDict):
    """An event of a batch: as the arguments of ``publish``."""

    type: str
    data: Any
    id: NotRequired[str | None]
    version: NotRequired[str | None]
    created_at: NotRequired[datetime | str | None]
    metadata: NotRequired[Mapping[str, Any] | None]
    channels: NotRequired[Sequence[str] | None]


def event_body(event: EventFields) -> bytes:
    """The JSON of an event.

    ``data``: ``bytes`` or ``str`` are JSON text and stay as they are; anything else is written as JSON.
    """
    rest = {name: value for name, value in event.items() if name != "data" and value is not None}
    return _written(rest)[:-1] + b',"data":' + data_text(event["data"]) + b"}"


def data_text(data: Any) -> bytes:
    """The JSON text of a value.

    Text is read before it is used. Attack: text such as ``1,"type":"refund.paid"`` would add members to the event.
    """
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(data, bytes | bytearray | memoryview):
        return _written(data)
    raw = bytes(data)
    try:
        json.loads(raw.decode(), parse_int=str, parse_float=str)  # numbers of any length
    except ValueError as error:  # of decoding, too
        raise ValueError(f"data is not JSON text in UTF-8: {error}") from None
    return raw


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a body as JSON has them: times as text."""
    return {name: _as_text(value) if isinstance(value, date) else value for name, value in fields.items()}


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_text).encode()


def _as_text(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
