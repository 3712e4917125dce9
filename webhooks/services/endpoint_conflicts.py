"""Fields of an endpoint that are fine by themselves and contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from webhooks.core import cloudevents
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Endpoint
from webhooks.services.endpoint_auth import escape

TOGETHER = (
    "auth", "headers", "batch", "ordered", "payload_format", "content_type", "url", "destination", "signature_schemes",
    "version", "validation",
)  # fmt: skip
_Format = Endpoint.Format


def check_together(fields: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidInput` when clean values of the fields TOGETHER contradict each other."""
    faults = [*_doubled_headers(fields), *_batch_conflicts(fields), *_format_conflicts(fields)]
    faults += _destination_conflicts(fields) if fields.get("destination") else _url_conflicts(fields)
    if faults:
        raise InvalidInput(faults)


def _doubled_headers(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """Attack: two Authorization headers on one request, of which proxies and receivers read different ones."""
    auth = fields.get("auth", {"type": "none"})
    by_kind = {"none": "", "mtls": "", "api_key": auth.get("name", "").lower()}  # the header that auth sets
    taken = by_kind.get(auth["type"], "authorization")
    for name in fields.get("headers", {}):
        if name.lower() == taken:
            yield FieldError(f"/headers/{escape(name)}", f"{name} is already set by auth")


def _batch_conflicts(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    if not fields.get("batch"):
        return
    if fields.get("ordered"):
        yield FieldError("/batch", "cannot be combined with ordered, whose events are sent one by one")
    if fields.get("payload_format") not in (None, _Format.ENVELOPE, _Format.CLOUDEVENTS):
        yield FieldError(
            "/payload_format", "a batch holds envelopes or cloudevents; use one of them, or null for batch"
        )
    if fields.get("destination"):
        return
    path = urlsplit(fields.get("url", "")).path
    if "{event_type}" in path:
        yield FieldError(
            "/url", "{event_type} cannot stand in the path of a batch, which holds events of several types"
        )
    if "{version}" in path and not fields.get("version"):
        yield FieldError("/url", "{version} in the path of a batch needs a version that the webhook is pinned to")


def _format_conflicts(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """A type of content that says something else than the format does."""
    content_type, kind = fields.get("content_type", cloudevents.JSON), fields.get("payload_format")
    if kind == _Format.CLOUDEVENTS and content_type != cloudevents.JSON:
        yield FieldError(
            "/content_type",
            f"the format cloudevents has a type of its own ({cloudevents.STRUCTURED.partition(';')[0]}); leave it out, "
            "or use cloudevents-binary, where it is the type of the data",
        )
    elif content_type.startswith("application/cloudevents"):
        yield FieldError("/content_type", "belongs to payload_format cloudevents, which sets it by itself")


def _destination_conflicts(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """What only a URL has."""
    if fields.get("auth", {}).get("type", "none") != "none":
        yield FieldError("/auth", "the credentials of a queue belong to its destination; use none")
    if fields.get("validation"):
        yield FieldError("/validation", "a queue cannot consent; leave it out, or use a url")
    for n, scheme in enumerate(fields.get("signature_schemes", ())):
        if scheme == "rfc9421":
            yield FieldError(f"/signature_schemes/{n}", "signs the URL of a request, which a message does not have")
    if fields["destination"]["type"] != "eventbridge":
        return
    kind = fields.get("payload_format")
    if kind in (_Format.DATA, _Format.CLOUDEVENTS_BINARY):
        yield FieldError(
            "/payload_format",
            "EventBridge carries no headers, and what they say would be lost; use envelope or cloudevents",
        )
    if kind == _Format.CLOUDEVENTS and fields.get("batch"):
        yield FieldError("/batch", "EventBridge takes JSON objects, and a batch of cloudevents is an array; use null")


def _url_conflicts(fields: Mapping[str, Any]) -> Iterator[FieldError]:
    url = fields.get("url", "")
    if fields.get("auth", {}).get("type") == "mtls" and url.startswith("http://"):
        yield FieldError("/url", "auth mtls needs an https:// URL; without TLS there is no certificate to show")
    if fields.get("validation") and "{" in urlsplit(url).path:
        yield FieldError("/url", "a receiver consents to one exact URL; leave the placeholders out, or validation")
