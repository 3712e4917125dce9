"""Recording a drain: all attempts, all new states and the mailbox in one short transaction.

Invariants: a result changes its delivery only while the drain still holds the lease, otherwise it is kept as
a *late* attempt and changes nothing; the mailbox is due no later than the earliest row this writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core.headers import mask_pairs
from webhooks.core.outcome import Verdict
from webhooks.core.redaction import Redaction
from webhooks.net.result import Timings
from webhooks.services.binding import prepared_cursor
from webhooks.services.claim import key_range, release
from webhooks.services.sending import Sent
from webhooks.services.target import Target

_RECORD = """
WITH r AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        jsonb_to_recordset(%(rows)s::jsonb) AS (
            attempt_id uuid, delivery_id uuid, state text, delay float, reason text, response_status int, number int,
            trigger text, outcome text, started_at timestamptz, request_url text, request_headers jsonb,
            response_headers jsonb, error text, detail text, timings jsonb, address text
        ),
        unnest(%(bodies)s::bytea[])
    ) AS r(attempt_id, delivery_id, state, delay, reason, response_status, number, trigger, outcome, started_at,
           request_url, request_headers, response_headers, error, detail, timings, address, response_body)
), endpoint AS (
    SELECT state, deleted_at FROM webhooks_endpoint WHERE id = %(endpoint)s
), updated AS (
    UPDATE webhooks_delivery d SET
        state = CASE WHEN r.state <> 'pending' THEN r.state
                     WHEN e.deleted_at IS NOT NULL THEN 'cancelled'
                     WHEN e.state <> 'active' THEN 'held'
                     ELSE 'pending' END,
        next_attempt_at = CASE WHEN e.deleted_at IS NULL THEN now() + r.delay * interval '1 second' END,
        lease_token = NULL, lease_until = NULL,
        response_status = r.response_status,
        reason = CASE WHEN r.state = 'succeeded' THEN '' ELSE left(r.reason, 200) END,
        finished_at = CASE WHEN r.state <> 'pending' OR e.deleted_at IS NOT NULL THEN now() END
    FROM r, endpoint e
    WHERE d.id = r.delivery_id AND d.id = ANY(%(deliveries)s) AND d.id >= %(first)s AND d.id <= %(last)s
      AND d.lease_token = %(token)s
    RETURNING d.id, d.state, d.next_attempt_at
), logged AS (
    INSERT INTO webhooks_attempt (id, tenant_id, delivery_id, endpoint_id, number, trigger, outcome, started_at,
                                  request_url, request_headers, response_status, response_headers, response_body,
                                  error, detail, timings, address, worker)
    SELECT r.attempt_id, %(tenant)s, r.delivery_id, %(endpoint)s, r.number, r.trigger,
           CASE WHEN u.id IS NULL THEN 'late' ELSE r.outcome END, r.started_at, r.request_url, r.request_headers,
           r.response_status, r.response_headers, r.response_body, r.error, left(r.detail, 500), r.timings,
           r.address, %(worker)s
    FROM r LEFT JOIN updated u ON u.id = r.delivery_id
    ON CONFLICT (id) DO NOTHING
)
SELECT id, state, next_attempt_at FROM updated
"""
# The conflict: a commit that went through although its connection broke, and is tried again.

_BLOCKED_UNTIL = "GREATEST(m.blocked_until, now() + %(blocked)s::float * interval '1 second')"
_RESULTS = f"""
    latency_ms = CASE WHEN %(latency_ms)s::float IS NULL THEN latency_ms
                      WHEN latency_ms = 0 THEN %(latency_ms)s ELSE latency_ms * 0.8 + %(latency_ms)s * 0.2 END,
    consecutive_failures = CASE WHEN %(answered)s > 0 THEN %(tail)s ELSE consecutive_failures + %(tail)s END,
    last_success_at = CASE WHEN %(succeeded)s > 0 THEN now() ELSE last_success_at END,
    last_failure_at = CASE WHEN %(failed)s > 0 THEN now() ELSE last_failure_at END,
    failing_since = CASE WHEN %(tail)s = 0 AND %(answered)s > 0 THEN NULL
                         WHEN %(succeeded)s > 0 THEN now()
                         WHEN %(failed)s > 0 THEN COALESCE(failing_since, now()) ELSE failing_since END,
    blocked_until = {_BLOCKED_UNTIL},
    blocked_reason = CASE WHEN %(blocked)s::float IS NULL OR blocked_until > now() + %(blocked)s * interval '1 second'
                          THEN blocked_reason ELSE %(blocked_reason)s END,
    unsettled = unsettled OR %(held)s
"""
# Due no later than what this drain leaves behind; what else is pending made the mailbox due before.
_EARLIER = "next_due_at = LEAST(next_due_at, %(next_due)s, CASE WHEN %(given_back)s THEN now() END)"
# Due when the first of all pending deliveries is; of an ordered endpoint, when the head of the line is.
_PENDING = """
        SELECT {what} FROM webhooks_delivery
        WHERE endpoint_id = %(endpoint)s AND state = 'pending' AND id >= %(lower)s AND id < %(upper)s {which}
        ORDER BY {order} LIMIT 1
"""
_DUE = f"GREATEST(next_attempt_at, CASE WHEN {_BLOCKED_UNTIL} > now() THEN {_BLOCKED_UNTIL} END)"
_FIRST = _PENDING.format(what=_DUE, which="", order="next_attempt_at, id")
# Keys of one millisecond do not sort like their events, so any of the oldest millisecond may be the head.
_OLDEST_MILLISECOND = _PENDING.format(what="left(id::text, 13) || '-ffff-ffff-ffffffffffff'", which="", order="id")
_HEAD = _PENDING.format(what=_DUE, which=f"AND id <= ({_OLDEST_MILLISECOND})::uuid", order="next_attempt_at, id")
_SETTLED = f"""
    next_due_at = CASE WHEN (SELECT ordered FROM webhooks_endpoint WHERE id = %(endpoint)s)
                       THEN ({_HEAD}) ELSE ({_FIRST}) END,
    oldest_pending_id = (
        SELECT id FROM webhooks_delivery
        WHERE endpoint_id = %(endpoint)s AND state IN ('pending', 'sending', 'held')
          AND id >= %(lower)s AND id < %(upper)s
        ORDER BY id LIMIT 1
    )
"""
# One UPDATE of the row in a transaction: a second one would have its foreign keys checked at the commit, and that
# lock on the endpoint, taken after the mailbox's, is a deadlock with everybody who changes the endpoint.
_UPDATE_MAILBOX = "UPDATE webhooks_mailbox m SET {} WHERE endpoint_id = %(endpoint)s"
# A statement before the one that settles, which then has a snapshot taken after the lock, see models.Mailbox.
_LOCK_MAILBOX = "SELECT oldest_pending_id FROM webhooks_mailbox WHERE endpoint_id = %s FOR UPDATE"


@dataclass(frozen=True, slots=True)
class Tally:
    """A drain in numbers. ``tail``: failures in a row at its end. ``answered``: results that show it is well.

    An attempt that never left (a forbidden address, an event that is gone) is neither answered nor failed.
    """

    succeeded: int = 0
    answered: int = 0
    failed: int = 0
    tail: int = 0
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the transaction changed: dead deliveries to announce."""

    dead: list[UUID]
    pending: int


def tally(parcels: Sequence[Sequence[Sent]], elapsed: float) -> Tally:
    """Count a drain's results by request. ``elapsed``: seconds it took; with the waiting for this process's other
    threads, because the next claim has to fit what a send really takes here."""
    requests = [parcel[0] for parcel in parcels]
    against = [s.against_endpoint for s in requests]
    tail = next((n for n, failed in enumerate(reversed(against)) if not failed), len(against))
    return Tally(
        succeeded=sum(s.verdict is Verdict.SUCCEEDED for parcel in parcels for s in parcel),
        answered=sum(s.result.status is not None and not s.against_endpoint for s in requests),
        failed=against.count(True),
        tail=tail,
        latency_ms=elapsed * 1000 / len(requests) if requests else None,
    )


def record(
    target: Target,
    token: UUID,
    sent: Sequence[Sent],
    unsent: Sequence[UUID],
    counts: Tally,
    *,
    worker: str,
    drained: bool,
    blocked: float | None = None,
    blocked_reason: str = "",
) -> Recorded:
    """Write the results of a drain.

    ``unsent``: claimed rows to give back. ``drained``: the claim found less than it asked for, so the mailbox
    has to be settled. ``blocked``: seconds for which the endpoint must be left alone.
    """
    rows: list[tuple[UUID, str, datetime | None]] = []
    with transaction.atomic(), connection.cursor() as cursor:
        if sent:
            cursor.execute(_RECORD, _parameters(target, token, sent) | {"worker": worker[:100]})
            rows = cursor.fetchall()
        release(cursor, token, unsent)
        retries = [due for _, state, due in rows if state == "pending" and due]
        changes: dict[str, Any] = {
            "blocked": blocked, "blocked_reason": blocked_reason, "next_due": min(retries, default=None),
            # Another drain may have found nothing and cleared the mailbox while these rows were being sent.
            "given_back": bool(unsent),
            # The endpoint may be active again, and what settled it has passed over these rows.
            "held": any(state == "held" for _, state, _ in rows),
            "endpoint": target.endpoint_id, **asdict(counts),
        }  # fmt: skip
        if drained or blocked is not None:
            _settle(cursor, f"{_RESULTS}, {_SETTLED}", changes)
        else:
            cursor.execute(_UPDATE_MAILBOX.format(f"{_RESULTS}, {_EARLIER}"), changes)
    dead = [delivery_id for delivery_id, state, _ in rows if state == "dead"]
    return Recorded(dead, len(retries))


def settle_mailbox(endpoint_id: UUID) -> None:
    """Set an endpoint's mailbox to what is really pending: due time and oldest key."""
    with transaction.atomic(), connection.cursor() as cursor:
        _settle(cursor, _SETTLED, {"endpoint": endpoint_id, "blocked": None})


def _settle(cursor: Any, changes: str, parameters: dict[str, Any]) -> None:
    """Lock the mailbox and write ``changes``; nobody can lower the bound on the keys meanwhile."""
    cursor.execute(_LOCK_MAILBOX, [parameters["endpoint"]])
    if row := cursor.fetchone():
        lower, upper = key_range(row[0])
        with prepared_cursor() as prepared:
            prepared.execute(_UPDATE_MAILBOX.format(changes), {**parameters, "lower": lower, "upper": upper})


_PHASES = tuple(phase.name for phase in fields(Timings))
_STATES = {Verdict.SUCCEEDED: "succeeded", Verdict.RETRY: "pending", Verdict.DEAD: "dead", Verdict.GONE: "dead"}


def _parameters(target: Target, token: UUID, sent: Sequence[Sent]) -> dict[str, Any]:
    deliveries = [s.claimed.delivery_id for s in sent]
    return {
        "endpoint": target.endpoint_id,
        "tenant": target.tenant_id,
        "token": token,
        "first": min(deliveries),
        "last": max(deliveries),
        "deliveries": deliveries,
        # One document: arrays of text cost a search for quotes in each element.
        "rows": msgspec.json.encode([_row(s, target.config.redaction) for s in sent]).decode(),
        "bodies": [target.config.redaction.data(s.result.body[: conf.BODY_LIMIT]) for s in sent],
    }


def _row(sent: Sent, redaction: Redaction) -> dict[str, Any]:
    result = sent.result
    answered = [(name, redaction.text(value)) for name, value in mask_pairs(result.headers)]
    return {
        "attempt_id": sent.attempt_id,
        "delivery_id": sent.claimed.delivery_id,
        "state": _STATES[sent.verdict],
        "delay": sent.delay,
        "reason": sent.reason,
        "response_status": result.status,
        "number": sent.claimed.attempt,
        "trigger": "retry" if sent.claimed.attempt > 1 else sent.claimed.trigger,
        "outcome": str(sent.outcome),
        "started_at": sent.started_at,
        "request_url": sent.url,
        "request_headers": sent.headers,
        "response_headers": answered,
        "error": result.error or "",
        "detail": result.detail,
        "timings": _milliseconds(result.timings_ms),
        "address": result.address or "",
    }


def _milliseconds(timings: Timings) -> dict[str, float]:
    return {name: round(value, 2) for name in _PHASES if (value := getattr(timings, name)) is not None}
