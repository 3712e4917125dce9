"""``/api/tenants`` and ``/api/api-keys``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api import bodies, problems
from webhooks.api.authentication import Caller, caller
from webhooks.api.filters import Period
from webhooks.api.rendering import reply
from webhooks.api.serializers.accounts import ApiKeySerializer, CreatedApiKeySerializer, TenantSerializer
from webhooks.api.views.base import ApiView, ListView
from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import SCOPES, ApiKey, Tenant
from webhooks.services import api_keys, moments, tenants
from webhooks.services.credentials import grantable


class TenantView(ApiView):
    """Tenants are seen by platform keys only: no other key can have the scope."""

    tag = "Tenants"
    queryset = Tenant.objects.all()
    serializer_class: Any = TenantSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "tenants", "POST": "tenants"}


class Tenants(TenantView, ListView):
    filterset_class = Period

    @extend_schema(operation_id="list_tenants", summary="List tenants")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)

    @extend_schema(operation_id="create_tenant", summary="Create a tenant", responses={201: TenantSerializer})
    def post(self, request: Request) -> HttpResponse:
        """Only `name` is required."""
        body = bodies.read_object(request._request)
        bodies.only(body, ("name", "slug", "metadata"))
        tenant_id = tenants.create_tenant(body.get("name", ""), body.get("slug"), body.get("metadata"))
        shown = self.show([Tenant.objects.get(pk=tenant_id)])[0]
        return reply(shown, 201, {"Location": f"{request.path}/{shown['id']}"})


class OneTenant(TenantView):
    @extend_schema(operation_id="get_tenant", summary="Show a tenant")
    def get(self, request: Request, id: str) -> HttpResponse:
        """By id or slug."""
        tenant = self.get_queryset().filter(pk=tenants.find_tenant(id)).first()
        if tenant is None:
            raise problems.not_found()
        return reply(self.show([tenant])[0])


class ApiKeyView(ApiView):
    """What the resources of API keys share."""

    tag = "API keys"
    queryset = ApiKey.objects.all()
    serializer_class: Any = ApiKeySerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "keys", "POST": "keys", "DELETE": "keys"}


class ApiKeys(ApiKeyView, ListView):
    filterset_class = Period

    @extend_schema(operation_id="list_api_keys", summary="List API keys")
    def get(self, request: Request) -> HttpResponse:
        """Revoked and expired ones included."""
        return self.list(request)

    @extend_schema(operation_id="create_api_key", summary="Create an API key", responses={201: CreatedApiKeySerializer})
    def post(self, request: Request) -> HttpResponse:
        """For the caller's tenant; platform keys are made by `manage.py create_api_key`. This answer alone shows
        the token."""
        who = caller(request)
        tenant_id = who.tenant()
        body = bodies.read_object(request._request)
        bodies.only(body, ("name", "scopes", "expires_at"))
        key_id, token = api_keys.create_api_key(
            tenant_id, body.get("name", ""), scopes_for(body.get("scopes"), who), moment(body.get("expires_at"))
        )
        shown = self.show([ApiKey.objects.get(pk=key_id)], CreatedApiKeySerializer, token=token)[0]
        return reply(shown, 201, {"Location": f"{request.path}/{shown['id']}"})


class OneApiKey(ApiKeyView):
    @extend_schema(operation_id="get_api_key", summary="Show an API key")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.API_KEY, id)])[0])

    @extend_schema(operation_id="revoke_api_key", summary="Revoke an API key", responses={204: None})
    def delete(self, request: Request, id: str) -> HttpResponse:
        """For ever, and in all processes within seconds. A key may revoke itself."""
        api_keys.revoke(self.find(ids.API_KEY, id).pk)
        return HttpResponse(status=204)


def scopes_for(value: Any, who: Caller) -> list[Any]:
    """The scopes of a new key or client.

    Attack: a key with the scope ``keys`` alone makes itself one that may do everything.
    """
    own = who.credential.scopes
    if value is None:
        return sorted(own & grantable(who.tenant_id))
    if not isinstance(value, list):
        raise InvalidInput(FieldError("/scopes", "takes a list of scopes"))
    more = [n for n, scope in enumerate(value) if scope in SCOPES and scope not in own]
    if more:
        raise InvalidInput([FieldError(f"/scopes/{n}", f"{value[n]} is not a scope of your own key") for n in more])
    return value


def moment(value: Any) -> datetime | None:
    """The time at which a new key or client ends."""
    if value is None:
        return None
    if (found := moments.parse(value)) is None:
        raise InvalidInput(
            FieldError("/expires_at", "takes a time with its zone, such as 2030-01-01T00:00:00Z, or null")
        )
    return found
