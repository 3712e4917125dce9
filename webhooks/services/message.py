"""What goes over the wire: body and headers of one request, for one delivery or for a batch of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from webhooks.conf import conf
from webhooks.core import cloudevents, conversions, envelope, ids
from webhooks.core.signatures import Outgoing
from webhooks.models import Endpoint, Trigger
from webhooks.services.claim import Claimed
from webhooks.services.ingest import DEFAULT_VERSION
from webhooks.services.target import Config, Target

Format = Endpoint.Format
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
BATCH_EVENT = "webhook.batch"  # X-Webhook-Event of a batch, which holds events of several types


def in_version(config: Config, row: Claimed) -> Claimed:
    """The delivery with its data in the version that the endpoint is pinned to.

    Without a pin, or with an event of no version, it is the row itself, and so is a test, which goes past the pin.
    Raises :class:`ConversionFailed`.
    """
    wanted = config.version
    if not wanted or not row.version or row.version == wanted:
        return row
    if row.trigger == Trigger.TEST:
        return row
    data = conversions.convert(row.type, row.version, wanted, bytes(row.data or b""))
    return row._replace(data=data, version=wanted)


class Message(NamedTuple):
    """A request before it is signed. ``id``: the ``webhook-id``. ``version`` and ``type`` fill in the URL.

    ``headers``: those that belong to the format.
    """

    id: str
    delivery: str
    attempt: int
    correlation_id: str
    type: str
    version: str
    body: bytes
    headers: Mapping[str, str] = _NO_HEADERS


def single(target: Target, row: Claimed) -> Message:
    """The message of one delivery."""
    kind, extra = target.config.payload_format, _NO_HEADERS
    if kind == Format.ENVELOPE:
        body = _envelope(target, row)
    elif kind == Format.CLOUDEVENTS:
        body = _cloudevent(target, row)
    else:
        body = bytes(row.data or b"")
        if kind == Format.CLOUDEVENTS_BINARY:
            extra = cloudevents.headers(_attributes(target, row))
    shown = ids.show(ids.DELIVERY, row.delivery_id)
    return Message(
        row.public_id, shown, row.attempt, row.correlation_id, row.type, row.version or DEFAULT_VERSION, body, extra
    )


def batch(target: Target, rows: Sequence[Claimed]) -> Message:
    """The message of several: ``{"batch_id","created_at","event_count","events":[envelopes]}``, or an array of
    CloudEvents.

    Id and time follow from the deliveries, so the same batch on its retry is the same bytes under the same id.
    """
    key = ids.batch_id([row.delivery_id for row in rows])
    shown = ids.show(ids.BATCH, key)
    if target.config.payload_format == Format.CLOUDEVENTS:
        body = cloudevents.batch(_cloudevent(target, row) for row in rows)
    else:
        head = {"batch_id": shown, "created_at": envelope.timestamp(ids.created_at(key)), "event_count": len(rows)}
        events = b",".join(_envelope(target, row) for row in rows)
        body = b'%b,"events":[%b]}' % (json.dumps(head, separators=(",", ":")).encode()[:-1], events)
    attempt = max(row.attempt for row in rows)
    return Message(shown, shown, attempt, shown, BATCH_EVENT, target.config.version or DEFAULT_VERSION, body)


def _envelope(target: Target, row: Claimed) -> bytes:
    return envelope.build(
        public_id=row.public_id,
        event_type=row.type,
        created_at=row.created_at,
        version=row.version or DEFAULT_VERSION,
        data=bytes(row.data or b""),
        metadata=json.loads(row.metadata),
        correlation_id=row.correlation_id,
        tenant_id=ids.show(ids.TENANT, target.tenant_id),
        tenant_metadata=target.tenant_metadata,
    )


def _cloudevent(target: Target, row: Claimed) -> bytes:
    return cloudevents.structured(_attributes(target, row), bytes(row.data or b""))


def _attributes(target: Target, row: Claimed) -> cloudevents.Attributes:
    version = row.version or DEFAULT_VERSION
    tenant = ids.show(ids.TENANT, target.tenant_id)
    return cloudevents.attributes(
        public_id=row.public_id,
        event_type=row.type,
        created_at=row.created_at,
        version=version,
        source=source_of(tenant),
        data_schema=target.data_schemas.get((row.type, version), ""),
        metadata=json.loads(row.metadata),
        correlation_id=row.correlation_id,
        tenant_id=tenant,
    )


def source_of(tenant: str) -> str:
    """The CloudEvents ``source`` of a tenant's events: with their id it is unique."""
    return (conf.CLOUDEVENTS_SOURCE or f"{conf.PUBLIC_URL}/tenants/{{tenant}}").replace("{tenant}", tenant)


def request_headers(
    config: Config, message: Message, timestamp: int, url: str
) -> tuple[dict[str, str], dict[str, str]]:
    """All headers but the client's own: as sent, and as stored (secrets masked).

    ``timestamp``: unix seconds of this attempt. ``url``: the one that is posted to.
    """
    signed = Outgoing(message.id, timestamp, message.body, url, config.content_type)
    own = {
        "Content-Type": config.content_type,
        "X-Webhook-Event": message.type,
        "X-Webhook-Delivery": message.delivery,
        "X-Webhook-Attempt": str(message.attempt),
        "X-Correlation-ID": message.correlation_id,
        **message.headers,
        **config.signer.headers(signed),
    }
    return config.headers | own, config.shown_headers | own
