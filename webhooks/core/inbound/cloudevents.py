"""CloudEvents 1.0 over HTTP: structured, binary and batch mode, and the handshake before delivery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from webhooks.core.inbound.message import Described, Request, members, moment, text
from webhooks.errors import FieldError

STRUCTURED = "application/cloudevents+json"
_BATCH, _STRUCTURED = "application/cloudevents-batch", "application/cloudevents"
_REQUIRED = ("id", "source", "specversion", "type")
_ORIGIN = re.compile(r"(?:\*|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)\Z")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read(request: Request, limit: int) -> list[Described] | None:
    """The events of a request, None when it is none of CloudEvents. ``limit``: of events in a batch.

    The mode is told by the content type, in the order that the specification gives. A batch that is no array of
    objects, or one of too many, is one message with its faults.
    """
    media_type = request.media_type
    if media_type.startswith(_BATCH):
        return _batch(request, limit)
    if media_type.startswith(_STRUCTURED):
        return [structured(request.body, request.content_type)]
    if any(name.lower() == "ce-specversion" for name, _ in request.headers):
        return [_binary(request)]
    return None


def _batch(request: Request, limit: int) -> list[Described]:
    try:
        items = msgspec.json.decode(request.body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fault = FieldError("", "takes a JSON array of CloudEvents")
        return [Described(request.body, request.content_type, faults=(fault,))]
    if len(items) > limit:
        fault = FieldError("", f"takes at most {limit} events in one request, there are {len(items)}")
        return [Described(request.body, request.content_type, faults=(fault,))]
    return [structured(bytes(item), STRUCTURED) for item in items]


def structured(body: bytes, content_type: str) -> Described:
    """One event as JSON: its attributes beside ``data``, which is taken out as it came."""
    found = members(body)
    attributes = {name: text(found, name) for name in (*_REQUIRED, "time")}
    faults = _faults(attributes)
    if "data" in found and "data_base64" in found:
        faults.append(FieldError("/data_base64", "cannot stand beside data"))
    data = bytes(found.get("data", found.get("data_base64", b"null")))
    return _described(body, content_type, attributes, data, faults)


def _binary(request: Request) -> Described:
    attributes: dict[str, str] = {}
    faults: list[FieldError] = []
    for name, value in request.headers:
        if name.lower().startswith("ce-"):
            try:
                attributes[name.lower()[3:]] = decoded(value if isinstance(value, str) else value.decode("latin-1"))
            except ValueError as error:
                faults.append(FieldError("", f"the header {name.lower()[:40]} {error}"))
    if "datacontenttype" in attributes:
        faults.append(FieldError("", "ce-datacontenttype is the header Content-Type in binary mode"))
    faults += _faults({name: attributes.get(name, "") for name in _REQUIRED})
    return _described(request.body, request.content_type, attributes, request.body or b"null", faults)


def _described(
    body: bytes, content_type: str, attributes: Mapping[str, str], data: bytes, faults: Iterable[FieldError]
) -> Described:
    source, id = attributes.get("source", ""), attributes.get("id", "")
    # source and id together tell a repeat: two systems may count their events alike
    key = f"{source}#{id}" if source and id else ""
    at = moment(attributes.get("time", ""))
    return Described(body, content_type, attributes.get("type", ""), key, at, data, faults=tuple(faults))


def _faults(attributes: Mapping[str, str]) -> list[FieldError]:
    faults = [FieldError(f"/{name}", "is required") for name in _REQUIRED if not attributes.get(name)]
    if attributes.get("specversion") not in ("1.0", ""):
        faults.append(FieldError("/specversion", "takes 1.0"))
    return faults


def decoded(value: str) -> str:
    """A header's value (section 3.1.3.2): quotes taken off, percent signs decoded once.

    Attack: ``%C0%A0`` and the like, which decoders mend to something another reader does not see. Raises ValueError.
    """
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    if _PERCENT.search(value):
        return value  # a percent sign that encodes nothing: some SDKs encode nothing at all
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise ValueError("is not valid UTF-8 when it is decoded") from None


def consent(headers: Mapping[str, str], rate: int | None) -> dict[str, str] | None:
    """The answer's headers to a handshake (OPTIONS); None when the request asks for nothing.

    ``headers``: those of the request, by any case. ``rate``: requests a minute that are taken at most.
    """
    origin = headers.get("WebHook-Request-Origin", "")
    if not _ORIGIN.match(origin):
        return None
    asked = headers.get("WebHook-Request-Rate", "")
    wanted = int(asked) if re.fullmatch(r"[1-9][0-9]{0,8}", asked) else None
    given = [number for number in (wanted, rate) if number is not None]
    return {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": str(min(given)) if given else "*"}
