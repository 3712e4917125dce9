"""``/api/received``: messages that sources sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies
from webhooks.api.filters import ReceivedFilters
from webhooks.api.rendering import reply
from webhooks.api.serializers.received import (
    ReceivedDetailSerializer,
    ReceivedSerializer,
    ReplayReceivedSerializer,
)
from webhooks.api.views.base import ApiView, ListView, events_of
from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import ReceivedMessage
from webhooks.services import processing
from webhooks.services.processor_runs import runs_of


class ReceivedView(ApiView):
    """What the resources of received messages share."""

    tag = "Received messages"
    queryset = ReceivedMessage.objects.all()
    serializer_class: Any = ReceivedSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "sources:read"}

    def context(self, rows: Sequence[ReceivedMessage]) -> dict[str, Any]:
        return {"events": events_of([row for row in rows if row.event_id])}

    def answer(self, row: ReceivedMessage, status: int = 200) -> HttpResponse:
        """The message with its content and its runs."""
        runs = list(runs_of(row.id).order_by("created_at", "processor"))
        return reply(self.show([row], ReceivedDetailSerializer, runs=runs)[0], status)


class Received(ReceivedView, ListView):
    queryset = ReceivedMessage.objects.defer("body", "headers", "answer")
    filterset_class = ReceivedFilters

    @extend_schema(operation_id="list_received", summary="List received messages")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)


class OneReceived(ReceivedView):
    serializer_class = ReceivedDetailSerializer

    @extend_schema(operation_id="get_received", summary="Show a received message with its runs")
    def get(self, request: Request, id: str) -> HttpResponse:
        return self.answer(self.find(ids.RECEIVED, id))


class ReplayReceived(ReceivedView):
    serializer_class = ReceivedDetailSerializer
    required_scopes: ClassVar[dict[str, str]] = {"POST": "sources:write"}

    @extend_schema(
        operation_id="replay_received",
        summary="Process a received message again",
        request=ReplayReceivedSerializer,
        responses={202: ReceivedDetailSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """Each processor runs again under the same `run_id`, also one that was not there when the message came. A
        message that has become an event makes no second one; replay that event. 409 for a message that is still to be
        processed, was rejected or refused, and for a processor that is running with it."""
        row = self.find(ids.RECEIVED, id)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("processor",))
        processor = body.get("processor")
        if processor is not None and not isinstance(processor, str):
            raise InvalidInput(FieldError("/processor", "takes the name of a processor"))
        doorbells.ring_runs(processing.replay(row.id, processor))
        return self.answer(self.get_queryset().get(pk=row.pk), 202)
