"""``/api/webhooks``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Prefetch
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies, problems
from webhooks.api.authentication import caller
from webhooks.api.filters import AttemptFilters, WebhookFilters
from webhooks.api.rendering import reply
from webhooks.api.serializers.deliveries import AttemptSerializer
from webhooks.api.serializers.webhooks import CreatedWebhookSerializer, WebhookSerializer
from webhooks.api.views.base import ApiView, ListView
from webhooks.core import ids
from webhooks.guards import gate
from webhooks.models import Attempt, Endpoint, SigningKey
from webhooks.services import backlog, endpoint_fields, endpoints

_SCOPES = {"GET": "webhooks:read", "POST": "webhooks:write"}


class WebhookView(ApiView):
    """What the resources of one webhook share."""

    tag = "Webhooks"
    queryset = (
        Endpoint.objects.existing()
        .select_related("mailbox", "consent")
        .prefetch_related("subscriptions", Prefetch("signing_keys", SigningKey.objects.in_force()))
    )
    serializer_class: Any = WebhookSerializer
    required_scopes: ClassVar[dict[str, str]] = _SCOPES

    def context(self, rows: Sequence[Endpoint]) -> dict[str, Any]:
        keys = [row.pk for row in rows]
        return {"breakers": gate.breaker_states(keys), "pending": backlog.pending(keys)}

    def answer(self, endpoint: Endpoint) -> HttpResponse:
        """The webhook as it is now."""
        return reply(self.show([self.get_queryset().get(pk=endpoint.pk)])[0])


class Webhooks(WebhookView, ListView):
    filterset_class = WebhookFilters

    @extend_schema(operation_id="list_webhooks", summary="List webhooks")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)

    @extend_schema(operation_id="create_webhook", summary="Create a webhook", responses={201: CreatedWebhookSerializer})
    def post(self, request: Request) -> HttpResponse:
        """`url` (or `webhook_url`) and `event_types` are required. This answer alone shows the secret."""
        tenant_id = caller(request).tenant()
        created = endpoints.create(tenant_id, bodies.read_object(request._request))
        doorbells.ring_validate([created.id])
        endpoint = self.get_queryset().get(pk=created.id)
        shown = self.show([endpoint], CreatedWebhookSerializer, secret=created.secret)[0]
        return reply(shown, 201, {"Location": f"{request.path}/{shown['id']}"})


class Webhook(WebhookView):
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": "webhooks:read", "PUT": "webhooks:write", "PATCH": "webhooks:write", "DELETE": "webhooks:write",
    }  # fmt: skip

    @extend_schema(operation_id="get_webhook", summary="Show a webhook")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.WEBHOOK, id)])[0])

    @extend_schema(operation_id="replace_webhook", summary="Replace a webhook")
    def put(self, request: Request, id: str) -> HttpResponse:
        """Fields that are absent get their defaults, but `active` and the secret: they stay as they are."""
        return self._change(request, id, replace=True)

    @extend_schema(operation_id="update_webhook", summary="Change fields of a webhook")
    def patch(self, request: Request, id: str) -> HttpResponse:
        """Fields that are absent stay as they are; a field that is there is replaced as a whole."""
        return self._change(request, id, replace=False)

    @extend_schema(operation_id="delete_webhook", summary="Delete a webhook", responses={204: None})
    def delete(self, request: Request, id: str) -> HttpResponse:
        """Its unfinished deliveries are cancelled. What was sent stays readable."""
        endpoint = self.find(ids.WEBHOOK, id, without=("headers", "auth", "destination"))
        endpoints.delete(endpoint.id)
        doorbells.ring_settle([endpoint.id])
        return HttpResponse(status=204)

    def _change(self, request: Request, text: str, *, replace: bool) -> HttpResponse:
        endpoint = self.find(ids.WEBHOOK, text)
        body = _without_echo(bodies.read_object(request._request), self.show([endpoint])[0])
        endpoints.update(endpoint.tenant_id, endpoint.id, body, replace=replace)
        doorbells.ring_settle([endpoint.id])
        doorbells.ring_validate([endpoint.id])
        return self.answer(endpoint)


class WebhookAttempts(ListView):
    """The log of one webhook."""

    tag = "Webhooks"
    queryset = Attempt.objects.all()
    serializer_class = AttemptSerializer
    filterset_class = AttemptFilters
    required_scopes: ClassVar[dict[str, str]] = _SCOPES

    def filter_queryset(self, queryset: Any) -> Any:
        return super().filter_queryset(queryset.filter(endpoint_id=self.endpoint_id))

    @extend_schema(operation_id="list_webhook_attempts", summary="List attempts of a webhook")
    def get(self, request: Request, id: str) -> HttpResponse:
        self.endpoint_id = ids.parse(ids.WEBHOOK, id)
        own = Endpoint.objects.existing().for_tenant(caller(request).tenant_id)
        if self.endpoint_id is None or not own.filter(pk=self.endpoint_id).exists():
            raise problems.not_found()
        return self.list(request)


def _without_echo(body: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """A body without what only repeats the answer of GET: read-only fields, and the other name of the URL.

    So an answer can be edited and sent back. A read-only field with another value is refused later.
    """
    kept = {
        name: value
        for name, value in body.items()
        if name not in endpoint_fields.READ_ONLY or (name not in _VOLATILE and value != shown.get(name))
    }
    if {"url", "webhook_url"} <= kept.keys() and kept["url"] != kept["webhook_url"]:
        echo = next((name for name in ("webhook_url", "url") if kept[name] == shown["url"]), None)
        if echo:
            del kept[echo]
    return kept


# Read-only fields that may have changed by themselves since they were read.
_VOLATILE = ("disabled_reason", "consent", "breaker", "next_due_at", "pending", "signing_keys", "updated_at")
