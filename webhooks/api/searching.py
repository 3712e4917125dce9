"""How lists find deliveries that wait, deliveries and dead letters by what their event has, and events by metadata.

The first two are looked for in another table: mailboxes know what waits, events have the type and the correlation id.
See :mod:`webhooks.models.keyset` for what a search is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact

from webhooks.core import ids
from webhooks.models import Delivery, Event, EventKey, Trigger
from webhooks.models.keyset import Found, Look, Place, Searched, find, in_order, nearest
from webhooks.models.partitions import bounds
from webhooks.services import waiting
from webhooks.services.binding import prepared_cursor
from webhooks.services.event_names import fitting
from webhooks.services.partitions import event_days

_LOOKUPS = 300  # rows that one page looks at where each costs a look-up of its event
_EVENTS = 150  # events of a type whose deliveries one page looks at,
_MADE_BY_EVENTS = 1_500  # if they made no more than so many
_SEARCH_TIME = 0.015  # seconds of looking day by day for metadata, after which a page ends with the day
_HIGHEST = UUID(int=2**128 - 1)


# --- deliveries that wait


def pending_of(tenant_id: UUID | None) -> Look:
    """Pending deliveries of a tenant, through its mailboxes."""

    def look(rows: Searched, place: Place, count: int) -> Found:
        boxes = waiting.boxes(tenant_id)
        if boxes is None:
            return in_order(rows, place, count)
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


# --- what has an event, by the columns of the event


def event_is(conditions: Mapping[str, str]) -> Q:
    """The condition (column of the event -> value) on rows with an ``event_id``, by a look-up of each one's event."""
    one = Event.objects.filter(id=OuterRef("event_id"))
    return Q(*(Q(Exact(Subquery(one.values(name)[:1]), value)) for name, value in conditions.items()))


def by_event(conditions: Mapping[str, str], unchecked: QuerySet[Any]) -> Look:
    """Those of the nearest rows of the wide set whose event fits. ``unchecked``: the rows but for that condition."""

    def look(rows: Searched, place: Place, count: int) -> Found:
        return _looked_up(conditions, rows.wide, unchecked, place, count)

    return look


def of_events(conditions: Mapping[str, str], unchecked: QuerySet[Any], tenant_id: UUID | None) -> Look:
    """Deliveries of the events that fit, found from the nearest of those events. ``unchecked``: but for that.

    A delivery made by the fan-out has the millisecond of its event, so the events of a stretch of time lead to all
    of them. Replays and manual retries are younger than their event; they are few and have an index of their own.
    In a millisecond with many of them (a batch) most deliveries near the place fit: they are looked at one by one.
    """

    def look(rows: Searched, place: Place, count: int) -> Found:
        nearest_events = _event_keys(_events(conditions, tenant_id, place), place)
        if nearest_events is None:
            return _looked_up(conditions, rows.wide, unchecked, place, count)
        keys, end = nearest_events
        routed = _routed(unchecked, place, count, keys, end)
        others = rows.wide.exclude(trigger=Trigger.EVENT)
        repeated, other_end = _looked_up(conditions, others, unchecked, place, count, end)
        end = place.nearer(end, other_end)
        found = sorted([*routed, *repeated], key=lambda row: row.pk.int, reverse=not place.newer)
        return [row for row in found if end is None or place.nearer(row.pk, end) == row.pk][:count], end

    return look


# Each event leads to the day and the millisecond of its deliveries, so no other partition is looked into. OFFSET has
# them looked up event by event: a plan for any value might begin with another filter.
_MADE = """
SELECT d.* FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS e(id, low, high)
CROSS JOIN LATERAL ({rows} OFFSET 0) AS d ORDER BY d.id {order} LIMIT %s
"""
_COLUMNS = [field.attname for field in Delivery._meta.concrete_fields]
_OF_ONE = "webhooks_delivery.event_id = e.id AND webhooks_delivery.id >= e.low AND webhooks_delivery.id < e.high"


def _routed(rows: QuerySet[Any], place: Place, count: int, keys: list[UUID], end: UUID | None) -> list[Any]:
    """Deliveries by the fan-out of these events, up to ``end``."""
    if not keys:
        return []
    made = rows.filter(trigger=Trigger.EVENT, id__gte=_millisecond(min(keys)), id__lt=_millisecond(max(keys), 1))
    made = place.beyond(place.up_to(made, end)).order_by().extra(where=[_OF_ONE])  # noqa: S610 - a constant
    sql, params = made.query.sql_with_params()
    bounds = [keys, [_millisecond(key) for key in keys], [_millisecond(key, 1) for key in keys]]
    sql = _MADE.format(rows=sql, order="ASC" if place.newer else "DESC")
    with prepared_cursor() as cursor:  # planning it would take ten times as long as running it
        cursor.execute(sql, [*bounds, *params, count])
        return [Delivery.from_db(rows.db, _COLUMNS, row) for row in cursor.fetchall()]


def _looked_up(
    conditions: Mapping[str, str], wide: QuerySet[Any], rows: QuerySet[Any], place: Place, count: int,
    end: UUID | None = None,
) -> Found:  # fmt: skip
    """Look at _LOOKUPS rows of the wide set up to ``end``, and at the event of each."""
    pairs = nearest(wide.values_list("id", "event_id"), place, _LOOKUPS, end)
    events = {event for _, event in pairs}
    if not events:
        return [], None
    wanted = fitting(events, conditions)
    keys = [key for key, event in pairs if event in wanted]
    stopped = pairs[-1][0] if len(pairs) == _LOOKUPS else None
    if not keys:
        return [], stopped
    found = place.beyond(rows.filter(id__in=keys, id__gte=min(keys), id__lte=max(keys)))
    return list(found[:count]), stopped


def _events(conditions: Mapping[str, str], tenant_id: UUID | None, place: Place) -> QuerySet[Any]:
    """The events that fit, with ``matched``. An index begins with the tenant and has one of the columns."""
    wide = Event.objects.only("id", "matched")
    if place.lower is not None:
        wide = wide.filter(id__gte=place.lower)
    if place.upper is not None:
        wide = wide.filter(id__lt=place.upper)
    if tenant_id is None:
        return Searched.of(wide, wide.filter(**conditions), in_order)
    served = {name: conditions[name] for name in ("correlation_id", "type") if name in conditions}
    name = next(iter(served))
    wide = wide.for_tenant(tenant_id).filter(**{name: served.pop(name)})
    if name == "correlation_id":
        wide = wide.filter(fanned_out_at__isnull=False)  # as the index has it
    return Searched.of(wide, wide.filter(**served), in_order) if served else wide


def _event_keys(events: QuerySet[Any], place: Place) -> tuple[list[UUID], UUID | None] | None:
    """Events whose routed deliveries lie beyond the place, in whole milliseconds, and the end they lead to.

    None: already the nearest millisecond has too many of them for one page.
    """
    found, last = _nearest_events(events, place)
    keys: list[UUID] = []
    made, passed = 0, None
    for moment, group in groupby(found, key=lambda event: _millisecond(event.pk)):
        wanted = [event for event in group if event.matched]
        made += sum(event.matched for event in wanted)
        if made > _MADE_BY_EVENTS:
            return None if passed is None else (keys, _through(passed, place))
        if last is not None and moment == _millisecond(last):
            break  # there may be more of it than were found
        keys += [event.pk for event in wanted]
        passed = moment
    if last is None:
        return keys, None
    end = _before(last, place)
    stuck = place.start is not None and place.nearer(place.start, end) == end
    return None if stuck or (found and passed is None) else (keys, end)


def _nearest_events(events: QuerySet[Any], place: Place) -> Found:
    """Up to _EVENTS events from the whole millisecond of the place on, and the last one looked at if there are more."""
    if place.start is not None:
        first = _clamped(place.start.int + (1 if place.newer else -1))
        start = _clamped(_millisecond(first).int - 1) if place.newer else _millisecond(first, 1)
        place = replace(place, start=start)
    found, last = find(events, place, _EVENTS)
    if len(found) == _EVENTS and not any(event.matched for event in found):  # nobody wants the type, or nobody did
        wide, fitting = (events.wide, events.plain()) if isinstance(events, Searched) else (events, events)
        found, last = find(Searched.of(wide, fitting.filter(matched__gt=0), in_order), place, _EVENTS)
    return found, found[-1].pk if len(found) == _EVENTS else last


def _through(moment: UUID, place: Place) -> UUID:
    """The last key of this millisecond, in the direction of the place."""
    return _clamped(_millisecond(moment, 1).int - 1) if place.newer else moment


def _before(key: UUID, place: Place) -> UUID:
    """The last key before the millisecond of ``key``, in the direction of the place."""
    return _clamped(_millisecond(key).int - 1) if place.newer else _millisecond(key, 1)


# --- events by the names and the metadata they have


def named_events(tenant_id: UUID | None, text: str) -> list[UUID] | None:
    """The events of a tenant with this id, Clarion's or their publisher's own, or this correlation id.

    None when they are too many to name, or when no index finds them because there is no tenant.
    """
    key = ids.parse(ids.EVENT, text)
    if tenant_id is None:
        return [key] if key and text.startswith(f"{ids.EVENT}_") else None
    own = EventKey.objects.for_tenant(tenant_id).filter(key=text).values_list("event_id", flat=True).first()
    few = correlated_events(tenant_id, text)
    return None if few is None else sorted({*few, *filter(None, (key, own))})


def correlated_events(tenant_id: UUID, text: str) -> list[UUID] | None:
    """The routed events of a tenant with this correlation id; None when they are more than _EVENTS."""
    events = Event.objects.for_tenant(tenant_id).filter(correlation_id=text, fanned_out_at__isnull=False)
    found = [event.pk for event in nearest(events.only("id"), Place(), _EVENTS + 1)]
    return found if len(found) <= _EVENTS else None


def by_content(rows: Searched, place: Place, count: int) -> Found:
    """Events by their metadata: what is frequent is in the nearest window; what is rare is looked for day by day.

    A day that is over has an index on the metadata (see :func:`webhooks.services.partitions.index_ended`). It knows no
    tenant and no order, so the rows it names are all read and sorted, which one day bounds. The present day is looked
    through in windows. A page ends where its time is over.
    """
    found, end = in_order(rows, place, count)
    if end is None or len(found) == count:
        return found, end
    give_up = time.monotonic() + _SEARCH_TIME
    place = replace(place, start=end)
    indexed = event_days()
    for day in place.days(min(map(_floor, indexed), default=_HIGHEST)):
        part = Searched.of(day.of(rows.wide), day.of(rows.plain()), in_order)
        whole = indexed.get(ids.created_at(day.lower).date(), False) if day.lower else False
        more, end = _looked_through(part, place, count - len(found), give_up, whole=whole)
        found += more
        if len(found) == count or end is not None:
            return found, end
        if time.monotonic() > give_up:
            return found, day.last(newer=place.newer)
    return found, None


def _looked_through(part: Searched, place: Place, count: int, give_up: float, *, whole: bool) -> Found:
    """The rows of one day: ``whole`` at once, or window by window until the time is over."""
    if whole:
        return list(place.beyond(part.plain())[:count]), None
    found: list[Any] = []
    while True:
        more, end = in_order(part, place, count - len(found))
        found += more
        if end is None or len(found) == count or time.monotonic() > give_up:
            return found, end
        place = replace(place, start=end)


def _floor(day: date) -> UUID:
    return UUID(bounds(day)[0])


def _millisecond(key: UUID, later: int = 0) -> UUID:
    """The smallest key of the millisecond of ``key``, or of one ``later``."""
    return _clamped(((key.int >> 80) + later) << 80)


def _clamped(number: int) -> UUID:
    return UUID(int=min(max(number, 0), _HIGHEST.int))
