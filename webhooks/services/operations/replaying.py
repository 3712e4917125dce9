"""Replay: new deliveries of what was delivered, given up, cancelled or never routed. Discard: dead letters closed.

Invariants: a replay looks only at rows that were there when it was ordered, so it never meets its own. A dead letter
is replayed at most once, whoever else replays it at the same time: it is resolved by a conditional UPDATE, and only
what that resolved is delivered. Events that a webhook never had get the delivery whose key follows from both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.conf import conf
from webhooks.core import ids, purged
from webhooks.models import DeadLetter, Event, Mailbox, Operation, Trigger
from webhooks.services import dead_letters, deliveries
from webhooks.services.bell import Bell
from webhooks.services.fan_out import notify_mailboxes, route_missed
from webhooks.services.operations import deliveries_by_state, fields
from webhooks.services.operations.deliveries_by_state import SCAN, Row
from webhooks.services.operations.fields import Selection
from webhooks.services.operations.steps import Quiet, Step, added
from webhooks.services.outbox import Unrouted

STATUSES = ("dead", "succeeded", "held", "unmatched", "cancelled")
_STEP = 500  # deliveries of one transaction
_EVENTS = 500  # events that one step matches anew
_NAMED = 100  # webhooks that a result tells apart; a tenant with more reads the lists


class _Walk(Quiet):
    """Goes through the deliveries of each asked state in turn, oldest first."""

    def count(self, operation: Operation) -> int | None:
        chosen = fields.selection(operation.id, operation.params)
        return sum(self._count(operation.tenant_id, state, chosen) for state in self.states(operation))

    def states(self, operation: Operation) -> list[str]:
        raise NotImplementedError

    def _count(self, tenant_id: UUID, state: str, chosen: Selection) -> int:
        if state == "unmatched":
            return int(_routed_events(tenant_id, chosen).count())
        return deliveries_by_state.count(tenant_id, state, chosen)

    def on(self, operation: Operation, last: UUID | None, part: int) -> dict[str, Any] | None:
        """The next cursor: behind ``last`` in the same part; None: this part is done, so the next one if any."""
        if last is not None:
            return {"part": part, "after": last.hex}
        return {"part": part + 1} if part + 1 < len(self.states(operation)) else None


class Replay(_Walk):
    """``{"webhooks", "since", "until", "status", "event_types", "rate", "dry_run"}``."""

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]:
        checks = {
            "webhooks": fields.webhooks_of(tenant_id),
            "since": fields.moment,
            "until": fields.moment,
            "status": fields.some_of(*STATUSES),
            "event_types": fields.optional(fields.type_patterns),
            "rate": fields.optional(fields.whole(1, conf.MAX_REPLAY_RATE, "deliveries a second")),
            "dry_run": fields.flag,
        }
        return fields.read(params, checks, {"status": ["dead"], "webhooks": None, "dry_run": False}, at)

    def states(self, operation: Operation) -> list[str]:
        return list(operation.params["status"])

    def perform(self, operation: Operation, prepared: Any) -> Step:
        part = operation.cursor.get("part", 0)
        after = UUID(operation.cursor.get("after", "0" * 32))
        chosen = fields.selection(operation.id, operation.params)
        state = self.states(operation)[part]
        rate = operation.params.get("rate") or conf.REPLAY_RATE
        write = not operation.params["dry_run"]
        take = _unmatched if state == "unmatched" else _by_state
        done = take(operation, state, chosen, after, min(_STEP, rate) if write else _STEP, write)
        tally = added(
            operation.tally, deliveries=done.made, by_status={state: done.made}, skipped=done.skipped,
            by_webhook=_named(operation.tally, done.webhooks),
        )  # fmt: skip
        pause = done.made / rate if write else 0.0
        return Step(self.on(operation, done.last, part), done.looked_at, tally, pause, done.bells)


class Discard(_Walk):
    """``{"webhooks", "since", "until", "event_types", "dry_run"}``: closes dead letters without sending anything."""

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]:
        checks = {
            "webhooks": fields.webhooks_of(tenant_id),
            "since": fields.moment,
            "until": fields.moment,
            "event_types": fields.optional(fields.type_patterns),
            "dry_run": fields.flag,
        }
        return fields.read(params, checks, {"webhooks": None, "dry_run": False}, at)

    def states(self, operation: Operation) -> list[str]:
        return ["dead"]

    def perform(self, operation: Operation, prepared: Any) -> Step:
        after = UUID(operation.cursor.get("after", "0" * 32))
        chosen = fields.selection(operation.id, operation.params)
        rows = deliveries_by_state.stretch(operation.tenant_id, "dead", chosen, after, operation.created_at)
        meant = [row for row in rows if row.skip in ("", "purged", "expired")]
        write = not operation.params["dry_run"]
        count = dead_letters.discard(_letters(meant)) if write else len(meant)
        last = rows[-1].id if len(rows) == SCAN else None
        return Step(self.on(operation, last, 0), len(rows), added(operation.tally, dead_letters=count))


class _Taken:
    """What a stretch came to. ``last``: its end when there may be more behind it."""

    def __init__(self, made: Sequence[tuple[UUID, UUID]], bells: list[Bell], looked_at: int, last: UUID | None) -> None:
        self.made = len(made)
        self.webhooks = Counter(ids.show(ids.WEBHOOK, endpoint) for _, endpoint in made)
        self.bells, self.looked_at, self.last = bells, looked_at, last
        self.skipped: dict[str, int] = {}


# --- deliveries in a state


def _by_state(operation: Operation, state: str, chosen: Selection, after: UUID, limit: int, write: bool) -> _Taken:
    rows = deliveries_by_state.stretch(operation.tenant_id, state, chosen, after, operation.created_at)
    meant = [row for row in rows if not row.skip][:limit]
    full = len(meant) == limit
    if full:
        rows = rows[: rows.index(meant[-1]) + 1]
    pairs = [(row.event_id, row.endpoint_id) for row in meant]
    bells: list[Bell] = []
    if write and meant:
        pairs, bells = _again(state, meant)
    taken = _Taken(pairs, bells, len(rows), rows[-1].id if rows and (full or len(rows) == SCAN) else None)
    taken.skipped = dict(Counter(row.skip for row in rows if row.skip not in ("", "other")))
    return taken


def _again(state: str, rows: Sequence[Row]) -> tuple[list[tuple[UUID, UUID]], list[Bell]]:
    """Deliver what these rows stand for; the (event, endpoint) pairs that were, and whom to ring."""
    if state == "held":
        return _release(rows)
    if state == "dead":
        return dead_letters.replay_pairs(_letters(rows))
    pairs = [(row.event_id, row.endpoint_id) for row in rows]
    _, bells = deliveries.create(pairs, Trigger.REPLAY)
    return pairs, bells


def _letters(rows: Sequence[Row]) -> list[UUID]:
    """The dead letters of dead deliveries. One that has none yet gets it now, so that it can be resolved.

    The dead-letter worker may write it at the same moment: then this has waited for it, and finds it.
    """
    for row in rows:
        if not row.buried:
            dead_letters.bury(row.id)
    found = DeadLetter.objects.filter(delivery_id__in=[row.id for row in rows])
    return list(found.order_by("id").values_list("id", flat=True))


def _release(rows: Sequence[Row]) -> tuple[list[tuple[UUID, UUID]], list[Bell]]:
    """Held deliveries are not doubled: these are of webhooks that are active again, so they only have to be let go."""
    Mailbox.objects.filter(endpoint_id__in={row.endpoint_id for row in rows}).update(unsettled=True)
    return [(row.event_id, row.endpoint_id) for row in rows], []


# --- events that a webhook never had


def _routed_events(tenant_id: UUID, chosen: Selection) -> Any:
    found = Event.objects.for_tenant(tenant_id).filter(id__gte=chosen.lower, id__lt=chosen.upper)
    return found.exclude(fanned_out_at=None).exclude(origin=Event.Origin.TEST)


_LOOK = """
SELECT id, tenant_id, type, version, channels, origin, data = %(marker)s FROM webhooks_event
WHERE tenant_id = %(tenant)s AND id > %(after)s AND id >= %(lower)s AND id < %(upper)s
  AND fanned_out_at IS NOT NULL AND origin <> 'test'
ORDER BY id LIMIT %(limit)s
"""


def _unmatched(operation: Operation, state: str, chosen: Selection, after: UUID, limit: int, write: bool) -> _Taken:
    values: dict[str, Any] = {
        "tenant": operation.tenant_id, "after": after, "lower": chosen.lower, "upper": chosen.upper,
        "limit": _EVENTS, "marker": purged.MARKER,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, values)
        found = cursor.fetchall()
    fitting = [Unrouted(*row[:6]) for row in found if chosen.fits(row[2]) and not row[6]]
    if not fitting:
        return _Taken([], [], len(found), found[-1][0] if len(found) == _EVENTS else None)
    routed, rows = route_missed(fitting, chosen.endpoints, rows=limit, write=write)
    made = [(event, endpoint) for event, endpoint, *_ in rows]
    if routed < len(fitting):
        last: UUID | None = fitting[routed - 1].id
        looked_at = [row[0] for row in found].index(fitting[routed - 1].id) + 1
    else:
        last, looked_at = found[-1][0] if len(found) == _EVENTS else None, len(found)
    bells: list[Bell] = []
    if write and rows:
        with connection.cursor() as cursor:
            bells = notify_mailboxes(cursor, [(endpoint, key, told) for _, endpoint, key, told in rows if key])
    return _Taken(made, bells, looked_at, last)


def _named(tally: dict[str, Any], webhooks: Counter[str]) -> dict[str, int]:
    """The webhooks of a step, as long as the result does not name too many."""
    known = tally.get("by_webhook", {})
    room = _NAMED - len(known)
    new = [name for name in webhooks if name not in known][:room]
    return {name: count for name, count in webhooks.items() if name in known or name in new}
