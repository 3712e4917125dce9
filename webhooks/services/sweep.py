"""The sweep finds what a lost doorbell or a dead worker left behind. Beat runs it every second.

Idempotent: two sweeps at once take different expired leases (conditional UPDATE, SKIP LOCKED) and ring
doorbells that coalesce. Each part is bounded, so a backlog makes sweeps many and never long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.services.bell import Bell, is_slow
from webhooks.services.binding import prepared_cursor
from webhooks.services.fan_out import notify_mailboxes

_ENDPOINTS = 1000  # doorbells of one sweep
_LEASES = 1000
_DEAD = 500
_RECEIVED = 500  # messages that are rung for again at once
_RUNS = 500  # runs of processors that are rung for at once
_DEAD_GRACE = 5  # seconds the dead-letter worker has before a delivery is announced again


@dataclass(frozen=True, slots=True)
class Swept:
    """What to ring: endpoints with due work or a state to follow, the oldest event left in the outbox, dead
    deliveries, received messages that nobody has processed, runs of processors that are due."""

    bells: list[Bell]
    unsettled: list[UUID]
    unrouted: UUID | None
    dead: list[UUID]
    expired: int
    unprocessed: list[UUID]
    runs: list[UUID]


_DUE = """
SELECT endpoint_id, tenant_id, latency_ms, consecutive_failures FROM webhooks_mailbox
WHERE next_due_at <= now() ORDER BY next_due_at LIMIT %s
"""
_UNSETTLED = "SELECT endpoint_id FROM webhooks_mailbox WHERE unsettled LIMIT %s"
_OUTBOX = "SELECT id FROM webhooks_event WHERE fanned_out_at IS NULL AND id < %s ORDER BY id LIMIT 1"
_INBOX = """
SELECT id FROM webhooks_receivedmessage WHERE processed_at IS NULL AND id > %s AND id < %s ORDER BY id LIMIT %s
"""
_RUNS_DUE = """
SELECT id FROM webhooks_processorrun WHERE status IN ('pending', 'running') AND due_at <= now() ORDER BY due_at LIMIT %s
"""
_UNANNOUNCED = """
SELECT id FROM webhooks_delivery
WHERE state = 'dead' AND dead_lettered_at IS NULL AND id > %s AND finished_at < now() - %s * interval '1 second'
ORDER BY id LIMIT %s
"""
_EXPIRED = (
    "SELECT id FROM webhooks_delivery WHERE state = 'sending' AND lease_until < now() ORDER BY lease_until LIMIT %s"
)
# The worker that held these is gone or asleep. Its request may have arrived: the attempt is kept as lost. The bounds on
# the key are literals, so the planner leaves all other days out.
_FREE = """
WITH expired AS (
    UPDATE webhooks_delivery d SET state = 'pending', next_attempt_at = now(), lease_token = NULL, lease_until = NULL
    WHERE d.id >= %(lower)s AND d.id <= %(upper)s AND d.id = ANY(ARRAY(
        SELECT id FROM webhooks_delivery
        WHERE id = ANY(%(expired)s) AND id >= %(lower)s AND id <= %(upper)s
          AND state = 'sending' AND lease_until < now()
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING d.id, d.tenant_id, d.endpoint_id, d.attempt_count, d.trigger
), logged AS (
    INSERT INTO webhooks_attempt (id, tenant_id, delivery_id, endpoint_id, number, trigger, outcome, started_at,
                                  request_url, request_headers, response_headers, response_body, error, detail,
                                  timings, address, worker)
    SELECT new.id, x.tenant_id, x.id, x.endpoint_id, x.attempt_count, x.trigger, 'lost', now(), '', '{{}}', '[]',
           '', 'worker_lost', 'The worker stopped before it recorded the answer; the request may have arrived.',
           '{{}}', '', ''
    FROM expired x CROSS JOIN LATERAL (SELECT {new_id} AS id WHERE x.id IS NOT NULL) AS new
)
SELECT endpoint_id, id, 'pending' FROM expired
"""
# A UUIDv7 made by PostgreSQL 13 or later: milliseconds, version and variant over random bits.
_NEW_ID = """
    encode(
        set_byte(set_byte(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            6, (get_byte(uuid_send(gen_random_uuid()), 0) & 15) | 112),
        8, (get_byte(uuid_send(gen_random_uuid()), 1) & 63) | 128),
    'hex')::uuid
"""


class _Turn:
    """Where the next look at a long list begins, so that rows which always fail hide none behind them for ever."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.after = UUID(int=0)

    def take(self, rows: Sequence[tuple[UUID]]) -> list[UUID]:
        """The ids of a look; a full one is followed by a look at what comes after it, any other by one at the start."""
        found = [row_id for (row_id,) in rows]
        self.after = found[-1] if len(found) == self.limit else UUID(int=0)
        return found


_dead, _inbox = _Turn(_DEAD), _Turn(_RECEIVED)


def sweep() -> Swept:
    """Free expired leases, and tell what has to be rung."""
    expired = _free_expired()
    before = ids.floor(datetime.now(UTC) - timedelta(seconds=conf.FAN_OUT_GRACE))
    with prepared_cursor() as cursor:
        cursor.execute(_DUE, [_ENDPOINTS])
        bells = [Bell(endpoint, tenant, is_slow(ms, failures)) for endpoint, tenant, ms, failures in cursor.fetchall()]
        cursor.execute(_UNSETTLED, [_ENDPOINTS])
        unsettled = [endpoint_id for (endpoint_id,) in cursor.fetchall()]
        cursor.execute(_OUTBOX, [before])
        unrouted = next((event_id for (event_id,) in cursor.fetchall()), None)
        cursor.execute(_UNANNOUNCED, [_dead.after, _DEAD_GRACE, _dead.limit])
        dead = _dead.take(cursor.fetchall())
        cursor.execute(_INBOX, [_inbox.after, before, _inbox.limit])
        unprocessed = _inbox.take(cursor.fetchall())
        cursor.execute(_RUNS_DUE, [_RUNS])
        runs = [run_id for (run_id,) in cursor.fetchall()]
    return Swept(bells, unsettled, unrouted, dead, expired, unprocessed, runs)


def _free_expired() -> int:
    with prepared_cursor() as cursor:
        cursor.execute(_EXPIRED, [_LEASES])
        expired = [delivery_id for (delivery_id,) in cursor.fetchall()]
    if not expired:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        bounds = {"lower": min(expired), "upper": max(expired)}
        cursor.execute(_FREE.format(new_id=_NEW_ID), {"expired": expired, **bounds})
        freed = cursor.fetchall()
        if freed:
            notify_mailboxes(cursor, freed)
    return len(freed)
