"""``/api/sources``: who sends webhooks to us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api import bodies
from webhooks.api.authentication import caller
from webhooks.api.filters import SourceFilters
from webhooks.api.rendering import reply
from webhooks.api.serializers.sources import (
    CreatedSourceSerializer,
    RotateSourceSecretSerializer,
    SourceSecretSerializer,
    SourceSerializer,
)
from webhooks.api.views.base import ApiView, ListView
from webhooks.core import ids
from webhooks.guards import receive_rate
from webhooks.models import Source
from webhooks.services import source_fields, sources


class SourceView(ApiView):
    """What the resources of one source share."""

    tag = "Sources"
    queryset = Source.objects.existing()
    serializer_class: Any = SourceSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "sources:read", "POST": "sources:write"}

    def context(self, rows: Sequence[Source]) -> dict[str, Any]:
        return {"refused": receive_rate.refused_lately([row.pk for row in rows])}

    def answer(self, pk: Any, secret: str = "") -> dict[str, Any]:
        """The source as it is now; with its secret when Clarion has just made one."""
        row = self.get_queryset().get(pk=pk)
        shown: dict[str, Any] = (
            self.show([row], CreatedSourceSerializer, secret=secret)[0] if secret else self.show([row])[0]
        )
        return shown


class Sources(SourceView, ListView):
    filterset_class = SourceFilters

    @extend_schema(operation_id="list_sources", summary="List sources")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)

    @extend_schema(
        operation_id="create_source",
        summary="Create a source",
        request=SourceSerializer,
        responses={201: CreatedSourceSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """`name` and `provider` are required. Put `url` in at the provider's, and `secret` where it was made here."""
        created = sources.create(caller(request).tenant(), bodies.read_object(request._request))
        row = self.get_queryset().get(pk=created.id)
        shown = self.show([row], CreatedSourceSerializer, secret=created.secret)[0]
        return reply(shown, 201, {"Location": f"{request.path}/{shown['id']}"})


class OneSource(SourceView):
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "sources:read", "PUT": "sources:write", "PATCH": "sources:write", "DELETE": "sources:write",
    }  # fmt: skip

    @extend_schema(operation_id="get_source", summary="Show a source")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.SOURCE, id)])[0])

    @extend_schema(operation_id="replace_source", summary="Replace a source")
    def put(self, request: Request, id: str) -> HttpResponse:
        """Fields that are absent get their defaults, but `active` and `secrets`: they stay as they are."""
        return self._change(request, id, replace=True)

    @extend_schema(operation_id="update_source", summary="Change fields of a source")
    def patch(self, request: Request, id: str) -> HttpResponse:
        """Fields that are absent stay as they are; a field that is there is replaced as a whole. Another `provider`
        begins with its own defaults, and without the secrets of the old one."""
        return self._change(request, id, replace=False)

    @extend_schema(operation_id="delete_source", summary="Delete a source", responses={204: None})
    def delete(self, request: Request, id: str) -> HttpResponse:
        """Whoever sends to it is answered 404. What it sent stays readable."""
        sources.delete(self.find(ids.SOURCE, id, without=("secrets", "verification", "forward_to")).id)
        return HttpResponse(status=204)

    def _change(self, request: Request, text: str, *, replace: bool) -> HttpResponse:
        source = self.find(ids.SOURCE, text)
        body = _without_echo(bodies.read_object(request._request), self.show([source])[0])
        secret = sources.update(source.tenant_id, source.id, body, replace=replace)
        return reply(self.answer(source.id, secret))


class RotateSourceSecret(SourceView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "sources:write"}

    @extend_schema(
        operation_id="rotate_source_secret",
        summary="Put in a new secret",
        request=RotateSourceSecretSerializer,
        responses=SourceSecretSerializer,
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """During the overlap requests are verified with the old secrets as well, so that the provider can follow."""
        source = self.find(ids.SOURCE, id)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("secret", "overlap_seconds"))
        overlap = body.get("overlap_seconds", sources.DEFAULT_OVERLAP)
        secret = sources.rotate_secret(source.id, body.get("secret"), overlap)
        return reply({"secret": secret, "overlap_seconds": overlap})


def _without_echo(body: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """A body without the read-only fields that only repeat the answer of GET, so an answer can be edited and sent back.

    One with another value is refused later.
    """
    volatile = ("refused_lately", "updated_at")
    return {
        name: value
        for name, value in body.items()
        if name not in source_fields.READ_ONLY or (name not in volatile and value != shown.get(name))
    }
