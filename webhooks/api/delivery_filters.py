"""Filters of deliveries and dead letters: of their own columns, and of those of their event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from webhooks.api.filter_kinds import ChoiceFilter, EventTypeFilter
from webhooks.api.filters import Period, correlation, response_status, search, webhook
from webhooks.api.searching import by_event, correlated_events, event_is, named_events, of_events, pending_of
from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Trigger
from webhooks.models.deliveries import FAILURE
from webhooks.models.keyset import Searched, by_window, in_order
from webhooks.services import waiting

_COLUMNS = {"status": "state", "response_status": "response_status", "trigger": "trigger"}
_BURIED = 5_000  # deliveries of the events of a search whose dead letters are looked for


class _OfEvents(Period):
    """What has an event."""

    def events(self, asked: dict[str, Any]) -> list[UUID] | None:
        """The events that ``search`` and ``correlation_id`` name, when they are few; those filters leave ``asked``.

        None: they are many, or nothing was asked of them. ``search`` is a ``correlation_id`` then.
        """
        if (text := asked.pop("search", None)) is not None:
            if (named := named_events(self.tenant_id, text)) is not None:
                return named
            if asked.setdefault("correlation_id", text) != text:
                return []
        if self.tenant_id is None or "correlation_id" not in asked:
            return None
        found = correlated_events(self.tenant_id, asked["correlation_id"])
        if found is not None:
            del asked["correlation_id"]
        return found


class DeliveryFilters(_OfEvents):
    status = ChoiceFilter(Delivery.State.values, "state", "Only deliveries in this state.")
    event_type = EventTypeFilter(field_name="event__type", help_text="Only of events of this type, exactly.")
    webhook = webhook()
    response_status = response_status()
    trigger = ChoiceFilter(Trigger.values, "trigger", "Only deliveries that were made for this reason.")
    correlation_id = correlation("deliveries of events")
    search = search("deliveries of events")
    searched = frozenset({"status", "event_type", "response_status", "trigger", "correlation_id", "search"})

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Take the filter that an index serves best; look through what it leaves for the others."""
        webhook = self.form.cleaned_data.get("webhook")
        few = self.events(asked)
        wide = self._served(rows, asked, webhook) if few is None else _of(rows, few)
        found = wide.filter(**{_COLUMNS[name]: value for name, value in asked.items() if name in _COLUMNS})
        if conditions := _conditions(asked):
            by_events = wide is rows and few is None
            look = of_events(conditions, found, self.tenant_id) if by_events else by_event(conditions, found)
            return Searched.of(wide, found.filter(event_is(conditions)), look)
        if asked.get("status") == Delivery.State.PENDING and not webhook and few is None:
            return Searched.of(wide, found, pending_of(self.tenant_id))
        return Searched.of(wide, found, in_order if few is None else by_window) if asked else wide

    def _served(self, rows: QuerySet[Any], asked: dict[str, Any], webhook: UUID | None) -> QuerySet[Any]:
        """Apply one of the filters by its index and take it from ``asked``; none of them: the same rows."""
        status = asked.get("status")
        if status in Delivery.INDEXED_STATES:
            return rows.filter(state=asked.pop("status"))
        if asked.get("response_status", 0) >= FAILURE and self.tenant_id and not webhook:
            return rows.filter(response_status=asked.pop("response_status"))
        if asked.get("trigger", Trigger.EVENT) != Trigger.EVENT and self.tenant_id and not webhook:
            return rows.exclude(trigger=Trigger.EVENT)
        if status not in (Delivery.State.PENDING, Delivery.State.SENDING):
            return rows
        if self.tenant_id or webhook:
            oldest = waiting.oldest(self.tenant_id, webhook)
            rows = rows.none() if oldest is None else rows.filter(id__gte=oldest)
        return rows.filter(state=asked.pop("status")) if status == Delivery.State.SENDING or webhook else rows


class DeadLetterFilters(_OfEvents):
    status = ChoiceFilter(DeadLetter.Resolution.values, "resolution", "Only dead letters in this state.")
    event_type = EventTypeFilter(field_name="event_type", help_text="Only of events of this type, exactly.")
    webhook = webhook()
    response_status = response_status()
    correlation_id = correlation("dead letters of events")
    search = search("dead letters of events")
    searched = frozenset({"event_type", "response_status", "correlation_id", "search"})

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Those of a few events are found through their deliveries, by which dead letters are unique."""
        few = self.events(asked)
        if few is not None:
            deliveries = _of(Delivery.objects.for_tenant(self.tenant_id), few).values_list("id", flat=True)[:_BURIED]
            rows = rows.filter(delivery_id__in=list(deliveries))
        conditions = _conditions({"correlation_id": asked.pop("correlation_id")} if "correlation_id" in asked else {})
        found = rows.filter(**asked)
        if conditions:
            return Searched.of(rows, found.filter(event_is(conditions)), by_event(conditions, found))
        return Searched.of(rows, found, in_order if few is None else by_window) if asked else rows


def _conditions(asked: dict[str, Any]) -> dict[str, str]:
    """What is asked of the event: column -> value."""
    columns = {"event_type": "type", "correlation_id": "correlation_id"}
    return {columns[name]: value for name, value in asked.items() if name in columns}


def _of(rows: QuerySet[Any], events: Sequence[UUID]) -> QuerySet[Any]:
    """The deliveries of these events; none is older than its event."""
    if not events:
        return rows.none()
    return rows.filter(event_id__in=events, id__gte=ids.floor(ids.created_at(min(events))))
