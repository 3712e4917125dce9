"""Tenants (for platform keys), API keys and OAuth clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from clarion._generated.api.api_keys import create_api_key, get_api_key, list_api_keys, revoke_api_key
from clarion._generated.api.o_auth_clients import (
    create_oauth_client,
    get_oauth_client,
    list_oauth_clients,
    revoke_oauth_client,
    rotate_oauth_client_secret,
)
from clarion._generated.api.tenants import create_tenant, get_tenant, list_tenants
from clarion._generated.models import (
    ApiKey,
    ApiKeyRequest,
    CreatedApiKey,
    CreatedOAuthClient,
    OAuthClient,
    OAuthClientRequest,
    OAuthClientSecret,
    PaginatedApiKeyList,
    PaginatedOAuthClientList,
    PaginatedTenantList,
    RotateOAuthClientSecretRequest,
    Tenant,
    TenantRequest,
)
from clarion._generated.types import Unset
from clarion._sync.calls import Resource, each, only
from clarion.bodies import plain
from clarion.fields import ApiKeyFields, OAuthClientFields, TenantFields


class Tenants(Resource):
    """``client.tenants``"""

    def create(self, name: str, **fields: Unpack[TenantFields]) -> Tenant:
        """A new tenant."""
        body = TenantRequest.from_dict({**fields, "name": name})
        return only(create_tenant.sync_detailed(client=self._core, body=body), Tenant)

    def list(self) -> Iterator[Tenant]:
        """Tenants, newest first."""

        def page(cursor: str | Unset) -> PaginatedTenantList:
            response = list_tenants.sync_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedTenantList)

        return each(page)

    def get(self, id: str) -> Tenant:
        """One tenant, by id or slug."""
        return only(get_tenant.sync_detailed(id, client=self._core), Tenant)


class ApiKeys(Resource):
    """``client.api_keys``"""

    def create(self, name: str, **fields: Unpack[ApiKeyFields]) -> CreatedApiKey:
        """A new key for the tenant. ``token`` of the answer is shown this once."""
        body = ApiKeyRequest.from_dict({**plain(fields), "name": name})
        return only(create_api_key.sync_detailed(client=self._core, body=body), CreatedApiKey)

    def list(self) -> Iterator[ApiKey]:
        """Keys, newest first, revoked ones included."""

        def page(cursor: str | Unset) -> PaginatedApiKeyList:
            response = list_api_keys.sync_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedApiKeyList)

        return each(page)

    def get(self, id: str) -> ApiKey:
        """One key."""
        return only(get_api_key.sync_detailed(id, client=self._core), ApiKey)

    def revoke(self, id: str) -> None:
        """Revoke it for ever."""
        revoke_api_key.sync_detailed(id, client=self._core)


class OAuthClients(Resource):
    """``client.oauth_clients``"""

    def create(self, name: str, **fields: Unpack[OAuthClientFields]) -> CreatedOAuthClient:
        """A new OAuth client for the tenant. ``client_secret`` of the answer is shown this once."""
        body = OAuthClientRequest.from_dict({**plain(fields), "name": name})
        return only(create_oauth_client.sync_detailed(client=self._core, body=body), CreatedOAuthClient)

    def list(self) -> Iterator[OAuthClient]:
        """OAuth clients, newest first, revoked ones included."""

        def page(cursor: str | Unset) -> PaginatedOAuthClientList:
            response = list_oauth_clients.sync_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedOAuthClientList)

        return each(page)

    def get(self, id: str) -> OAuthClient:
        """One OAuth client."""
        return only(get_oauth_client.sync_detailed(id, client=self._core), OAuthClient)

    def revoke(self, id: str) -> None:
        """Revoke it and its tokens for ever."""
        revoke_oauth_client.sync_detailed(id, client=self._core)

    def rotate_secret(self, id: str, overlap_seconds: int = 86_400) -> OAuthClientSecret:
        """A new secret; for ``overlap_seconds`` the old one fetches tokens as well. With 0 its tokens end, too."""
        body = RotateOAuthClientSecretRequest(overlap_seconds=overlap_seconds)
        response = rotate_oauth_client_secret.sync_detailed(id, client=self._core, body=body)
        return only(response, OAuthClientSecret)
