"""CloudEvents 1.0: an event's attributes, and its structured and binary forms over HTTP.

The publisher's ``data`` bytes are copied in as they are. Sources: the CloudEvents specification, its JSON format and
its HTTP protocol binding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from webhooks.core.envelope import timestamp

STRUCTURED = "application/cloudevents+json; charset=utf-8"
BATCH = "application/cloudevents-batch+json; charset=utf-8"
JSON = "application/json"  # the type of data
MAX_TEXT = 1024  # characters of a metadata value that becomes an attribute; in a header it is three times as long

Attributes = dict[str, str | bool | int]

# What Clarion fills in; metadata of these names cannot replace it.
_OWN = frozenset(
    {
        "specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "data", "data_base64",
        "correlationid", "tenantid", "dataversion",
    }
)  # fmt: skip
_NAME = re.compile(r"[a-z0-9]{1,20}\Z")  # section "Naming Conventions"
# Not in a String: controls, surrogates, noncharacters (section "Type System").
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]"
)
_TO_ENCODE = re.compile(r'[^\x21-\x7e]|["%]')
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def attributes(
    *,
    public_id: str,
    event_type: str,
    created_at: datetime,
    version: str,
    source: str,
    data_schema: str,
    metadata: Mapping[str, Any],
    correlation_id: str,
    tenant_id: str,
) -> Attributes:
    """The context attributes of an event, without ``datacontenttype``.

    ``metadata`` gives ``subject`` and every extension whose name and value CloudEvents allows: ``[a-z0-9]``, 1 to 20
    characters, with text, true, false or a whole number of 32 bits. What is not allowed is left out.
    """
    own: Attributes = {
        "specversion": "1.0",
        "id": public_id,
        "source": source,
        "type": event_type,
        "time": timestamp(created_at),
    }
    if data_schema:
        own["dataschema"] = data_schema
    own |= {"correlationid": correlation_id, "tenantid": tenant_id, "dataversion": version}
    given = {name: value for name, value in metadata.items() if _allowed(name, value)}
    return {name: value for name, value in own.items() if value != ""} | given


def structured(given: Attributes, data: bytes) -> bytes:
    """One event as a JSON object (``application/cloudevents+json``), with the bytes of ``data`` as they are."""
    head = _encode(given | {"datacontenttype": JSON}).encode()
    return b'%b,"data":%b}' % (head[:-1], data)


def batch(events: Iterable[bytes]) -> bytes:
    """Several as a JSON array (``application/cloudevents-batch+json``)."""
    return b"[%b]" % b",".join(events)


def headers(given: Attributes) -> dict[str, str]:
    """The headers of the binary form; the body is the data, and its type the Content-Type.

    Values are percent-encoded: blank, quotation mark, percent sign and all outside U+0021 to U+007E, as UTF-8.
    """
    return {f"ce-{name}": _TO_ENCODE.sub(_percent, _text(value)) for name, value in given.items()}


def _allowed(name: object, value: object) -> bool:
    if not isinstance(name, str) or name in _OWN or not _NAME.match(name):
        return False
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**31) <= value < 2**31
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and not _FORBIDDEN.search(value)


def _text(value: str | bool | int) -> str:
    """The canonical string of a value of CloudEvents' type system."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
