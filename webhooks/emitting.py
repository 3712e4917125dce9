"""``webhooks.emit``: publish from a Django project's own code, inside its own transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from webhooks import tasks
from webhooks.core import ids
from webhooks.errors import Conflict, NotFound
from webhooks.models import Event, Tenant
from webhooks.services import ingest, ingest_json


def emit(
    type: str,
    data: Any,
    *,
    tenant: Tenant | UUID | str,
    id: str | None = None,
    version: str | None = None,
    created_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    channels: Sequence[str] = (),
) -> str:
    """Publish one event and return its id (``evt_…`` or the given ``id``).

    ``data``: any JSON value (dates, decimals and UUIDs as Django's encoder writes them), or ``bytes`` of JSON
    text, which are delivered as they are. ``tenant``: a Tenant, its key, ``ten_…`` id or slug.

    The event belongs to the caller's transaction: it is sent if and when that commits, and never otherwise.
    Raises :class:`~webhooks.errors.InvalidInput`, :class:`~webhooks.errors.TooLarge`,
    :class:`~webhooks.errors.NotFound` (tenant) or :class:`~webhooks.errors.Conflict` (the id belongs to an event
    with other content).
    """
    event = {
        "type": type, "data": data, "id": id, "version": version, "created_at": created_at,
        "metadata": metadata, "channels": channels,
    }  # fmt: skip
    return emit_many([event], tenant=tenant)[0]


def emit_many(events: Iterable[Mapping[str, Any]], *, tenant: Tenant | UUID | str) -> list[str]:
    """Publish many events in two statements; each is a mapping of :func:`emit`'s arguments. All or none."""
    tenant_id = _tenant_id(tenant)
    drafts = [_draft(event) for event in events]
    with transaction.atomic():
        published = ingest.publish(tenant_id, drafts)
        if clash := next((p for p in published if p.conflict), None):
            raise Conflict(f"The event id {clash.public_id} belongs to an event with other content.")
    tasks.on_commit(tasks.ring_fan_out)
    return [p.public_id for p in published]


def _draft(event: Mapping[str, Any]) -> ingest.Draft:
    """The same checks as over HTTP: the event is written as its JSON request and read back."""
    data = event["data"]
    if isinstance(data, bytes):
        text = ingest_json.check_data(data)
    else:
        # What JSON cannot hold (NaN, lone surrogates) is written down, so that it is refused with a pointer.
        text = json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False).encode("utf-8", "surrogatepass")
    rest = {
        "type": event["type"],
        "id": event.get("id"),
        "version": event.get("version"),
        "created_at": event.get("created_at"),
        "metadata": event.get("metadata") or {},
        "channels": list(event.get("channels") or ()),
    }
    head = json.dumps(rest, cls=DjangoJSONEncoder).encode()
    draft = ingest_json.parse_event(b'%b,"data":%b}' % (head[:-1], text))
    return replace(draft, origin=Event.Origin.LIBRARY)


def _tenant_id(tenant: Tenant | UUID | str) -> UUID:
    if isinstance(tenant, Tenant):
        return tenant.id
    key = tenant if isinstance(tenant, UUID) else ids.parse(ids.TENANT, tenant)
    found = Tenant.objects.filter(id=key) if key else Tenant.objects.filter(slug=tenant)
    tenant_id = found.values_list("id", flat=True).first()
    if tenant_id is None:
        raise NotFound(f"There is no tenant {tenant!r}.")
    return tenant_id
