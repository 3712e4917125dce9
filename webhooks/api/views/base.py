"""What all resources share: tenant scoping, look-ups by public id, lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from webhooks.api import bodies, idempotency, problems
from webhooks.api.authentication import BearerAuthentication, Caller, caller
from webhooks.api.pagination import CursorPagination
from webhooks.api.permissions import HasScope
from webhooks.api.rendering import JSONParser, JSONRenderer
from webhooks.api.versioning import AcceptVersioning, Negotiation
from webhooks.conf import conf
from webhooks.core import ids
from webhooks.guards import api_rate
from webhooks.models.scoping import TenantQuerySet
from webhooks.services import actors, event_names
from webhooks.services.event_names import EventName

# Seconds a list may search: a filter that matches next to nothing must not occupy the database.
LIST_TIMEOUT = 5.0


class ApiView(GenericAPIView[Any]):
    """A resource. ``required_scopes``: method -> scope; every method must be there.

    The conventions are set here and not in ``REST_FRAMEWORK``, so that they hold inside another project too.
    """

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasScope,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)
    content_negotiation_class = Negotiation
    versioning_class = AcceptVersioning
    throttle_classes = ()
    required_scopes: ClassVar[dict[str, str]] = {}
    # A POST with an Idempotency-Key is one transaction with its answer; False for one that waits or goes out.
    once_in_transaction: ClassVar[bool] = True
    media_types: ClassVar[tuple[str, ...]] = bodies.JSON  # of the body of a POST
    quota: api_rate.Quota | None = None
    tag: ClassVar[str] = ""
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

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whoever may do it, does it once for an Idempotency-Key."""
        super().initial(request, *args, **kwargs)
        post = getattr(self, "post", None)
        if post and idempotency.is_keyed(request):
            keyed = idempotency.once(
                post, in_transaction=self.once_in_transaction, limit=self.body_limit(), media_types=self.media_types
            )
            setattr(self, "post", keyed)  # noqa: B010 - not every view has one

    def body_limit(self) -> int:
        """Bytes of the largest body that a POST of this view reads."""
        return conf.MAX_BATCH_BYTES

    def check_throttles(self, request: Request) -> None:
        """Take a request from the caller's quota; 429 when there is none left."""
        if not isinstance(request.auth, Caller):
            return  # a route without a key, such as a consent's: its URL is the secret
        self.quota = api_rate.take(request.auth.credential.key_id)
        if self.quota and self.quota.retry_in:
            detail = f"An API key may send {self.quota.limit} requests in {self.quota.period} seconds."
            raise problems.Problem(429, "too-many-requests", detail, headers={"Retry-After": str(self.quota.retry_in)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell what is left of the quota (draft-ietf-httpapi-ratelimit-headers-10)."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.quota:
            response["RateLimit-Policy"] = f'"default";q={self.quota.limit};w={self.quota.period}'
            rest = self.quota.retry_in or self.quota.whole_in
            response["RateLimit"] = f'"default";r={self.quota.remaining};t={rest}'
        return response

    def get_queryset(self) -> QuerySet[Any]:
        """The rows the caller may see. Every model that a view shows has a :class:`TenantQuerySet`."""
        rows = cast(TenantQuerySet[Any], super().get_queryset())
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return rows.for_tenant(caller(self.request).tenant_id)

    def find(self, prefix: str, text: str, without: Sequence[str] = ()) -> Any:
        """The row with this public id, or 404: unknown, malformed and another tenant's look the same.

        ``without``: columns that are not read.
        """
        key = ids.parse(prefix, text)
        row = None if key is None else self.get_queryset().defer(*without).filter(pk=key).first()
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
        filters = getattr(self, "filterset_class", None)
        check_parameters(request, [*(filters.base_filters if filters else ()), *CursorPagination.parameters])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(LIST_TIMEOUT * 1000))])
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.paginator.get_paginated_response(self.show(page or []))  # type: ignore[union-attr]


def events_of(rows: Iterable[Any]) -> dict[UUID, EventName]:
    """The names of the events that rows with an ``event_id`` belong to; expired ones are missing.

    The rows are the caller's, and an event has the tenant of its deliveries, so these are as well.
    """
    return event_names.names({row.event_id for row in rows})


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Attack on trust rather than safety: a mistyped filter that is ignored shows everything as if it matched."""
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
