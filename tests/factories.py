"""Rows for tests, made by the services that make them in production where there is one.

Imported by test functions after Django is set up. Every name is random, so tests share nothing by accident.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from webhooks.core import ids
from webhooks.models import (
    Delivery,
    Endpoint,
    EndpointSecret,
    Event,
    Mailbox,
    ProcessorRun,
    ReceivedMessage,
    Source,
    Tenant,
)
from webhooks.services import api_keys, credentials, endpoints, ingest, oauth_clients, oauth_tokens

URL = "https://receiver.example/hook"


def make_tenant(**fields: Any) -> Tenant:
    """An active tenant with a random slug."""
    slug = fields.pop("slug", f"tenant-{secrets.token_hex(4)}")
    return Tenant.objects.create(slug=slug, name=fields.pop("name", slug.title()), **fields)


def make_key(tenant: Tenant | None, *scopes: str) -> str:
    """The token of a new API key; of a platform key without tenant. No scopes: all it can have."""
    _, token = api_keys.create_api_key(tenant.id if tenant else None, "tests", scopes or None)
    return token


def make_oauth_token(tenant: Tenant | None, *scopes: str) -> str:
    """An access token of a new OAuth client; of a platform client without tenant. No scopes: all it can have."""
    client_id, _ = oauth_clients.create(tenant.id if tenant else None, "tests", scopes or None)
    token = oauth_tokens.generate()
    granted = scopes or credentials.grantable(tenant.id if tenant else None)
    if not oauth_tokens.issue(client_id, token, sorted(granted), 3600):
        raise LookupError("the client is gone")
    return token


def make_endpoint(
    tenant: Tenant | None = None, url: str = URL, *, secret: str = "", state: str = "", **fields: Any
) -> Endpoint:
    """An endpoint for every event, unless ``fields`` (named as in the API) say otherwise.

    ``secret`` replaces the random one (see :func:`secret_of`); ``state`` is set without its consequences.
    """
    tenant = tenant or make_tenant()
    created = endpoints.create(tenant.id, {"url": url, "event_types": ["*"], **fields})
    if secret:
        EndpointSecret.objects.get(endpoint=created.id).delete()
        EndpointSecret.objects.create(endpoint_id=created.id, value=secret)
    if state:
        Endpoint.objects.filter(id=created.id).update(state=state)
    return Endpoint.objects.get(id=created.id)


def secret_of(endpoint: Endpoint) -> str:
    """The newest signing secret (``whsec_...``)."""
    newest = EndpointSecret.objects.filter(endpoint=endpoint).order_by("valid_from", "id").last()
    if newest is None:
        raise LookupError(f"{endpoint} has no secret")
    return str(newest.value)


def make_event(
    tenant: Tenant | None = None,
    type: str = "order.created",
    data: Any = None,
    *,
    fanned_out: bool = False,
    **fields: Any,
) -> Event:
    """An accepted event. ``data`` is JSON text as bytes, or a value to encode; ``fields`` as in ingest.Draft.

    ``fanned_out=True`` takes it out of the outbox, so that a fan-out makes no deliveries of it.
    """
    body = data if isinstance(data, bytes) else json.dumps({"n": 1} if data is None else data).encode()
    tenant = tenant or make_tenant()
    (published,) = ingest.publish(tenant.id, [ingest.Draft(type=type, data=body, **fields)])
    if fanned_out:
        Event.objects.filter(id=published.id).update(fanned_out_at=datetime.now(UTC))
    return Event.objects.get(id=published.id)


def make_delivery(endpoint: Endpoint | None = None, event: Event | None = None, **fields: Any) -> Delivery:
    """A delivery, pending and due now unless ``fields`` say otherwise, and the endpoint's mailbox to match.

    Its key is the one that fan-out gives it; pass ``id`` for a second one of the same event and endpoint.
    """
    endpoint = endpoint or make_endpoint()
    event = event or make_event(endpoint.tenant, fanned_out=True)
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": ids.delivery_id(event.id, endpoint.id),
        "state": Delivery.State.PENDING,
        "next_attempt_at": now,
        "created_at": now,
    }
    delivery = Delivery.objects.create(tenant=endpoint.tenant, event=event, endpoint=endpoint, **values | fields)
    _post(delivery)
    return delivery


def _post(delivery: Delivery) -> None:
    """Keep the mailbox's promises: due no later than its deliveries, no unfinished key below the oldest."""
    mailbox = Mailbox.objects.get(endpoint=delivery.endpoint)
    if delivery.state in Delivery.UNFINISHED:
        mailbox.oldest_pending_id = min(mailbox.oldest_pending_id or delivery.id, delivery.id)
    if delivery.state == Delivery.State.PENDING and delivery.next_attempt_at is not None:
        mailbox.next_due_at = min(mailbox.next_due_at or delivery.next_attempt_at, delivery.next_attempt_at)
    mailbox.save()


def make_source(tenant: Tenant | None = None, provider: str = "none", **fields: Any) -> Source:
    """A source; ``fields`` as in the model."""
    tenant = tenant or make_tenant()
    return Source.objects.create(tenant=tenant, name=fields.pop("name", provider), provider=provider, **fields)


def make_received(source: Source | None = None, **fields: Any) -> ReceivedMessage:
    """A message of a source that is still to be processed, unless ``fields`` say otherwise."""
    source = source or make_source()
    values = {
        "body": b"{}",
        "verification": "none",
        "content_type": "application/json",
        "event_type": "message",
    } | fields
    return ReceivedMessage.objects.create(tenant=source.tenant, source=source, **values)


def make_run(message: ReceivedMessage | None = None, **fields: Any) -> ProcessorRun:
    """A run that was given up, unless ``fields`` say otherwise; its processor is nowhere to be found."""
    now = datetime.now(UTC)
    message = message or make_received(status="failed", processed_at=now)
    values = {"processor": "shop.charge", "status": "dead", "attempts": 6, "error": "ValueError: no", **fields}
    key = ids.processor_run_id(message.id, values["processor"])
    return ProcessorRun.objects.create(
        id=key, tenant_id=message.tenant_id, source_id=message.source_id, received=message,
        **{"traceback": "shop/processors.py:3 in charge", "started_at": now, "finished_at": now, **values},
    )  # fmt: skip
