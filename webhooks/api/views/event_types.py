"""``/api/event-types``: what is published, in which versions, with which schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api import bodies, problems
from webhooks.api.authentication import caller
from webhooks.api.filters import Period
from webhooks.api.rendering import reply
from webhooks.api.serializers.event_types import (
    EventTypeSerializer,
    EventTypeVersionSerializer,
    ImportReportSerializer,
    ImportSerializer,
    NewEventTypeSerializer,
)
from webhooks.api.views.base import ApiView, ListView
from webhooks.core import jsonvalues, patterns
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import EventType, EventTypeVersion
from webhooks.services import event_type_fields, event_type_import, event_types
from webhooks.services.endpoint_auth import Refused

MAX_BYTES = 1_048_576  # of a type with some versions of 64 KiB of schema and 64 KiB of example each
MAX_DOCUMENT = 2_097_152  # bytes of an OpenAPI document: 200 webhooks with 10 KiB each
# Fields of answers that PUT may repeat.
_READ_ONLY = ("tenant_id", "created_at")
_READ_ONLY_OF_VERSION = ("warned", "last_warned_at", "created_at")


class EventTypeView(ApiView):
    """A tenant sees its own types and those of everybody; it changes its own. Without a tenant a platform key changes
    those of everybody."""

    tag = "Event types"
    queryset = EventType.objects.prefetch_related("versions")
    serializer_class: Any = EventTypeSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "webhooks:read", "POST": "events:write"}

    def get_queryset(self) -> QuerySet[Any]:
        """Like that of all views, and everybody's types."""
        rows = self.queryset.all()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        tenant_id = caller(self.request).tenant_id
        return rows if tenant_id is None else rows.filter(Q(tenant_id=tenant_id) | Q(tenant_id=None))

    def find_type(self, name: str) -> EventType:
        """The type of this name that the caller sees; 404."""
        try:
            patterns.check_event_type(name)
        except patterns.InvalidPattern:
            raise problems.not_found() from None
        found = event_types.find(caller(self.request).tenant_id, name)
        if found is None:
            raise problems.not_found()
        return found

    def find_own(self, name: str) -> EventType:
        """The same to be changed; 403 for a tenant and a type of everybody's."""
        found = self.find_type(name)
        if found.tenant_id != caller(self.request).tenant_id:
            raise problems.Problem(
                403,
                "forbidden",
                "The type belongs to all tenants; a platform key that names no tenant changes it.",
            )
        return found

    def answer(self, pk: Any, status: int = 200) -> HttpResponse:
        """The type as it is now."""
        row = self.queryset.get(pk=pk)
        headers = {"Location": f"/api/event-types/{row.name}"} if status == 201 else None
        return reply(self.show([row])[0], status, headers)


class EventTypes(EventTypeView, ListView):
    filterset_class = Period

    @extend_schema(operation_id="list_event_types", summary="List event types")
    def get(self, request: Request) -> HttpResponse:
        """The tenant's own and those of all tenants."""
        return self.list(request)

    @extend_schema(
        operation_id="create_event_type",
        summary="Register an event type",
        request=NewEventTypeSerializer,
        responses={201: EventTypeSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """With its first version. A platform key that names no tenant registers it for all of them."""
        tenant_id = caller(request).tenant_id
        return self.answer(event_types.create(tenant_id, _read(request)), 201)


class OneEventType(EventTypeView):
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "webhooks:read", "PUT": "events:write", "DELETE": "events:write",
    }  # fmt: skip

    @extend_schema(operation_id="get_event_type", summary="Show an event type")
    def get(self, request: Request, id: str) -> HttpResponse:
        """By name. Where a tenant has one of its own, it hides the one of all tenants."""
        return self.answer(self.find_type(id).pk)

    @extend_schema(operation_id="replace_event_type", summary="Change an event type")
    def put(self, request: Request, id: str) -> HttpResponse:
        """`description` and the deprecation are replaced. Of `versions`, those that are named are changed or added,
        with what is given of them; the others stay. A breaking change of a schema is refused."""
        event_type = self.find_own(id)
        event_types.replace(event_type.pk, _without_echo(_read(request)))
        return self.answer(event_type.pk)

    @extend_schema(operation_id="delete_event_type", summary="Delete an event type", responses={204: None})
    def delete(self, request: Request, id: str) -> HttpResponse:
        """With its versions. Events and webhooks stay; nothing is checked by its schemas any more."""
        event_types.delete(self.find_own(id).pk)
        return HttpResponse(status=204)


class EventTypeVersions(EventTypeView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write"}

    @extend_schema(
        operation_id="add_event_type_version",
        summary="Add a version to an event type",
        request=EventTypeVersionSerializer,
        responses={201: EventTypeVersionSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """Events without a version keep getting the one that the type names. 409: there is a version of this name."""
        event_type = self.find_own(id)
        version_id = event_types.add_version(event_type.pk, _read(request))
        shown = self.show([EventTypeVersion.objects.get(pk=version_id)], EventTypeVersionSerializer)[0]
        return reply(shown, 201, {"Location": f"/api/event-types/{event_type.name}"})


class ImportEventTypes(EventTypeView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write"}

    @extend_schema(
        operation_id="import_event_types",
        summary="Import event types from an OpenAPI document",
        request=ImportSerializer,
        responses={200: ImportReportSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Each webhook by itself: what is refused keeps no other out. `dry_run` first shows what would happen."""
        body = _read(request, MAX_DOCUMENT)
        bodies.only(body, ("document", "version", "enforcement", "dry_run"))
        if "document" not in body:
            raise InvalidInput(FieldError("/document", "is required"))
        options: dict[str, Any] = {"dry_run": body.get("dry_run", False)}
        if not isinstance(options["dry_run"], bool):
            raise InvalidInput(FieldError("/dry_run", "takes true or false"))
        for name, check in (
            ("version", event_type_fields.version_name),
            ("enforcement", event_type_fields.enforcement),
        ):
            if name in body:
                options[name] = _checked(name, check, body[name])
        report = event_type_import.import_document(caller(request).tenant_id, body["document"], **options)
        refused = [
            {"name": name, "errors": [fault.as_dict() for fault in faults]} for name, faults in report.refused.items()
        ]
        words = {name: getattr(report, name) for name in ("created", "updated", "unchanged")}
        return reply({"dry_run": options["dry_run"], **words, "refused": refused})


def _checked(name: str, check: Any, value: Any) -> Any:
    try:
        return check(value)
    except Refused as refused:
        raise InvalidInput([FieldError(f"/{name}{at}", detail) for at, detail in refused.faults]) from None


def _read(request: Request, limit: int = MAX_BYTES) -> dict[str, Any]:
    """The body with its numbers exactly as they are written."""
    raw = bodies.read(request._request, limit)
    bodies.parse_object(raw)
    try:
        body: dict[str, Any] = jsonvalues.read(raw)
    except jsonvalues.Unreadable as error:
        raise InvalidInput(FieldError("", str(error))) from None
    return body


def _without_echo(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what only repeats the answer of GET, so that an answer can be edited and sent back."""
    kept = _without(body, _READ_ONLY)
    if isinstance(versions := kept.get("versions"), list):
        kept["versions"] = [
            _without(item, _READ_ONLY_OF_VERSION) if isinstance(item, dict) else item for item in versions
        ]
    return kept


def _without(body: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
