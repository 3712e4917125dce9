"""Accepting events: one short transaction that makes them durable.

Invariants: when ``publish`` returns, the event is committed (or will be with the caller's transaction); one
(tenant, key) is at most one event, also when two publishers race; nothing here needs the broker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Event

DEFAULT_VERSION = "v1"  # shown for events published without one, of types that are not registered


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to accept. ``data`` is JSON text that passed :func:`webhooks.core.jsontext.check`."""

    type: str
    data: bytes
    key: str | None = None
    version: str = ""
    created_at: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    channels: list[str] = field(default_factory=list)
    correlation_id: str = ""
    origin: str = Event.Origin.API

    def fingerprint(self) -> bytes:
        """SHA-256 of everything the publisher said: tells a repeat from another event with the same id."""
        said = [
            self.type, self.version, self.created_at and self.created_at.isoformat(), self.metadata, self.channels,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode() + b"\0" + self.data).digest()


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a draft. ``conflict``: its key belongs to an event with other content; nothing was stored."""

    id: UUID
    public_id: str
    type: str
    version: str
    created_at: datetime
    duplicate: bool = False
    conflict: bool = False


def publish(tenant_id: UUID, drafts: Sequence[Draft]) -> list[Published]:
    """Store the drafts and return what became of each, in order. At most two statements for any number.

    Raises :class:`InvalidInput` (pointer ``/<index>/type``) for a type that is not registered while
    WEBHOOKS_STRICT_EVENT_TYPES is on; nothing is stored then.
    """
    versions = _registered_versions(tenant_id, {draft.type for draft in drafts})
    if conf.STRICT_EVENT_TYPES:
        unknown = [
            FieldError(f"/{n}/type", f"the event type {draft.type} is not registered")
            for n, draft in enumerate(drafts)
            if draft.type not in versions and draft.origin != Event.Origin.OPERATIONAL
        ]
        if unknown:
            raise InvalidInput(unknown)
    now = datetime.now(UTC)
    stored_versions = [draft.version or versions.get(draft.type, "") for draft in drafts]
    made = [_make(draft, version, now) for draft, version in zip(drafts, stored_versions, strict=True)]
    with transaction.atomic():
        taken = _take_keys(tenant_id, drafts, made)
        _insert(
            tenant_id,
            [row for n, row in enumerate(zip(drafts, made, stored_versions, strict=True)) if n not in taken],
        )
    return [taken.get(n, published) for n, published in enumerate(made)]


_VERSIONS = """
SELECT name, version FROM webhooks_eventtype WHERE name = ANY(%s) AND (tenant_id = %s OR tenant_id IS NULL)
ORDER BY tenant_id NULLS FIRST
"""


def _registered_versions(tenant_id: UUID, types: set[str]) -> dict[str, str]:
    """The version of each registered type; the tenant's own registration wins over everybody's."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [list(types), tenant_id])
        return dict(cursor.fetchall())


def _make(draft: Draft, version: str, now: datetime) -> Published:
    event_id = ids.new_id()
    return Published(
        id=event_id,
        public_id=draft.key or ids.show(ids.EVENT, event_id),
        type=draft.type,
        version=version or DEFAULT_VERSION,
        created_at=draft.created_at or now,
    )


_TAKE_KEYS = """
WITH wanted AS (
    SELECT * FROM unnest(%s::int[], %s::text[], %s::uuid[], %s::bytea[]) AS w(n, key, event_id, fingerprint)
), taken AS (
    INSERT INTO webhooks_eventkey (tenant_id, key, event_id, fingerprint)
    SELECT %s, key, event_id, fingerprint FROM wanted ORDER BY key
    ON CONFLICT (tenant_id, key) DO NOTHING
    RETURNING key
)
SELECT key FROM taken
"""
_HOLDERS = "SELECT key, event_id, fingerprint FROM webhooks_eventkey WHERE tenant_id = %s AND key = ANY(%s)"


def _take_keys(tenant_id: UUID, drafts: Sequence[Draft], made: Sequence[Published]) -> dict[int, Published]:
    """Claim the publishers' own ids by a unique insert; return the results for those already taken."""
    known = _republished(tenant_id, drafts)
    first: dict[str, int] = {}
    for n, draft in enumerate(drafts):
        if draft.key is not None and n not in known:
            first.setdefault(draft.key, n)
    if not first:
        return known
    columns = zip(*((n, key, made[n].id, drafts[n].fingerprint()) for key, n in first.items()), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_KEYS, [*map(list, columns), tenant_id])
        fresh = {key for (key,) in cursor.fetchall()}
        repeated = {
            n: draft.key
            for n, draft in enumerate(drafts)
            if draft.key is not None and n not in known and (draft.key not in fresh or first[draft.key] != n)
        }
        if not repeated:
            return known
        cursor.execute(_HOLDERS, [tenant_id, list(repeated.values())])
        holders = {key: (event_id, bytes(fingerprint)) for key, event_id, fingerprint in cursor.fetchall()}
    for n, key in repeated.items():
        event_id, fingerprint = holders[key]
        same = fingerprint == drafts[n].fingerprint()
        known[n] = replace(
            made[n], id=event_id, created_at=drafts[n].created_at or ids.created_at(event_id),
            duplicate=same, conflict=not same,
        )  # fmt: skip
    return known


def _republished(tenant_id: UUID, drafts: Sequence[Draft]) -> dict[int, Published]:
    """Drafts whose id is one that Clarion itself gave to an earlier event of this tenant."""
    asked = {n: ids.parse(ids.EVENT, d.key) for n, d in enumerate(drafts) if d.key and d.key.startswith("evt_")}
    if not asked:
        return {}
    rows = Event.objects.filter(tenant_id=tenant_id, id__in=[i for i in asked.values() if i], key=None)
    found = {event.id: event for event in rows.only("type", "data", "version", "created_at")}
    known = {}
    for n, event_id in asked.items():
        if event_id in found:
            event, draft = found[event_id], drafts[n]
            known[n] = Published(
                event.id, draft.key or "", event.type, event.version or DEFAULT_VERSION, event.created_at,
                duplicate=(same := bytes(event.data) == draft.data and event.type == draft.type), conflict=not same,
            )  # fmt: skip
    return known


_INSERT = """
INSERT INTO webhooks_event (id, tenant_id, key, type, version, data, metadata, channels, correlation_id, origin,
                            created_at, fanned_out_at, matched, routing)
SELECT id, %s, key, type, version, data, metadata, coalesce(string_to_array(nullif(channels, ''), ','), '{}'),
       correlation_id, origin, created_at, NULL, 0, '[]'
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::jsonb[], %s::text[], %s::text[],
            %s::text[], %s::timestamptz[])
     AS e(id, key, type, version, data, metadata, channels, correlation_id, origin, created_at)
"""


def _insert(tenant_id: UUID, accepted: Sequence[tuple[Draft, Published, str]]) -> None:
    if not accepted:
        return
    rows = (
        (
            made.id, draft.key, made.type, version, draft.data, json.dumps(draft.metadata), ",".join(draft.channels),
            draft.correlation_id or made.public_id, draft.origin, made.created_at,
        )
        for draft, made, version in accepted
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [tenant_id, *(list(column) for column in zip(*rows, strict=True))])
