"""What all resources share: tenant scoping, look-ups by public id, lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from webhooks.api import problems
from webhooks.api.authentication import ApiKeyAuthentication, caller
from webhooks.api.pagination import CursorPagination
from webhooks.api.permissions import HasScope
from webhooks.api.rendering import JSONParser, JSONRenderer
from webhooks.api.versioning import AcceptVersioning, Negotiation
from webhooks.core import ids
from webhooks.models import Event
from webhooks.services import actors

# Seconds a list may search: a filter that matches next to nothing must not occupy the database.
LIST_TIMEOUT = 5.0


class ApiView(GenericAPIView[Any]):
    """A resource. ``required_scopes``: method -> scope; every method must be there.

    The conventions are set here and not in ``REST_FRAMEWORK``, so that they hold inside another project too.
    """

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasScope,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)
    content_negotiation_class = Negotiation
    versioning_class = AcceptVersioning
    throttle_classes = ()
    required_scopes: ClassVar[dict[str, str]] = {}
    tag: ClassVar[str] = ""
    # The column that holds the tenant; every query of every view is limited by it.
    tenant_column: ClassVar[str] = "tenant_id"
    pagination_class: Any = None
    filter_backends: Any = ()
    http_method_names = ("get", "head", "post", "put", "patch", "delete")  # no OPTIONS: it would describe the view

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What the request changes is its caller's, and nobody's who comes after it in this thread."""
        with actors.acting_as(actors.of_call(request)):
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Any:
        """Every refusal is a problem document."""
        return problems.exception_handler

    def get_queryset(self) -> QuerySet[Any]:
        """The rows the caller may see. Attack: an id, a filter or a cursor that names rows of another tenant."""
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        tenant_id = caller(self.request).tenant_id
        return rows if tenant_id is None else rows.filter(**{self.tenant_column: tenant_id})

    def find(self, prefix: str, text: str) -> Any:
        """The row with this public id, or 404: unknown, malformed and another tenant's look the same."""
        key = ids.parse(prefix, text)
        row = None if key is None else self.get_queryset().filter(pk=key).first()
        if row is None:
            raise problems.not_found()
        return row

    def context(self, rows: Sequence[Any]) -> dict[str, Any]:
        """What the serializer needs to know of all rows at once."""
        return {}

    def show(self, rows: Sequence[Any], serializer: type[BaseSerializer[Any]] | None = None, **more: Any) -> list[Any]:
        """The rows as answers show them."""
        chosen = serializer or self.get_serializer_class()
        return list(chosen(rows, many=True, context=self.context(rows) | more).data)


class ListView(ApiView):
    """``GET`` of a collection: filters, cursor pages, newest first."""

    lists: ClassVar[bool] = True
    pagination_class = CursorPagination
    filter_backends = (DjangoFilterBackend,)

    def list(self, request: Request) -> HttpResponse:
        """The page that the query string asks for."""
        _check_parameters(request, self)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(LIST_TIMEOUT * 1000))])
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.paginator.get_paginated_response(self.show(page or []))  # type: ignore[union-attr]


def events_of(rows: Iterable[Any]) -> dict[UUID, Event]:
    """The events that rows with an ``event_id`` belong to, without their data; expired ones are missing.

    A query of its own instead of a join: an inner join would hide rows whose event has expired. The bounds
    keep it to the partitions of those days.
    """
    wanted = {row.event_id for row in rows}
    if not wanted:
        return {}
    found = Event.objects.filter(id__in=wanted, id__gte=min(wanted), id__lte=max(wanted))
    return {event.id: event for event in found.only("id", "key", "type")}


def _check_parameters(request: Request, view: ListView) -> None:
    """Attack on trust rather than safety: a mistyped filter that is ignored shows everything as if it matched."""
    filters = getattr(view, "filterset_class", None)
    known = [*(filters.base_filters if filters else ()), *CursorPagination.parameters]
    faults = []
    for name, values in request.query_params.lists():
        if name not in known:
            faults.append((name, f"is not a known parameter; known: {', '.join(known)}"))
        elif len(values) > 1:
            faults.append((name, "is there twice"))
        elif not values[0]:
            faults.append((name, "is empty"))
    if faults:
        raise problems.bad_parameters(faults)
