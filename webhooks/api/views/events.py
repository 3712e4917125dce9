"""``/api/events``."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api import problems
from webhooks.api.authentication import caller
from webhooks.api.delivery_filters import DeliveryFilters
from webhooks.api.filters import EventFilters
from webhooks.api.rendering import reply
from webhooks.api.schema_answers import LOCATION
from webhooks.api.serializers.events import (
    BatchResultSerializer,
    EventDetailSerializer,
    EventSerializer,
    NewBatchSerializer,
    NewEventSerializer,
    PublishedSerializer,
)
from webhooks.api.views import publish
from webhooks.api.views.base import ApiView, ListView
from webhooks.api.views.deliveries import DeliveryView
from webhooks.core import ids
from webhooks.models import Event, EventKey

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")


class EventView(ApiView):
    """What the resources of events share."""

    tag = "Events"
    queryset = Event.objects.all()
    serializer_class: Any = EventSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def find_event(self, text: str) -> Event:
        """The event with Clarion's id or the publisher's own one. Own ids are unique within a tenant only."""
        tenant_id = caller(self.request).tenant_id
        key = ids.parse(ids.EVENT, text)
        if tenant_id is not None and _KEY.match(text):
            own = EventKey.objects.for_tenant(tenant_id).filter(key=text).values_list("event_id", flat=True)
            key = own.first() or key
        event: Event | None = self.get_queryset().filter(pk=key).first() if key else None
        if event is None:
            if tenant_id is None and key is None:
                caller(self.request).tenant()
            raise problems.not_found()
        return event


class Events(EventView, ListView):
    queryset = Event.objects.defer("data")
    filterset_class = EventFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read", "POST": "events:write"}

    @extend_schema(operation_id="list_events", summary="List events")
    def get(self, request: Request) -> HttpResponse:
        """Without their data: that is part of the single event."""
        return self.list(request)

    @extend_schema(
        operation_id="publish_event",
        summary="Publish an event",
        request=NewEventSerializer,
        parameters=[LOCATION],
        responses={202: PublishedSerializer, 200: PublishedSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """202: the event is durable and will be delivered. The same `id` with the same content again: 200 with
        `duplicate: true`; with other content: 409."""
        return publish.publish_one(request)


class EventBatch(ApiView):
    tag = "Events"
    queryset = Event.objects.all()
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write"}

    @extend_schema(
        operation_id="publish_events",
        summary="Publish several events",
        request=NewBatchSerializer,
        responses={202: BatchResultSerializer, 207: BatchResultSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Up to 1000 events. 202: all accepted; 207: some; 422: none. The accepted ones are stored together."""
        return publish.publish_batch(request)


class OneEvent(EventView):
    serializer_class = EventDetailSerializer

    @extend_schema(operation_id="get_event", summary="Show an event")
    def get(self, request: Request, id: str) -> HttpResponse:
        """By Clarion's id or by the publisher's own one (a platform key has to name the tenant for that)."""
        return reply(self.show([self.find_event(id)])[0])


class EventDeliveries(DeliveryView, ListView):
    """The deliveries of one event."""

    tag = "Events"
    filterset_class = DeliveryFilters

    def filter_queryset(self, queryset: Any) -> Any:
        # No delivery is older than its event: that spares older partitions.
        first = ids.floor(ids.created_at(self.event.id))
        return super().filter_queryset(queryset).filter(event_id=self.event.id, id__gte=first)

    @extend_schema(operation_id="list_event_deliveries", summary="List deliveries of an event")
    def get(self, request: Request, id: str) -> HttpResponse:
        self.event = EventView(request=request).find_event(id)
        return self.list(request)
