"""``/api/events/{id}/routing``: why a webhook got an event, or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from webhooks.api.filters import RoutingFilters
from webhooks.api.pagination import CursorPagination
from webhooks.api.rendering import reply
from webhooks.api.serializers.routing import ABOUT_EVENT, RoutedSerializer, about_event
from webhooks.api.views.base import ListView
from webhooks.api.views.events import EventView
from webhooks.models import Endpoint
from webhooks.services import routing


class RoutingPagination(CursorPagination):
    """Pages of verdicts, each with the event they are about."""

    def paginate_queryset(  # type: ignore[override]  # as its base class
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        self.event = view.event
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> HttpResponse:  # type: ignore[override]
        return reply({**about_event(self.event), **self.page(data)})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        shown = super().get_paginated_response_schema(schema)
        return {
            **shown,
            "required": [*ABOUT_EVENT, *shown["required"]],
            "properties": {**ABOUT_EVENT, **shown["properties"]},
        }


class EventRouting(ListView):
    """Every webhook of the event's tenant, those that were deleted included."""

    tag = "Events"
    queryset = (
        Endpoint.objects.filter(purpose=Endpoint.Purpose.WEBHOOK)
        .defer("headers", "auth")
        .prefetch_related("subscriptions")
    )
    serializer_class: Any = RoutedSerializer
    filterset_class = RoutingFilters
    pagination_class = RoutingPagination
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def filter_queryset(self, queryset: Any) -> Any:
        return super().filter_queryset(queryset).filter(tenant_id=self.event.tenant_id)

    def show(self, rows: Sequence[Any], serializer: type[BaseSerializer[Any]] | None = None, **more: Any) -> list[Any]:
        return super().show(routing.explain(self.event, rows), serializer, **more)

    @extend_schema(operation_id="explain_event_routing", summary="Explain the routing of an event")
    def get(self, request: Request, id: str) -> HttpResponse:
        """For each webhook, newest first: whether it got the event, or why not. Those that no page names do not
        exist. The answer tells by what was decided then; where a webhook was changed since, it says so."""
        self.event = EventView(request=request).find_event(id)
        return self.list(request)
