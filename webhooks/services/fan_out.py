"""Routing events to subscriptions: from the outbox to delivery rows, hundreds of events in a few statements.

Invariants: an event is marked as fanned out in the transaction that makes its deliveries, so a crash repeats
both or neither; a repeat makes no second delivery, because the key of a delivery follows from (event,
endpoint); mailboxes are locked in key order, so two fan-outs cannot deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import conversions, filters, ids, patterns
from webhooks.models import Event
from webhooks.services import outbox
from webhooks.services.bell import Bell, is_slow
from webhooks.services.binding import prepared_cursor
from webhooks.services.ingest import DEFAULT_VERSION
from webhooks.services.outbox import Unrouted

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FannedOut:
    """``events`` routed in this batch, ``more`` when the batch was full, ``bells`` to ring after the commit."""

    events: int
    deliveries: int
    more: bool
    bells: list[Bell]


# Events with each pattern that would match them, their channels and the versions they can be had in.
# {only}: a further condition on the endpoints.
_MATCHED = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(events)s::uuid[], %(tenants)s::uuid[], %(patterns)s::text[], %(channels)s::text[],
                         %(versions)s::text[]) AS w(event_id, tenant_id, pattern, channels, versions)
), matched AS (
    SELECT w.event_id, w.tenant_id, s.endpoint_id, e.state, COALESCE((e.batch->>'max_wait')::float, 0) AS wait,
           s.id AS subscription_id, s.filter,
           (s.channels = '{}' OR s.channels && string_to_array(w.channels, ',')::varchar[]) AS channel_ok,
           (e.version = '' OR w.versions = '' OR e.version = ANY(string_to_array(w.versions, ','))) AS version_ok
    FROM wanted w
    JOIN webhooks_subscription s ON s.tenant_id = w.tenant_id AND s.pattern = w.pattern
    JOIN webhooks_endpoint e ON e.id = s.endpoint_id AND e.deleted_at IS NULL {only}
)
"""
_WANTED = _MATCHED.replace("{only}", "")
_WANTED_BY = _MATCHED.replace("{only}", "AND (%(only)s::uuid[] IS NULL OR e.id = ANY(%(only)s))")

# How much each event would make, and the content filters that have to be asked.
_CANDIDATES = """
SELECT event_id, NULL::uuid AS subscription_id, NULL AS filter, count(DISTINCT endpoint_id) FROM matched
GROUP BY event_id
UNION ALL
SELECT event_id, subscription_id, filter::text, 0 FROM matched WHERE filter IS NOT NULL AND channel_ok AND version_ok
"""

# The key of a delivery, as in webhooks.core.ids.delivery_id
DELIVERY_ID_SQL = """
    encode(
        substring(uuid_send(event_id) FROM 1 FOR 6)
        || set_byte(set_byte(hash, 0, (get_byte(hash, 0) & 15) | 112), 2, (get_byte(hash, 2) & 63) | 128),
        'hex'
    )::uuid
"""

_JUDGED = """
, judged AS (
    SELECT event_id, tenant_id, endpoint_id, state, wait,
           bool_or(channel_ok AND version_ok AND filter_ok) AS wanted,
           bool_or(channel_ok) AS channel_ok, bool_or(version_ok) AS version_ok
    FROM (
        -- a hashed subplan: the planner takes the CTEs for one row each, and would join by nested loops
        SELECT m.*, (m.filter IS NULL OR (m.event_id, m.subscription_id) IN (
            SELECT * FROM unnest(%(passed_events)s::uuid[], %(passed_subscriptions)s::uuid[])
        )) AS filter_ok
        FROM matched m
    ) AS m
    GROUP BY event_id, tenant_id, endpoint_id, state, wait
), keyed AS (
    SELECT *, substring(sha256(uuid_send(event_id) || uuid_send(endpoint_id)) FROM 1 FOR 10) AS hash
    FROM judged WHERE wanted
)"""
_MADE = f"""
, made AS (
    INSERT INTO webhooks_delivery (id, tenant_id, event_id, endpoint_id, state, trigger, attempt_count,
                                   next_attempt_at, reason, created_at)
    SELECT {DELIVERY_ID_SQL}, tenant_id, event_id, endpoint_id,
           CASE WHEN state = 'active' THEN 'pending' ELSE 'held' END, {{trigger}}, 0,
           CASE WHEN state = 'active' THEN now() + wait * interval '1 second' END,
           CASE WHEN state = 'active' THEN '' ELSE 'the endpoint is ' || state END, now()
    FROM {{chosen}}
    ON CONFLICT (id) DO NOTHING
    RETURNING id, event_id, endpoint_id, state
)"""
_ROUTE = (
    _WANTED
    + _JUDGED
    + _MADE.format(trigger="'event'", chosen="keyed")
    + """
SELECT event_id, endpoint_id, id, state, NULL AS refusal, 0 AS matches FROM made
UNION ALL
SELECT event_id, NULL, NULL, NULL, NULL, count(*) FROM keyed GROUP BY event_id
UNION ALL
SELECT event_id, endpoint_id, NULL, NULL,
       CASE WHEN NOT channel_ok THEN 'channel' WHEN NOT version_ok THEN 'version' ELSE 'filter' END, 0
FROM judged WHERE NOT wanted
"""
)
# For events that were routed before: to endpoints that want them now and have never had a delivery of them.
_MISSED = """
, missed AS (
    SELECT * FROM keyed k
    WHERE NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.event_id = k.event_id AND d.endpoint_id = k.endpoint_id)
)"""
_FIND_MISSED = _WANTED_BY + _JUDGED + _MISSED + "SELECT event_id, endpoint_id, NULL::uuid, '' FROM missed"
_ROUTE_MISSED = (
    _WANTED_BY
    + _JUDGED
    + _MISSED
    + _MADE.format(trigger="'replay'", chosen="missed")
    + "SELECT event_id, endpoint_id, id, state FROM made"
)

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


# A crash of PostgreSQL within the next moment may take the routing back, and then it is done again with the same keys.
# Nothing is sent before it is on the disk: the claim's commit, which waits for its own log, waits for all before it.
_COMMIT_LATER = "SET LOCAL synchronous_commit = off"


def fan_out(since: UUID | None = None, *, fair: bool = False) -> FannedOut:
    """Route one batch of the outbox: at most FAN_OUT_BATCH events, and about FAN_OUT_ROWS deliveries.

    ``since`` and ``fair``: see :func:`webhooks.services.outbox.take`.
    """
    limit = _sizes.batch()
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(_COMMIT_LATER)
        events = outbox.take(cursor, limit, since=since, fair=fair)
        if not events:
            return FannedOut(0, 0, False, [])
        cursor.execute(_WANTED + _CANDIDATES, _wanted(events))
        candidates = cursor.fetchall()
        routed = _affordable(events, {event_id: n for event_id, _, _, n in candidates if n}, conf.FAN_OUT_ROWS)
        rows = _route(cursor, routed, [(e, s, text) for e, s, text, n in candidates if not n])
        outbox.mark(cursor, _traces(routed, rows))
        made = [(endpoint, delivery, state) for _, endpoint, delivery, state, *_ in rows if delivery]
        bells = notify_mailboxes(cursor, made)
    _sizes.learn(len(routed), len(rows))
    return FannedOut(len(routed), len(made), len(events) >= limit or len(routed) < len(events), bells)


def route_missed(
    events: Sequence[Unrouted], endpoints: Sequence[UUID] | None, *, rows: int, write: bool
) -> tuple[int, list[tuple[UUID, UUID, UUID | None, str]]]:
    """Route events that were routed long ago to the endpoints (None: all) that want them today and never had them.

    The same matching as :func:`fan_out`, in the caller's transaction, whose mailboxes are still to be told. About
    ``rows`` deliveries: the number of events that were dealt with, and (event, endpoint, delivery, state) of each
    delivery. Without ``write`` they are only found.
    """
    parameters = {**_wanted(events), "only": None if endpoints is None else list(endpoints)}
    with connection.cursor() as cursor:
        cursor.execute(_WANTED_BY + _CANDIDATES, parameters)
        candidates = cursor.fetchall()
        routed = _affordable(events, {event_id: n for event_id, _, _, n in candidates if n}, rows)
        taken = {event.id for event in routed}
        passed = _passing([(e, s, text) for e, s, text, n in candidates if not n], taken)
        parameters |= {
            **_wanted(routed),
            "passed_events": [event_id for event_id, _ in passed],
            "passed_subscriptions": [subscription_id for _, subscription_id in passed],
        }
        cursor.execute(_ROUTE_MISSED if write else _FIND_MISSED, parameters)
        return len(routed), cursor.fetchall()


class _Sizes:
    """How many events make a transaction of FAN_OUT_ROWS deliveries, by what the last ones made. Only a guess."""

    def __init__(self) -> None:
        self._rows_per_event = 0.0

    def batch(self) -> int:
        fitting = conf.FAN_OUT_ROWS / self._rows_per_event if self._rows_per_event else conf.FAN_OUT_BATCH
        return max(1, min(conf.FAN_OUT_BATCH, int(fitting)))

    def learn(self, events: int, rows: int) -> None:
        self._rows_per_event = 0.5 * self._rows_per_event + 0.5 * rows / events


_sizes = _Sizes()


def _affordable(events: Sequence[Unrouted], matches: dict[UUID, int], limit: int) -> Sequence[Unrouted]:
    """As many of the events, oldest first, as one transaction should make ``limit`` rows of; at least one."""
    rows = 0
    for n, event in enumerate(events):
        rows += matches.get(event.id, 0)
        if n and rows > limit:
            return events[:n]
    return events


def _route(cursor: Any, events: Sequence[Unrouted], filtered: Sequence[tuple[UUID, UUID, str]]) -> list[Any]:
    """Insert the deliveries. Rows of (event, endpoint, delivery, state, refusal, matches), of which each says one
    thing: a delivery that was made, a refusal, or how many endpoints the event matched."""
    passed = _passing(filtered, {event.id for event in events})
    parameters = _wanted(events) | {
        "passed_events": [event_id for event_id, _ in passed],
        "passed_subscriptions": [subscription_id for _, subscription_id in passed],
    }
    cursor.execute(_ROUTE, parameters)
    rows: list[Any] = cursor.fetchall()
    return rows


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


def _wanted(events: Sequence[Unrouted]) -> dict[str, list[Any]]:
    rows = [
        (event.id, event.tenant_id, pattern, ",".join(event.channels), versions)
        for event in events
        for versions in [",".join([event.version, *conversions.older(event.type, event.version)])]
        for pattern in patterns.candidates(event.type, catch_all=event.origin != Event.Origin.OPERATIONAL)
    ]
    columns = (list(column) for column in zip(*rows, strict=True))
    return dict(zip(("events", "tenants", "patterns", "channels", "versions"), columns, strict=True))


def _passing(candidates: Sequence[tuple[UUID, UUID, str]], routed: set[UUID]) -> list[tuple[UUID, UUID]]:
    """The (event, subscription) pairs whose content filter holds. Equal filters are asked once for each event."""
    wanted = {event_id for event_id, _, _ in candidates if event_id in routed}
    if not wanted:
        return []
    events = Event.objects.filter(id__in=wanted, id__gte=min(wanted), id__lte=max(wanted))
    documents = _documents(events.only("type", "version", "data", "metadata", "channels"))
    conditions = {text: json.loads(text) for _, _, text in candidates}
    answers: dict[tuple[UUID, str], bool] = {}
    for event_id, text in {(event_id, text) for event_id, _, text in candidates if event_id in wanted}:
        found = documents.get(event_id)
        answers[event_id, text] = found is not None and _fits(event_id, conditions[text], found)
    return [
        (event_id, subscription_id) for event_id, subscription_id, text in candidates if answers.get((event_id, text))
    ]


def _fits(event_id: UUID, condition: Any, document: dict[str, Any]) -> bool:
    """Whether a filter holds. Attack: one that raises, such as one written past all checks, would stop the routing of
    everybody. It holds for nothing, and what it kept back is replayed as missed once it is mended."""
    try:
        return filters.matches(condition, document)
    except Exception as error:
        log.error(
            "filter_failed", event_id=ids.show(ids.EVENT, event_id), error=type(error).__name__,
            effect="the event goes to nobody by this filter",
        )  # fmt: skip
        return False


def _documents(events: Iterable[Event]) -> dict[UUID, dict[str, Any]]:
    """What filters see of each event. One whose data is no JSON, written past all checks, fits no filter: it must
    not stop the routing of the others."""
    documents = {}
    for event in events:
        try:
            documents[event.id] = document(event)
        except (ValueError, RecursionError):
            log.error("event_unreadable", event_id=ids.show(ids.EVENT, event.id), effect="no content filter fits it")
    return documents


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


def _traces(events: Sequence[Unrouted], rows: Sequence[tuple[Any, ...]]) -> dict[UUID, tuple[int, str]]:
    """Of each event how many endpoints it matched, and which refused it and why."""
    matched = dict.fromkeys((event.id for event in events), 0)
    refused: dict[UUID, list[dict[str, str]]] = {}
    for event_id, endpoint_id, _, _, refusal, matches in rows:
        matched[event_id] += matches
        if refusal:
            refused.setdefault(event_id, []).append({"webhook": ids.show(ids.WEBHOOK, endpoint_id), "reason": refusal})
    return {event_id: (number, json.dumps(refused.get(event_id, []))) for event_id, number in matched.items()}
