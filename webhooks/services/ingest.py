"""Accepting events: one statement that makes them durable.

Invariants: when ``publish`` returns, the event is committed (or will be with the caller's transaction); one
(tenant, key) is at most one event, also when two publishers race: the key and its event are inserted by the same
statement, and only who has inserted the key inserts the event; nothing here needs the broker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Event
from webhooks.services.binding import binding_cursor

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
    """Store the drafts and return what became of each, in order.

    One statement for any number of them; a second one when ids were taken already, and one more for ids that look
    like Clarion's own. Raises :class:`InvalidInput` (pointer ``/<index>/type``) for a type that is not registered
    while WEBHOOKS_STRICT_EVENT_TYPES is on; nothing is stored then.
    """
    known = _republished(tenant_id, drafts)
    first: dict[str | None, int] = {}
    for n, draft in enumerate(drafts):
        if draft.key is not None and n not in known:
            first.setdefault(draft.key, n)
    chosen = {n: ids.new_id() for n, d in enumerate(drafts) if n not in known and first.get(d.key, n) == n}
    # One draft is one statement; of several, all that can be stored are, or none.
    with transaction.atomic() if first and len(drafts) > 1 else nullcontext():
        versions = _store(tenant_id, drafts, chosen)
        for n, event_id in chosen.items():
            if event_id in versions:
                known[n] = _published(drafts[n], event_id, versions[event_id])
        taken = [n for n in range(len(drafts)) if n not in known]
        if taken:
            known |= _already_there(tenant_id, drafts, taken)
    return [known[n] for n in range(len(drafts))]


def _published(draft: Draft, event_id: UUID, version: str, **fields: bool) -> Published:
    return Published(
        id=event_id,
        public_id=draft.key or ids.show(ids.EVENT, event_id),
        type=draft.type,
        version=version or DEFAULT_VERSION,
        created_at=_created_at(draft, event_id),
        **fields,
    )


def _created_at(draft: Draft, event_id: UUID) -> datetime:
    """What the key says when the publisher does not: the same when he asks again, without reading the event."""
    return draft.created_at or ids.created_at(event_id)


# The tenant's own registration of a type wins over everybody's. It is looked up here rather than before: that is
# one statement less, and right in every process from the moment the type is committed.
_REGISTERED = """(
        SELECT t.version FROM webhooks_eventtype t
        WHERE t.name = e.type AND (t.tenant_id = %(tenant)s OR t.tenant_id IS NULL)
        ORDER BY t.tenant_id NULLS LAST LIMIT 1
    )"""
_WANTED = f"""
    SELECT e.*, {_REGISTERED} AS registered
    FROM ROWS FROM (
        json_to_recordset(%(rows)s) AS (
            id uuid, key text, type text, version text, metadata jsonb, channels text[], correlation_id text,
            origin text, created_at timestamptz, fingerprint text
        ),
        unnest(%(data)b::bytea[])
    ) AS e(id, key, type, version, metadata, channels, correlation_id, origin, created_at, fingerprint, data)
"""
# In the order of the keys, so that two batches with the same ones wait for each other and not both for ever.
_TAKE = """
    INSERT INTO webhooks_eventkey (tenant_id, key, event_id, fingerprint)
    SELECT %(tenant)s, key, id, decode(fingerprint, 'hex') FROM wanted WHERE key IS NOT NULL {and_only} ORDER BY key
    ON CONFLICT (tenant_id, key) DO NOTHING
    RETURNING event_id
"""
_INSERT = """
    INSERT INTO webhooks_event (id, tenant_id, key, type, version, data, metadata, channels, correlation_id, origin,
                                created_at, fanned_out_at, matched, routing)
    SELECT id, %(tenant)s, key, type, COALESCE(NULLIF(version, ''), registered, ''), data, metadata, channels,
           correlation_id, origin, created_at, NULL, 0, '[]'
    FROM {source}
    RETURNING id, version
"""
_IF_TAKEN = "wanted WHERE (key IS NULL OR id IN (SELECT event_id FROM taken))"
_IF_ALL_KNOWN = "AND NOT EXISTS (SELECT FROM unknown)"
_STORE = _INSERT.format(source=f"({_WANTED}) AS wanted")
_STORE_WITH_KEYS = (
    f"WITH wanted AS ({_WANTED}), taken AS ({_TAKE.format(and_only='')}) {_INSERT.format(source=_IF_TAKEN)}"
)
# Rows without a version are the types that nobody registered; then nothing is stored.
_STORE_STRICTLY = f"""
WITH wanted AS ({_WANTED}), unknown AS (
    SELECT id FROM wanted WHERE registered IS NULL AND origin <> 'operational'
), taken AS ({_TAKE.format(and_only=_IF_ALL_KNOWN)}
), stored AS ({_INSERT.format(source=f"{_IF_TAKEN} {_IF_ALL_KNOWN}")})
SELECT id, version FROM stored UNION ALL SELECT id, NULL FROM unknown
"""


def _store(tenant_id: UUID, drafts: Sequence[Draft], chosen: dict[int, UUID]) -> dict[UUID, str]:
    """Insert events together with the ids of their publishers; return the version of each that was inserted.

    Race: another publisher inserts the same id at this moment. The unique index makes this statement wait for how
    that ends; its own snapshot is older, so who holds the id has to be asked by another statement.
    """
    if not chosen:
        return {}
    keyed = any(drafts[n].key is not None for n in chosen)
    statement = _STORE_STRICTLY if conf.STRICT_EVENT_TYPES else _STORE_WITH_KEYS if keyed else _STORE
    rows = [_row(drafts[n], event_id) for n, event_id in chosen.items()]
    with binding_cursor() as cursor:
        cursor.execute(
            statement,
            {
                "tenant": tenant_id,
                "rows": msgspec.json.encode(rows).decode(),
                "data": [drafts[n].data for n in chosen],
            },
        )
        versions = dict(cursor.fetchall())
    unknown = [
        FieldError(f"/{n}/type", f"the event type {drafts[n].type} is not registered")
        for n, event_id in chosen.items()
        if versions.get(event_id, "") is None
    ]
    if unknown:
        raise InvalidInput(unknown)
    return versions


def _row(draft: Draft, event_id: UUID) -> dict[str, Any]:
    return {
        "id": event_id,
        "key": draft.key,
        "type": draft.type,
        "version": draft.version,
        "metadata": draft.metadata,
        "channels": draft.channels,
        "correlation_id": draft.correlation_id or draft.key or ids.show(ids.EVENT, event_id),
        "origin": draft.origin,
        "created_at": _created_at(draft, event_id),
        "fingerprint": draft.fingerprint().hex() if draft.key is not None else None,
    }


_HOLDERS = f"""
SELECT e.n, k.event_id, k.fingerprint, {_REGISTERED}
FROM unnest(%(numbers)s::int[], %(keys)s::text[], %(types)s::text[]) AS e(n, key, type)
JOIN webhooks_eventkey k ON k.tenant_id = %(tenant)s AND k.key = e.key
"""


def _already_there(tenant_id: UUID, drafts: Sequence[Draft], taken: Sequence[int]) -> dict[int, Published]:
    """The results for drafts whose id another event has: duplicates and conflicts."""
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "numbers": list(taken),
        "keys": [drafts[n].key for n in taken],
        "types": [drafts[n].type for n in taken],
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, parameters)
        holders = cursor.fetchall()
    found = {}
    for n, event_id, fingerprint, registered in holders:
        same = bytes(fingerprint) == drafts[n].fingerprint()
        version = drafts[n].version or registered or ""
        found[n] = _published(drafts[n], event_id, version, duplicate=same, conflict=not same)
    # The holder expired between the two statements: its id is free again.
    if freed := [n for n in taken if n not in found]:
        found |= zip(freed, publish(tenant_id, [drafts[n] for n in freed]), strict=True)
    return found


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
            same = bytes(event.data) == draft.data and event.type == draft.type
            known[n] = Published(
                event.id, draft.key or "", event.type, event.version or DEFAULT_VERSION, event.created_at,
                duplicate=same, conflict=not same,
            )  # fmt: skip
    return known
