"""``webhooks.emit``: publish from a Django project's own code, inside its own transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from webhooks import doorbells
from webhooks.conf import conf
from webhooks.core import ids
from webhooks.errors import Conflict, NotFound
from webhooks.models import Event, Tenant
from webhooks.services import ingest, ingest_json
from webhooks.services.lookups import FOREVER, Lookup


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
    (public_id,) = _publish(_tenant_id(tenant), [_draft(event)])
    _ring_after_commit()
    return public_id


def emit_many(events: Iterable[Mapping[str, Any]], *, tenant: Tenant | UUID | str) -> list[str]:
    """Publish many events, each a mapping of :func:`emit`'s arguments, all or none. Returns their ids in order.

    ``events`` may be any iterable, also one that makes them as it is read. They are inserted in portions as large
    as a batch of the API, with one statement each.
    """
    tenant_id = _tenant_id(tenant)
    made: list[str] = []
    with transaction.atomic():
        for drafts in _portions(map(_draft, events)):
            made += _publish(tenant_id, drafts)
    if made:
        _ring_after_commit()
    return made


def _publish(tenant_id: UUID, drafts: Sequence[ingest.Draft]) -> list[str]:
    """Raises :class:`Conflict`; of one draft alone nothing is stored then."""
    published = ingest.publish(tenant_id, drafts)
    if clash := next((p for p in published if p.conflict), None):
        raise Conflict(f"The event id {clash.public_id} belongs to an event with other content.")
    return [p.public_id for p in published]


def _portions(drafts: Iterable[ingest.Draft]) -> Iterator[list[ingest.Draft]]:
    portion: list[ingest.Draft] = []
    size = 0
    for draft in drafts:
        portion.append(draft)
        size += len(draft.data)
        if len(portion) >= conf.MAX_BATCH_EVENTS or size >= conf.MAX_BATCH_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _ring_after_commit() -> None:
    """Ring if and when the caller's transaction commits; without one, now.

    With autocommit off and no ``atomic`` Django takes callbacks only inside a block. It calls them when the caller
    turns autocommit on again after the commit; until then the sweep finds the event.
    """
    if transaction.get_autocommit() or transaction.get_connection().in_atomic_block:
        doorbells.on_commit(doorbells.ring_fan_out)
        return
    with transaction.atomic(savepoint=False):
        doorbells.on_commit(doorbells.ring_fan_out)


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
    return ingest_json.parse_event(b'%b,"data":%b}' % (head[:-1], text), origin=Event.Origin.LIBRARY)


_tenants: Lookup[UUID | str, UUID] = Lookup(Tenant)


def _tenant_id(tenant: Tenant | UUID | str) -> UUID:
    if isinstance(tenant, Tenant):
        return tenant.id

    def read() -> tuple[UUID, float] | None:
        key = tenant if isinstance(tenant, UUID) else ids.parse(ids.TENANT, tenant)
        found = Tenant.objects.filter(id=key) if key else Tenant.objects.filter(slug=tenant)
        tenant_id = found.values_list("id", flat=True).first()
        return (tenant_id, FOREVER) if tenant_id else None

    tenant_id = _tenants.get(tenant, read)
    if tenant_id is None:
        raise NotFound(f"There is no tenant {tenant!r}.")
    return tenant_id
