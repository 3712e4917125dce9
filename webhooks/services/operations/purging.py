"""Purge: the content of events, answers and received messages goes, for people who ask to be forgotten.

Rows and states stay, so the log still says that something happened and how it went; what it was about is replaced by
:mod:`webhooks.core.purged`. Invariant: once an event's data is gone nobody sends what stands in its place. Deliveries
that wait are cancelled in the same transaction; one that is being sent meanwhile finds the marker at its next try, and
replays pass over purged events.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from webhooks.core import ids, purged
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Event, EventKey, Operation
from webhooks.services import audit
from webhooks.services.operations import fields
from webhooks.services.operations.fields import Bad, Selection
from webhooks.services.operations.steps import Quiet, Step, added

_STEP = 200  # events of one transaction, with all their attempts
_SCAN = 1000  # rows that one step looks at
_MAX_METADATA = 1000  # characters of the metadata to look for
_SELECTORS = ("since", "until", "events", "metadata")


class Purge(Quiet):
    """``{"since", "until", "event_types", "metadata"}`` or ``{"events"}``, and ``"received"``, ``"dry_run"``."""

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]:
        checks = {
            "since": fields.moment,
            "until": fields.moment,
            "events": fields.optional(fields.event_names),
            "metadata": fields.optional(_metadata),
            "event_types": fields.optional(fields.type_patterns),
            "received": fields.flag,
            "dry_run": fields.flag,
        }
        cleaned = fields.read(params, checks, {"dry_run": False}, at)
        given = [name for name in _SELECTORS if cleaned.get(name) is not None]
        if not given:
            detail = "needs since, until, events or metadata: what is purged cannot be brought back"
            raise InvalidInput(FieldError(at, detail))
        others = [name for name in (*given, "event_types") if name != "events" and cleaned.get(name) is not None]
        if cleaned.get("events") and others:
            raise InvalidInput([FieldError(f"{at}/{name}", "cannot be combined with events") for name in others])
        by_content = bool(cleaned.get("events") or cleaned.get("metadata") or cleaned.get("event_types"))
        if by_content and cleaned.get("received"):
            detail = "received messages are known by their time only; leave this out, or give since and until alone"
            raise InvalidInput(FieldError(f"{at}/received", detail))
        cleaned.setdefault("received", not by_content)
        return cleaned

    def count(self, operation: Operation) -> int | None:
        events = _events(operation).count()
        return events + (_received_count(operation) if operation.params["received"] else 0)

    def perform(self, operation: Operation, prepared: Any) -> Step:
        part = operation.cursor.get("part", "events")
        after = UUID(operation.cursor.get("after", "0" * 32))
        take = _purge_events if part == "events" else _purge_received
        looked_at, last, numbers = take(operation, after)
        tally = added(operation.tally, **numbers)
        if last is not None:
            return Step({"part": part, "after": last.hex}, looked_at, tally)
        more = part == "events" and operation.params["received"]
        return Step({"part": "received"} if more else None, looked_at, tally)


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise Bad('takes an object that the metadata has to contain, such as {"customer": "c_17"}')
    text = json.dumps(value)
    if len(text) > _MAX_METADATA or "\\u0000" in text:
        raise Bad(f"has at most {_MAX_METADATA} characters, without U+0000")
    return value


def _events(operation: Operation) -> QuerySet[Event]:
    """The events that are meant. What Clarion itself says has no content of others."""
    params, chosen = operation.params, fields.selection(operation.id, operation.params)
    rows = Event.objects.for_tenant(operation.tenant_id).exclude(origin=Event.Origin.OPERATIONAL)
    if names := params.get("events"):
        return rows.filter(id__in=_keys(operation.tenant_id, names))
    return rows.filter(id__gte=chosen.lower, id__lt=chosen.upper)


def _keys(tenant_id: UUID, names: Sequence[str]) -> list[UUID]:
    """Clarion's ids and the publisher's own ones; what is unknown is left out."""
    own = EventKey.objects.for_tenant(tenant_id).filter(key__in=list(names)).values_list("event_id", flat=True)
    return [*own, *(key for name in names if (key := ids.parse(ids.EVENT, name)))]


def _purge_events(operation: Operation, after: UUID) -> tuple[int, UUID | None, dict[str, Any]]:
    chosen = fields.selection(operation.id, operation.params)
    rows = _events(operation).filter(id__gt=after).order_by("id")
    found = list(rows.values_list("id", "type", "metadata")[:_SCAN])
    meant = [key for key, type, metadata in found if _is_meant(operation, chosen, type, metadata)][:_STEP]
    looked_at, last = len(found), found[-1][0] if len(found) == _SCAN else None
    if len(meant) == _STEP:
        last = meant[-1]
        looked_at = [key for key, *_ in found].index(last) + 1
    if operation.params["dry_run"] or not meant:
        return looked_at, last, {"events": len(meant)}
    numbers = _erase(meant)
    audit.record("event.purged", "event", meant, tenant_id=operation.tenant_id, label=operation.public_id)
    return looked_at, last, numbers


def _is_meant(operation: Operation, chosen: Selection, type: str, metadata: Any) -> bool:
    wanted = operation.params.get("metadata")
    return chosen.fits(type) and (wanted is None or _contains(metadata, wanted))


def _contains(value: Any, wanted: Any) -> bool:
    """Whether objects contain each other as in PostgreSQL's ``@>``, with lists and scalars equal as a whole."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            name in value and _contains(value[name], wanted[name]) for name in wanted
        )
    return type(value) is type(wanted) and value == wanted


# The deliveries are locked in the order of their keys, as everybody locks them.
_CANCEL = """
UPDATE webhooks_delivery SET state = 'cancelled', reason = %(reason)s, next_attempt_at = NULL, finished_at = now()
WHERE id >= %(lower)s AND id = ANY(ARRAY(
    SELECT id FROM webhooks_delivery
    WHERE event_id = ANY(%(events)s) AND state IN ('pending', 'held') AND id >= %(lower)s
    ORDER BY id FOR NO KEY UPDATE
))
"""
_EMPTY = """
UPDATE webhooks_event SET data = %(marker)s, metadata = '{}', fanned_out_at = COALESCE(fanned_out_at, now())
WHERE id = ANY(%(events)s) AND id >= %(lower)s AND id <= %(upper)s AND data <> %(marker)s
"""
_FORGET = """
UPDATE webhooks_attempt SET response_body = %(body)s, response_headers = '[]'
WHERE id >= %(lower)s AND delivery_id IN (
    SELECT id FROM webhooks_delivery WHERE event_id = ANY(%(events)s) AND id >= %(lower)s
)
"""


def _erase(events: Sequence[UUID]) -> dict[str, int]:
    """The events first: a fan-out that routes one at this moment is waited for, and its deliveries are seen then."""
    lower = ids.floor(ids.created_at(min(events)))
    values: dict[str, Any] = {
        "events": list(events), "lower": lower, "upper": max(events), "marker": purged.MARKER, "body": purged.BODY,
        "reason": purged.REASON,
    }  # fmt: skip
    numbers = {}
    with connection.cursor() as cursor:
        for name, statement in (("events", _EMPTY), ("deliveries_cancelled", _CANCEL), ("attempts", _FORGET)):
            cursor.execute(statement, values)
            numbers[name] = cursor.rowcount
    return numbers


# --- what others sent

_RECEIVED = """
    SELECT id FROM webhooks_receivedmessage
    WHERE tenant_id = %(tenant)s AND id > %(after)s AND id >= %(lower)s AND id < %(upper)s
    ORDER BY id LIMIT %(limit)s
"""
_EMPTY_RECEIVED = """
UPDATE webhooks_receivedmessage SET body = %(body)s, headers = '[]', remote_address = NULL,
    status = CASE WHEN processed_at IS NULL THEN 'processed' ELSE status END,
    processed_at = COALESCE(processed_at, now())
WHERE id = ANY(%(keys)s) AND id >= %(lower)s AND id < %(upper)s
"""
# What processors made of them; those that wait would be called with nothing.
_EMPTY_RUNS = """
UPDATE webhooks_processorrun SET result = NULL,
    status = CASE WHEN status = 'pending' THEN 'dead' ELSE status END,
    error = CASE WHEN status = 'pending' THEN %(reason)s ELSE error END,
    due_at = CASE WHEN status = 'pending' THEN NULL ELSE due_at END,
    finished_at = CASE WHEN status = 'pending' THEN now() ELSE finished_at END
WHERE received_id = ANY(%(keys)s) AND id >= %(lower)s
"""
_RECEIVED_REASON = "the message was purged"
_COUNT_RECEIVED = """
SELECT count(*) FROM webhooks_receivedmessage WHERE tenant_id = %(tenant)s AND id >= %(lower)s AND id < %(upper)s
"""


def _received_count(operation: Operation) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_RECEIVED, _bounds(operation))
        found: int = cursor.fetchone()[0]
    return found


def _purge_received(operation: Operation, after: UUID) -> tuple[int, UUID | None, dict[str, Any]]:
    values = _bounds(operation) | {"after": after, "limit": _SCAN, "body": purged.BODY}
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, values)
        keys = [key for (key,) in cursor.fetchall()]
        if keys and not operation.params["dry_run"]:
            erased = values | {"keys": keys, "reason": _RECEIVED_REASON, "lower": ids.floor(ids.created_at(keys[0]))}
            cursor.execute(_EMPTY_RECEIVED, erased)
            cursor.execute(_EMPTY_RUNS, erased)
    return len(keys), keys[-1] if len(keys) == _SCAN else None, {"received": len(keys)}


def _bounds(operation: Operation) -> dict[str, Any]:
    chosen = fields.selection(operation.id, operation.params)
    return {"tenant": operation.tenant_id, "lower": chosen.lower, "upper": chosen.upper}
