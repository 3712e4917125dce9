"""Routing events to subscriptions: from the outbox to delivery rows, hundreds of events in a few statements.

Invariants: an event is marked as fanned out in the transaction that makes its deliveries, so a crash repeats
both or neither; a repeat makes no second delivery, because the key of a delivery follows from (event,
endpoint); mailboxes are locked in key order, so two fan-outs cannot deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import filters, ids, patterns
from webhooks.models import Event
from webhooks.services.bell import Bell, is_slow
from webhooks.services.ingest import DEFAULT_VERSION


class _Routed(NamedTuple):
    id: UUID
    tenant_id: UUID
    type: str
    version: str
    channels: list[str]
    origin: str


@dataclass(frozen=True, slots=True)
class FannedOut:
    """``events`` routed in this batch, ``more`` when the batch was full, ``bells`` to ring after the commit."""

    events: int
    deliveries: int
    more: bool
    bells: list[Bell]


_CLAIM = """
UPDATE webhooks_event SET fanned_out_at = now()
WHERE fanned_out_at IS NULL AND id = ANY(ARRAY(
    SELECT id FROM webhooks_event WHERE fanned_out_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
))
RETURNING id, tenant_id, type, version, channels, origin
"""

# Events with each pattern that would match them, their channels and version.
_WANTED = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(events)s::uuid[], %(tenants)s::uuid[], %(patterns)s::text[], %(channels)s::text[],
                         %(versions)s::text[]) AS w(event_id, tenant_id, pattern, channels, version)
), matched AS (
    SELECT w.event_id, w.tenant_id, s.endpoint_id, e.state,
           s.id AS subscription_id, s.filter,
           (s.channels = '{}' OR s.channels && string_to_array(w.channels, ',')::varchar[]) AS channel_ok,
           (e.version = '' OR w.version = '' OR e.version = w.version) AS version_ok
    FROM wanted w
    JOIN webhooks_subscription s ON s.tenant_id = w.tenant_id AND s.pattern = w.pattern
    JOIN webhooks_endpoint e ON e.id = s.endpoint_id AND e.deleted_at IS NULL
)
"""

_FILTERED = (
    _WANTED
    + "SELECT event_id, subscription_id, filter FROM matched WHERE filter IS NOT NULL AND channel_ok AND version_ok"
)

# The key of a delivery, as in webhooks.core.ids.delivery_id
DELIVERY_ID_SQL = """
    encode(
        substring(uuid_send(event_id) FROM 1 FOR 6)
        || set_byte(set_byte(hash, 0, (get_byte(hash, 0) & 15) | 112), 2, (get_byte(hash, 2) & 63) | 128),
        'hex'
    )::uuid
"""

_ROUTE = (
    _WANTED
    + f"""
, judged AS (
    SELECT event_id, tenant_id, endpoint_id, state,
           bool_or(channel_ok AND version_ok AND filter_ok) AS wanted,
           bool_or(channel_ok) AS channel_ok, bool_or(version_ok) AS version_ok
    FROM (
        SELECT m.*, (m.filter IS NULL OR p.event_id IS NOT NULL) AS filter_ok
        FROM matched m
        LEFT JOIN unnest(%(passed_events)s::uuid[], %(passed_subscriptions)s::uuid[]) AS p(event_id, subscription_id)
          ON p.event_id = m.event_id AND p.subscription_id = m.subscription_id
    ) AS m
    GROUP BY event_id, tenant_id, endpoint_id, state
), keyed AS (
    SELECT *, substring(sha256(uuid_send(event_id) || uuid_send(endpoint_id)) FROM 1 FOR 10) AS hash
    FROM judged WHERE wanted
), made AS (
    INSERT INTO webhooks_delivery (id, tenant_id, event_id, endpoint_id, state, trigger, attempt_count,
                                   next_attempt_at, reason, created_at)
    SELECT {DELIVERY_ID_SQL}, tenant_id, event_id, endpoint_id,
           CASE WHEN state = 'active' THEN 'pending' ELSE 'held' END, 'event', 0,
           CASE WHEN state = 'active' THEN now() END,
           CASE WHEN state = 'active' THEN '' ELSE 'the endpoint is ' || state END, now()
    FROM keyed
    ON CONFLICT (id) DO NOTHING
    RETURNING id, event_id, endpoint_id, state
)
SELECT event_id, endpoint_id, made.id, made.state, NULL AS refusal
FROM keyed LEFT JOIN made USING (event_id, endpoint_id)
UNION ALL
SELECT event_id, endpoint_id, NULL, NULL,
       CASE WHEN NOT channel_ok THEN 'channel' WHEN NOT version_ok THEN 'version' ELSE 'filter' END
FROM judged WHERE NOT wanted
"""
)

_TRACE = """
UPDATE webhooks_event e SET matched = t.matched, routing = t.routing
FROM unnest(%s::uuid[], %s::int[], %s::jsonb[]) AS t(id, matched, routing)
WHERE e.id = t.id AND e.id >= %s AND e.id <= %s
"""

# A delivery that became due makes its mailbox due, but not before what blocks the endpoint has passed. One that
# was made held leaves the mailbox unsettled: the endpoint may be active by the time this commits.
NOTIFY_MAILBOXES = """
WITH new AS (
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bool[]) AS n(endpoint_id, oldest, held)
), locked AS (
    SELECT m.endpoint_id, n.oldest, n.held FROM webhooks_mailbox m JOIN new n USING (endpoint_id)
    ORDER BY m.endpoint_id FOR UPDATE OF m
)
UPDATE webhooks_mailbox m
SET next_due_at = CASE WHEN l.held THEN m.next_due_at ELSE LEAST(m.next_due_at, GREATEST(now(), m.blocked_until)) END,
    unsettled = m.unsettled OR l.held,
    oldest_pending_id = LEAST(m.oldest_pending_id, l.oldest)
FROM locked l WHERE m.endpoint_id = l.endpoint_id
RETURNING m.endpoint_id, m.tenant_id, m.latency_ms, m.consecutive_failures, m.next_due_at <= now()
"""


def fan_out() -> FannedOut:
    """Route one batch of the outbox (at most FAN_OUT_BATCH events)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [conf.FAN_OUT_BATCH])
        events = [_Routed(*row) for row in cursor.fetchall()]
        if not events:
            return FannedOut(0, 0, False, [])
        wanted = _wanted(events)
        cursor.execute(_FILTERED, wanted)
        passed = _passing(cursor.fetchall())
        cursor.execute(
            _ROUTE,
            {**wanted, "passed_events": [e for e, _ in passed], "passed_subscriptions": [s for _, s in passed]},
        )
        rows = cursor.fetchall()
        _write_trace(cursor, rows)
        made = [(endpoint, delivery, state) for _, endpoint, delivery, state, _ in rows if delivery]
        bells = notify_mailboxes(cursor, made)
    return FannedOut(len(events), len(made), len(events) >= conf.FAN_OUT_BATCH, bells)


def notify_mailboxes(cursor: Any, deliveries: Sequence[tuple[UUID, UUID, str]]) -> list[Bell]:
    """Tell the mailboxes of (endpoint, delivery, state) rows, in the caller's transaction; return bells to ring.

    ``state``: *pending* or *held*, the same for all rows of an endpoint.
    """
    oldest: dict[UUID, UUID] = {}
    for endpoint_id, delivery_id, _ in deliveries:
        oldest[endpoint_id] = min(delivery_id, oldest.get(endpoint_id, delivery_id))
    if not oldest:
        return []
    held = {endpoint_id for endpoint_id, _, state in deliveries if state == "held"}
    cursor.execute(NOTIFY_MAILBOXES, [list(oldest), list(oldest.values()), [key in held for key in oldest]])
    return [
        Bell(endpoint, tenant, is_slow(latency, failures))
        for endpoint, tenant, latency, failures, due in cursor.fetchall()
        if due
    ]


def _wanted(events: Sequence[_Routed]) -> dict[str, list[Any]]:
    rows = [
        (event.id, event.tenant_id, pattern, ",".join(event.channels), event.version)
        for event in events
        for pattern in patterns.candidates(event.type, catch_all=event.origin != Event.Origin.OPERATIONAL)
    ]
    columns = (list(column) for column in zip(*rows, strict=True))
    return dict(zip(("events", "tenants", "patterns", "channels", "versions"), columns, strict=True))


def _passing(candidates: Sequence[tuple[UUID, UUID, str]]) -> list[tuple[UUID, UUID]]:
    """The (event, subscription) pairs whose content filter holds."""
    if not candidates:
        return []
    wanted = {event_id for event_id, _, _ in candidates}
    events = Event.objects.filter(id__in=wanted).only("type", "version", "data", "metadata", "channels")
    documents = {event.id: document(event) for event in events}
    return [
        (event_id, subscription_id)
        for event_id, subscription_id, condition in candidates
        if filters.matches(json.loads(condition), documents[event_id])
    ]


def document(event: Event) -> dict[str, Any]:
    """What a filter sees of an event."""
    return {
        "type": event.type,
        "version": event.version or DEFAULT_VERSION,
        "data": json.loads(bytes(event.data), parse_int=_integer),
        "metadata": event.metadata,
        "channels": event.channels,
    }


def _integer(digits: str) -> float:
    # Python refuses to convert longer ones (4300 digits); for a comparison a float will do
    return int(digits) if len(digits) < 1000 else float(digits)


def _write_trace(cursor: Any, rows: Sequence[tuple[UUID, UUID, UUID | None, str | None, str | None]]) -> None:
    """Note on each event how many deliveries it made and which endpoints refused it, and why."""
    matched: dict[UUID, int] = {}
    refused: dict[UUID, list[dict[str, str]]] = {}
    for event_id, endpoint_id, _, _, refusal in rows:
        matched[event_id] = matched.get(event_id, 0) + (refusal is None)
        if refusal:
            refused.setdefault(event_id, []).append({"webhook": ids.show(ids.WEBHOOK, endpoint_id), "reason": refusal})
    if matched:
        traces = [json.dumps(refused.get(event_id, [])) for event_id in matched]
        cursor.execute(_TRACE, [list(matched), list(matched.values()), traces, min(matched), max(matched)])
