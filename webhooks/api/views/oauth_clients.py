"""``/api/oauth-clients``."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api import bodies, problems
from webhooks.api.authentication import Caller, caller
from webhooks.api.filters import Period
from webhooks.api.rendering import reply
from webhooks.api.serializers.accounts import (
    CreatedOAuthClientSerializer,
    OAuthClientSecretSerializer,
    OAuthClientSerializer,
    RotateOAuthClientSecretSerializer,
)
from webhooks.api.views.accounts import moment, scopes_for
from webhooks.api.views.base import ApiView, ListView
from webhooks.core import ids
from webhooks.models import OAuthClient
from webhooks.services import oauth_clients


class OAuthClientView(ApiView):
    """What the resources of OAuth clients share."""

    tag = "OAuth clients"
    queryset = OAuthClient.objects.all()
    serializer_class: Any = OAuthClientSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "keys", "POST": "keys", "DELETE": "keys"}


class OAuthClients(OAuthClientView, ListView):
    filterset_class = Period

    @extend_schema(operation_id="list_oauth_clients", summary="List OAuth clients")
    def get(self, request: Request) -> HttpResponse:
        """Revoked and expired ones included."""
        return self.list(request)

    @extend_schema(
        operation_id="create_oauth_client",
        summary="Create an OAuth client",
        responses={201: CreatedOAuthClientSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """For the caller's tenant; platform clients are made in the admin. This answer alone shows the secret, which
        fetches tokens at `POST /oauth/token`."""
        who = caller(request)
        tenant_id = who.tenant()
        body = bodies.read_object(request._request)
        bodies.only(body, ("name", "scopes", "expires_at"))
        key, secret = oauth_clients.create(
            tenant_id, body.get("name", ""), scopes_for(body.get("scopes"), who), moment(body.get("expires_at"))
        )
        shown = self.show([OAuthClient.objects.get(pk=key)], CreatedOAuthClientSerializer, secret=secret)[0]
        return reply(shown, 201, {"Location": f"{request.path}/{shown['id']}"})


class OneOAuthClient(OAuthClientView):
    @extend_schema(operation_id="get_oauth_client", summary="Show an OAuth client")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.OAUTH_CLIENT, id)])[0])

    @extend_schema(operation_id="revoke_oauth_client", summary="Revoke an OAuth client", responses={204: None})
    def delete(self, request: Request, id: str) -> HttpResponse:
        """For ever, with all of its tokens, and in all processes within seconds. A client may revoke itself."""
        oauth_clients.revoke(self.find(ids.OAUTH_CLIENT, id).pk)
        return HttpResponse(status=204)


class RotateOAuthClientSecret(OAuthClientView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "keys"}

    @extend_schema(
        operation_id="rotate_oauth_client_secret",
        summary="Make a new secret",
        request=RotateOAuthClientSecretSerializer,
        responses=OAuthClientSecretSerializer,
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """During the overlap both secrets fetch tokens, and tokens that were fetched are good until they expire. One
        that is left from the rotation before ends at once. Needs all scopes that the client has."""
        client = self.find(ids.OAUTH_CLIENT, id)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("overlap_seconds",))
        _check_scopes(client, caller(request))
        overlap = body.get("overlap_seconds", oauth_clients.DEFAULT_OVERLAP)
        secret = oauth_clients.rotate_secret(client.pk, overlap)
        return reply({"client_id": client.public_id, "client_secret": secret, "overlap_seconds": overlap})


def _check_scopes(client: OAuthClient, who: Caller) -> None:
    """Attack: a credential with the scope ``keys`` alone takes over a client that may do everything."""
    if more := sorted(set(client.scopes) - who.credential.scopes):
        detail = f"The client has scopes that your own credential has not: {', '.join(more)}."
        raise problems.Problem(403, "forbidden", detail)
