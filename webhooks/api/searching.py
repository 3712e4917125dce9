"""How lists of deliveries find those that wait, and those of a type of event.

Both are looked for in another table first: mailboxes know what waits, events have the type. See
:mod:`webhooks.models.keyset` for what a search is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact

from webhooks.models import Event, Trigger
from webhooks.models.keyset import Found, Look, Place, Searched, by_window, find, nearest
from webhooks.services import waiting

_LOOKUPS = 500  # rows that one page looks at where each costs a look-up of its event
_EVENTS = 250  # events of a type whose deliveries one page looks at
_HIGHEST = UUID(int=2**128 - 1)


# --- deliveries that wait


def pending_of(tenant_id: UUID | None) -> Look:
    """Pending deliveries of a tenant, through its mailboxes."""

    def look(rows: Searched, place: Place, count: int) -> Found:
        boxes = waiting.boxes(tenant_id)
        if boxes is None:
            return by_window(rows, place, count)
        keys = _pending(boxes, place, count)
        if not keys:
            return [], None
        found = place.beyond(rows.plain()).filter(id__in=keys, id__gte=min(keys), id__lte=max(keys))
        return list(found), keys[-1] if len(keys) == count else None

    return look


def _pending(boxes: Sequence[waiting.Box], place: Place, count: int) -> list[UUID]:
    """The nearest keys of pending deliveries."""
    low, high = place.lower or _clamped(0), place.upper or _HIGHEST
    if place.start and place.newer:
        low = max(low, _clamped(place.start.int + 1))
    elif place.start:
        high = min(high, place.start)
    keys: list[UUID] = []
    for lower, upper in place.stretches():
        wanted = count - len(keys)
        keys += waiting.pending(
            boxes, max(low, lower or low), min(high, upper or high), wanted, newest_first=not place.newer
        )
        if len(keys) == count:
            break
    return keys


# --- deliveries of a type of event


def type_is(event_type: str) -> Q:
    """The condition on deliveries, by a look-up of each one's event."""
    return Q(Exact(Subquery(Event.objects.filter(id=OuterRef("event_id")).values("type")[:1]), event_type))


def by_event(event_type: str, untyped: QuerySet[Any]) -> Look:
    """Those of the nearest rows of the wide set whose event has the type. ``untyped``: the rows but for their type."""

    def look(rows: Searched, place: Place, count: int) -> Found:
        return _looked_up(event_type, rows.wide, untyped, place, count)

    return look


def of_type(event_type: str, untyped: QuerySet[Any], tenant_id: UUID | None) -> Look:
    """Deliveries of events of one type, found from the nearest of those events. ``untyped``: but for their type.

    A delivery made by the fan-out has the millisecond of its event, so the events of a stretch of time lead to all
    of them. Replays and manual retries are younger than their event; they are few and have an index of their own.
    """

    def look(rows: Searched, place: Place, count: int) -> Found:
        routed, end = _routed(untyped, place, count, _events(event_type, tenant_id, place))
        others = rows.wide.exclude(trigger=Trigger.EVENT)
        repeated, other_end = _looked_up(event_type, others, untyped, place, count, end)
        end = place.nearer(end, other_end)
        found = sorted([*routed, *repeated], key=lambda row: row.pk.int, reverse=not place.newer)
        return [row for row in found if end is None or place.nearer(row.pk, end) == row.pk][:count], end

    return look


def _routed(rows: QuerySet[Any], place: Place, count: int, events: QuerySet[Any]) -> Found:
    """Deliveries by the fan-out of the nearest events."""
    keys, end = _event_keys(events, place)
    if not keys:
        return [], end
    made = rows.filter(trigger=Trigger.EVENT, event_id__in=keys)
    made = made.filter(id__gte=_millisecond(min(keys)), id__lt=_millisecond(max(keys), 1))
    return list(place.beyond(place.up_to(made, end))[:count]), end


def _looked_up(
    event_type: str, wide: QuerySet[Any], rows: QuerySet[Any], place: Place, count: int, end: UUID | None = None
) -> Found:
    """Look at _LOOKUPS rows of the wide set up to ``end``, and at the type of the event of each."""
    pairs = nearest(wide.values_list("id", "event_id"), place, _LOOKUPS, end)
    events = {event for _, event in pairs}
    if not events:
        return [], None
    of_type = Event.objects.filter(type=event_type, id__in=events, id__gte=min(events), id__lte=max(events))
    wanted = set(of_type.values_list("id", flat=True))
    keys = [key for key, event in pairs if event in wanted]
    stopped = pairs[-1][0] if len(pairs) == _LOOKUPS else None
    if not keys:
        return [], stopped
    found = place.beyond(rows.filter(id__in=keys, id__gte=min(keys), id__lte=max(keys)))
    return list(found[:count]), stopped


def _events(event_type: str, tenant_id: UUID | None, place: Place) -> QuerySet[Any]:
    """Events of a type, with ``matched``. Without a tenant no index has the type."""
    wide = Event.objects.only("id", "matched")
    if place.lower is not None:
        wide = wide.filter(id__gte=place.lower)
    if place.upper is not None:
        wide = wide.filter(id__lt=place.upper)
    if tenant_id is None:
        return Searched.of(wide, wide.filter(type=event_type), by_window)
    return wide.for_tenant(tenant_id).filter(type=event_type)


def _event_keys(events: QuerySet[Any], place: Place) -> tuple[list[UUID], UUID | None]:
    """Events whose routed deliveries lie beyond the place, in whole milliseconds, and the end they lead to."""
    if place.start is not None:
        first = _clamped(place.start.int + (1 if place.newer else -1))
        start = _clamped(_millisecond(first).int - 1) if place.newer else _millisecond(first, 1)
        place = replace(place, start=start)
    found, last = find(events, place, _EVENTS)
    if len(found) == _EVENTS and not any(event.matched for event in found):  # nobody wants the type, or nobody did
        wide, of_type = (events.wide, events.plain()) if isinstance(events, Searched) else (events, events)
        found, last = find(Searched.of(wide, of_type.filter(matched__gt=0), by_window), place, _EVENTS)
    last = found[-1].pk if len(found) == _EVENTS else last
    if last is None:
        return [event.pk for event in found if event.matched], None
    of_last = events.filter(id__gte=_millisecond(last), id__lt=_millisecond(last, 1))
    keys = {event.pk for event in [*found, *of_last] if event.matched}
    return list(keys), _clamped(_millisecond(last, 1).int - 1) if place.newer else _millisecond(last)


def _millisecond(key: UUID, later: int = 0) -> UUID:
    """The smallest key of the millisecond of ``key``, or of one ``later``."""
    return _clamped(((key.int >> 80) + later) << 80)


def _clamped(number: int) -> UUID:
    return UUID(int=min(max(number, 0), _HIGHEST.int))
