"""``/api/operations`` and what is short for one of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies, problems
from webhooks.api.authentication import caller
from webhooks.api.filters import OperationFilters
from webhooks.api.rendering import reply
from webhooks.api.schema_answers import LOCATION
from webhooks.api.serializers.operations import (
    NewOperationSerializer,
    OperationSerializer,
    OrderedSerializer,
    ReplayedEventSerializer,
    ReplayEventSerializer,
    ReplayWebhookSerializer,
)
from webhooks.api.views.base import ApiView, ListView
from webhooks.api.views.events import EventView
from webhooks.api.views.webhooks import WebhookView
from webhooks.conf import conf
from webhooks.core import ids, purged
from webhooks.errors import Conflict, FieldError, InvalidInput
from webhooks.models import Operation
from webhooks.services import deliveries
from webhooks.services.operations import creating, fields, files
from webhooks.services.operations.creating import Created

_CALLBACK = ("callback_url", "callback_secret")


class OperationView(ApiView):
    """What the resources of operations share."""

    tag = "Operations"
    queryset = Operation.objects.select_related("callback").defer("input", "cursor")
    serializer_class: Any = OperationSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "operations", "POST": "operations"}


class Operations(OperationView, ListView):
    filterset_class = OperationFilters

    @extend_schema(operation_id="list_operations", summary="List operations")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)

    @extend_schema(
        operation_id="create_operation",
        summary="Order an operation",
        request=NewOperationSerializer,
        parameters=[LOCATION],
        responses={202: OrderedSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """The answer does not wait for the work: look at `Location`, or have its end told to `callback_url`."""
        tenant_id = caller(request).tenant()
        body = bodies.read_object(request._request)
        bodies.only(body, ("type", "params", *_CALLBACK))
        if "type" not in body:
            raise InvalidInput(FieldError("/type", "is required"))
        return ordered(creating.create(tenant_id, body["type"], body.get("params"), **callback_of(body)))


class ImportEvents(OperationView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}
    once_in_transaction = False  # the file goes into the storage first, which may be far away
    media_types = bodies.NDJSON

    @extend_schema(
        operation_id="import_events",
        summary="Import a file of events",
        request={bodies.NDJSON[0]: OpenApiTypes.STR},
        parameters=[
            LOCATION,
            OpenApiParameter(
                "callback_url",
                {"type": "string", "format": "uri", "maxLength": 2048, "examples": ["https://app.example.com/done"]},
                description="Where its end is told; its secret is in the answer.",
            ),
        ],
        responses={202: OrderedSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """The body is NDJSON: on each line an event as `POST /api/events` takes it, gzip if you like. At most 32 MiB.
        Orders an operation of type `import`; what is wrong with which line is in its result."""
        tenant_id = caller(request).tenant()
        if unknown := [name for name in request.query_params if name != "callback_url"]:
            raise problems.bad_parameters([(name, "is not a known parameter; known: callback_url") for name in unknown])
        raw = bodies.content(request._request, self.body_limit(), self.media_types)
        try:
            created = creating.upload(tenant_id, raw, callback_url=request.query_params.get("callback_url"))
        except InvalidInput as error:
            if error.errors[0].pointer != "/callback_url":
                raise
            raise problems.bad_parameter("callback_url", error.errors[0].detail) from None
        return ordered(created)

    def body_limit(self) -> int:
        return conf.MAX_IMPORT_BYTES


class OperationResult(OperationView):
    """For whoever has the link, which nobody can guess; so no key."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    required_scopes: ClassVar[dict[str, str]] = {}
    queryset = Operation.objects.defer("input", "cursor")

    def get_queryset(self) -> Any:
        """The link is the right to one row, whosever it is."""
        return self.queryset.all()

    @extend_schema(
        operation_id="download_result",
        summary="Download the result of an export",
        auth=[],
        parameters=[
            OpenApiParameter(
                "token",
                {"type": "string", "maxLength": 200, "examples": ["1vCq3K:5f0c"]},
                required=True,
                description="As in `result_url`.",
            )
        ],
        responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY, (200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, id: str) -> HttpResponseBase:
        """By the `result_url` of the operation; no key is needed. 404 when the link or the file has had its time."""
        key = ids.parse(ids.OPERATION, id)
        if key is None or not files.opens(key, request.query_params.get("token", "")):
            raise problems.not_found()
        operation: Operation = self.find(ids.OPERATION, id)
        if not files.has_result(operation):
            raise problems.not_found()
        name, media_type = files.result_name(operation)
        response = StreamingHttpResponse(files.pieces(operation.files), content_type=media_type)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        return response


class OneOperation(OperationView):
    @extend_schema(operation_id="get_operation", summary="Show an operation")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.OPERATION, id)])[0])


class CancelOperation(OperationView):
    @extend_schema(
        operation_id="cancel_operation",
        summary="Cancel an operation",
        request=None,
        responses={202: OperationSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """It ends before its next step. What was done stays done. 409 when it has ended already."""
        operation = self.find(ids.OPERATION, id)
        bodies.only(bodies.read_optional_object(request._request), ())
        if not creating.cancel(operation.id):
            operation.refresh_from_db()
            if operation.status != Operation.Status.CANCELLED:
                raise Conflict(f"The operation is {operation.status}; it cannot be cancelled.")
        doorbells.ring_operate([operation.id])
        return reply(self.show([self.get_queryset().get(pk=operation.pk)])[0], 202)


class ReplayWebhook(WebhookView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(
        operation_id="replay_webhook",
        summary="Replay a webhook's deliveries",
        request=ReplayWebhookSerializer,
        parameters=[LOCATION],
        responses={202: OrderedSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """Orders an operation of type `replay` for this webhook alone. Without a body: its dead letters."""
        endpoint = self.find(ids.WEBHOOK, id, without=("headers", "auth", "destination"))
        body = bodies.read_optional_object(request._request)
        callback = callback_of(body)
        params = {name: value for name, value in body.items() if name not in _CALLBACK}
        if "webhooks" in params:
            raise InvalidInput(FieldError("/webhooks", "is said by the path already; leave it out"))
        params["webhooks"] = [endpoint.public_id]
        return ordered(creating.create(endpoint.tenant_id, "replay", params, params_at="", **callback))


class ReplayEvent(EventView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(
        operation_id="replay_event",
        summary="Deliver an event again",
        request=ReplayEventSerializer,
        responses={202: ReplayedEventSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """New deliveries, made at once: to the named webhooks, or to all that have had one of this event. 409 when
        there is none to deliver to, and when the event's data was purged."""
        event = self.find_event(id)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("webhooks",))
        try:
            named = fields.webhooks_of(event.tenant_id)(body.get("webhooks"))
        except fields.Fault as fault:
            raise InvalidInput([FieldError(f"/webhooks{at}", detail) for at, detail in fault.faults]) from None
        if purged.is_purged(event.data):
            raise Conflict("The event's data was purged; it cannot be delivered any more.")
        chosen = None if named is None else [key for name in named if (key := ids.parse(ids.WEBHOOK, name))]
        made, bells = deliveries.replay_events([event.id], chosen)
        if not made:
            raise Conflict("No webhook has had a delivery of this event; name the webhooks that are to get it.")
        doorbells.ring(bells)
        return reply({"deliveries": [ids.show(ids.DELIVERY, key) for key in made]}, 202)


def callback_of(body: dict[str, Any]) -> dict[str, Any]:
    """The two members that every order may have."""
    return {name: body.get(name) for name in _CALLBACK}


def ordered(created: Created) -> HttpResponse:
    """202 with the id, and a secret that was made; rings for the first step."""
    doorbells.ring_operate([created.id])
    shown = ids.show(ids.OPERATION, created.id)
    answer = {"operation_id": shown, "status": Operation.Status.PENDING.value}
    if created.callback_secret:
        answer["callback_secret"] = created.callback_secret
    return reply(answer, 202, {"Location": f"/api/operations/{shown}"})
