"""Accepting events: one statement that makes them durable.

Invariants: when ``publish`` returns, the event is committed (or will be with the caller's transaction); one
(tenant, key) is at most one event, also when two publishers race: the key and its event are inserted by the same
statement, and only who has inserted the key inserts the event; an event is stored only when it has passed the check
that its type asks for at that moment; nothing here needs the broker.
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
from webhooks.errors import FieldError, InvalidInput, Unavailable
from webhooks.models import Event
from webhooks.services.binding import binding_cursor
from webhooks.services.data_checks import Checks

DEFAULT_VERSION = "v1"  # shown for events published without one, of types that are not registered
_ROUNDS = 5  # of checking: each one more means that somebody changed a schema in between


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
    """What became of a draft. ``conflict``: its key belongs to an event with other content; nothing was stored.

    ``warnings``: what is wrong with its data by a schema that does not block.
    """

    id: UUID
    public_id: str
    type: str
    version: str
    created_at: datetime
    duplicate: bool = False
    conflict: bool = False
    warnings: tuple[FieldError, ...] = ()


def publish(tenant_id: UUID, drafts: Sequence[Draft]) -> list[Published]:
    """Store the drafts and return what became of each, in order.

    One statement for any number of them; a second one when ids were taken already, and one more for ids that look
    like Clarion's own. A schema that this process has not met yet costs three more.
    Raises :class:`InvalidInput` (pointer ``/<index>/type``) for a type that is not registered while
    WEBHOOKS_STRICT_EVENT_TYPES is on, and (``/<index>/data…``) for data that fails a schema; nothing is stored then.
    """
    known = _republished(tenant_id, drafts)
    first: dict[str | None, int] = {}
    for n, draft in enumerate(drafts):
        if draft.key is not None and n not in known:
            first.setdefault(draft.key, n)
    chosen = {n: ids.new_id() for n, d in enumerate(drafts) if n not in known and first.get(d.key, n) == n}
    checks = Checks(tenant_id, drafts, chosen)
    # One draft is one statement; of several, all that can be stored are, or none.
    with transaction.atomic() if first and len(drafts) > 1 else nullcontext():
        versions = _store(tenant_id, drafts, chosen, checks)
        stored = [n for n, event_id in chosen.items() if event_id in versions]
        for n in stored:
            warnings = tuple(checks.warnings.get(n, ()))
            known[n] = _published(drafts[n], chosen[n], versions[chosen[n]], warnings=warnings)
        checks.count(stored)
        taken = [n for n in range(len(drafts)) if n not in known]
        if taken:
            known |= _already_there(tenant_id, drafts, taken)
    return [known[n] for n in range(len(drafts))]


def _published(draft: Draft, event_id: UUID, version: str, **fields: Any) -> Published:
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
        SELECT {what} FROM webhooks_eventtype t
        WHERE t.name = e.type AND (t.tenant_id = %(tenant)s OR t.tenant_id IS NULL)
        ORDER BY t.tenant_id NULLS LAST LIMIT 1
    )"""
# ``demanded``: the check that the data has to pass; ``checked``: the one that it has passed. Both facts about the type
# in one look at its row: a second subselect or a join costs a fifth of the statement in planning alone.
_VERSION_AND_CHECK = "ARRAY[t.version, t.checks->>COALESCE(NULLIF(e.version, ''), t.version)]"
_WANTED = f"""
    SELECT w.*, w.facts[1] AS registered,
           CASE WHEN w.origin <> 'operational' THEN w.facts[2]::uuid END AS demanded
    FROM (
        SELECT e.*, {_REGISTERED.format(what=_VERSION_AND_CHECK)} AS facts
        FROM ROWS FROM (
            json_to_recordset(%(rows)s) AS (
                id uuid, key text, type text, version text, metadata jsonb, channels text[], correlation_id text,
                origin text, created_at timestamptz, fingerprint text, checked uuid
            ),
            unnest(%(data)b::bytea[])
        ) AS e(id, key, type, version, metadata, channels, correlation_id, origin, created_at, fingerprint, checked,
               data)
        OFFSET 0  -- or the subselect would be copied to each place that uses it
    ) AS w
"""
# In the order of the keys, so that two batches with the same ones wait for each other and not both for ever.
_TAKE = """
    INSERT INTO webhooks_eventkey (tenant_id, key, event_id, fingerprint)
    SELECT %(tenant)s, key, id, decode(fingerprint, 'hex') FROM wanted
    WHERE key IS NOT NULL AND NOT EXISTS (SELECT FROM refused) ORDER BY key
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
# One event without an id, which is nearly all of them: stored, or not.
_STORE_ONE = _INSERT.format(source=f"({_WANTED}) AS wanted WHERE demanded IS NOT DISTINCT FROM checked")
_IF_TAKEN = """wanted WHERE (key IS NULL OR id IN (SELECT event_id FROM taken)) AND NOT EXISTS (SELECT FROM refused)"""
# Any events: all that can be stored are, or none when one is refused; those are told then. The rows of refused
# events have no version.
_STORE = f"""
WITH wanted AS ({_WANTED}), refused AS (
    SELECT id, registered, demanded FROM wanted
    WHERE %(strict)s AND registered IS NULL AND origin <> 'operational' OR demanded IS DISTINCT FROM checked
), taken AS ({_TAKE}
), stored AS ({_INSERT.format(source=_IF_TAKEN)})
SELECT id, version, NULL::text, NULL::uuid FROM stored UNION ALL SELECT id, NULL, registered, demanded FROM refused
"""


def _store(tenant_id: UUID, drafts: Sequence[Draft], chosen: dict[int, UUID], checks: Checks) -> dict[UUID, str]:
    """Insert events together with the ids of their publishers; return the version of each that was inserted.

    Race: another publisher inserts the same id at this moment. The unique index makes this statement wait for how
    that ends; its own snapshot is older, so who holds the id has to be asked by another statement.
    Race: somebody changes a schema between the check and the statement. Then the statement refuses, names the
    check that is asked for now, and the data is checked again.
    """
    if not chosen:
        return {}
    one_without_id = len(chosen) == 1 and all(drafts[n].key is None for n in chosen)
    if not one_without_id or conf.STRICT_EVENT_TYPES or checks.doubted:
        rows = []
    else:
        rows = _execute(_STORE_ONE, tenant_id, drafts, chosen, checks)
    if rows:
        return dict(rows)
    for _ in range(_ROUNDS):
        rows = _execute(_STORE, tenant_id, drafts, chosen, checks)
        refused = {row[0]: (row[2], row[3]) for row in rows if row[1] is None}
        if not refused:
            return {event_id: version for event_id, version, *_ in rows}
        faults = [
            fault
            for n, event_id in chosen.items()
            if event_id in refused
            for fault in _faults(n, drafts[n], *refused[event_id], checks)
        ]
        if faults:
            raise InvalidInput(faults)
    raise Unavailable("The schema of the type is being changed; publish again.")


def _faults(n: int, draft: Draft, registered: str | None, demanded: UUID | None, checks: Checks) -> list[FieldError]:
    """Why a draft that was refused stays refused; nothing when its data has passed what was asked for now."""
    if conf.STRICT_EVENT_TYPES and registered is None and draft.origin != Event.Origin.OPERATIONAL:
        return [FieldError(f"/{n}/type", f"the event type {draft.type} is not registered")]
    return [FieldError(f"/{n}{fault.pointer}", fault.detail) for fault in checks.settle(n, demanded)]


def _execute(
    statement: str, tenant_id: UUID, drafts: Sequence[Draft], chosen: dict[int, UUID], checks: Checks
) -> list[Any]:
    rows = [_row(drafts[n], event_id, checks.passed.get(n)) for n, event_id in chosen.items()]
    parameters = {
        "tenant": tenant_id,
        "rows": msgspec.json.encode(rows).decode(),
        "data": [drafts[n].data for n in chosen],
    }
    if statement is _STORE:
        parameters["strict"] = conf.STRICT_EVENT_TYPES
    with binding_cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[Any] = cursor.fetchall()
    return found


def _row(draft: Draft, event_id: UUID, checked: UUID | None) -> dict[str, Any]:
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
        "checked": checked,
    }


_HOLDERS = f"""
SELECT e.n, k.event_id, k.fingerprint, {_REGISTERED.format(what="t.version")}
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
