"""Why an endpoint got an event, or why not: the trace that the fan-out left, in words.

Deliveries say who got it, ``Event.routing`` says whom a filter, channel or version kept from it, and everybody else
did not want its type then. What has changed since is said as well, because what can be read now is not what was
decided by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from webhooks.core import filters, ids, patterns
from webhooks.models import Delivery, Endpoint, Event, Subscription, Trigger
from webhooks.services.fan_out import document
from webhooks.services.ingest import DEFAULT_VERSION

_REPEATS = 1000  # deliveries of the event that are looked at for replays, newest first


class Reason(StrEnum):
    """Why an endpoint did not get an event, or not yet. Never renamed."""

    NOT_ROUTED = "not_routed"
    TYPE = "type"
    FILTER = "filter"
    CHANNEL = "channel"
    VERSION = "version"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"
    CREATED_LATER = "created_later"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of one event at one endpoint.

    ``matched``: the routing made a delivery; None while it is not routed. ``reason``: None when nothing is in the way.
    ``delivery``: the one of the routing, else the newest replay. ``condition``: what of the filter did not hold.
    """

    endpoint: Endpoint
    matched: bool | None
    reason: Reason | None = None
    detail: str = ""
    delivery: Delivery | None = None
    condition: filters.Unmet | None = None


def explain(event: Event, endpoints: Sequence[Endpoint]) -> list[Routed]:
    """The verdict on each of the endpoints, which have the event's tenant. Three statements at most."""
    if event.fanned_out_at is None:
        detail = "The event is durable and waits for its routing, which takes less than a second as a rule."
        return [Routed(endpoint, None, Reason.NOT_ROUTED, detail) for endpoint in endpoints]
    case = _Case(event, event.fanned_out_at)
    found = _deliveries(event, endpoints)
    return [case.verdict(endpoint, found.get(endpoint.id)) for endpoint in endpoints]


def _deliveries(event: Event, endpoints: Sequence[Endpoint]) -> dict[UUID, Delivery]:
    """Of each endpoint that has one: the delivery by the routing, else the newest one. None is older than its event."""
    if not endpoints:
        return {}
    keys = {ids.delivery_id(event.id, endpoint.id) for endpoint in endpoints}
    rows = Delivery.objects.for_tenant(event.tenant_id).filter(event_id=event.id, id__gte=_millisecond(event.id))
    repeats = rows.filter(endpoint_id__in=[endpoint.id for endpoint in endpoints]).exclude(trigger=Trigger.EVENT)
    found: dict[UUID, Delivery] = {}
    for delivery in repeats.order_by("-id")[:_REPEATS]:
        found.setdefault(delivery.endpoint_id, delivery)
    routed = rows.filter(id__in=keys, id__lte=max(keys))
    return found | {delivery.endpoint_id: delivery for delivery in routed}


def _millisecond(key: UUID) -> UUID:
    return ids.floor(ids.created_at(key))


class _Case:
    """One routed event."""

    def __init__(self, event: Event, routed_at: datetime) -> None:
        self.event, self.routed_at = event, routed_at
        self.refusals = {row["webhook"]: row["reason"] for row in event.routing}
        catch_all = event.origin != Event.Origin.OPERATIONAL
        self.fitting = set(patterns.candidates(event.type, catch_all=catch_all))

    def verdict(self, endpoint: Endpoint, delivery: Delivery | None) -> Routed:
        if delivery is not None and delivery.trigger in (Trigger.EVENT, Trigger.TEST):
            return self._matched(endpoint, delivery)
        reason, detail, condition = self._refusal(endpoint)
        if delivery is not None:
            detail += " It got the event later, by a replay."
        return Routed(endpoint, False, reason, detail, delivery, condition)

    def _matched(self, endpoint: Endpoint, delivery: Delivery) -> Routed:
        reason = None
        if delivery.state == Delivery.State.HELD:
            reason = Reason.PAUSED if endpoint.state == Endpoint.State.PAUSED else Reason.DISABLED
        return Routed(endpoint, True, reason, delivery.reason, delivery)

    def _refusal(self, endpoint: Endpoint) -> tuple[Reason, str, filters.Unmet | None]:
        if self.event.origin == Event.Origin.TEST:
            return Reason.TEST, "A test event goes to the one webhook it was made for.", None
        refusal = self.refusals.get(ids.show(ids.WEBHOOK, endpoint.id))
        if refusal == Reason.FILTER:
            return self._filtered(endpoint)
        if refusal == Reason.CHANNEL:
            return Reason.CHANNEL, self._channels(endpoint), None
        if refusal == Reason.VERSION:
            return Reason.VERSION, self._versions(endpoint), None
        if endpoint.created_at > self.routed_at:
            return Reason.CREATED_LATER, "The webhook was made after the event; a replay can bring it.", None
        if endpoint.deleted_at is not None and endpoint.deleted_at <= self.routed_at:
            return Reason.DELETED, "The webhook had been deleted.", None
        return Reason.TYPE, self._types(endpoint), None

    def _types(self, endpoint: Endpoint) -> str:
        if self._subscriptions(endpoint):
            return f"It did not want events of the type {self.event.type} then; its event_types were changed since."
        if self.event.origin == Event.Origin.OPERATIONAL and any(
            one.pattern == "*" for one in endpoint.subscriptions.all()
        ):
            return f"* does not stand for operational events; {self.event.type} has to be named."
        return f"None of its event_types is {self.event.type} or a pattern that includes it."

    def _filtered(self, endpoint: Endpoint) -> tuple[Reason, str, filters.Unmet | None]:
        for one in self._subscriptions(endpoint):
            if one.filter is not None and (found := self._unmet(one.filter)):
                where = f"{found.operator} of {found.path}" if found.path else found.operator
                return Reason.FILTER, f"The first condition of its filter that does not hold: {where}.", found
        return Reason.FILTER, "Its filter refused the event; the webhook was changed since.", None

    def _unmet(self, condition: dict[str, Any]) -> filters.Unmet | None:
        return filters.unmet(condition, self._document) if self._document is not None else None

    @cached_property
    def _document(self) -> dict[str, Any] | None:
        try:
            return document(self.event)
        except (ValueError, RecursionError):
            return None  # no JSON, see fan_out: no filter fits it

    def _channels(self, endpoint: Endpoint) -> str:
        wanted = sorted({channel for one in self._subscriptions(endpoint) for channel in one.channels})
        published = ", ".join(self.event.channels) or "none"
        if not wanted or set(wanted) & set(self.event.channels):
            return f"It wanted other channels than those of the event ({published}); it was changed since."
        return f"It wants events in {', '.join(wanted)}; the event's channels: {published}."

    def _versions(self, endpoint: Endpoint) -> str:
        published = self.event.version or DEFAULT_VERSION
        if not endpoint.version or endpoint.version == published:
            return f"It was pinned to another version than {published}; that was changed since."
        return f"It is pinned to {endpoint.version}; the event is {published} and cannot be had in that version."

    def _subscriptions(self, endpoint: Endpoint) -> list[Subscription]:
        return [one for one in endpoint.subscriptions.all() if one.pattern in self.fitting]
