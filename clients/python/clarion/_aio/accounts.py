"""Tenants (for platform keys), API keys and OAuth clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Unpack

from clarion._aio.calls import Resource, each, only
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
from clarion.bodies import plain
from clarion.fields import ApiKeyFields, OAuthClientFields, TenantFields


class Tenants(Resource):
    """``client.tenants``"""

    async def create(self, name: str, **fields: Unpack[TenantFields]) -> Tenant:
        """A new tenant."""
        body = TenantRequest.from_dict({**fields, "name": name})
        return only(await create_tenant.asyncio_detailed(client=self._core, body=body), Tenant)

    def list(self) -> AsyncIterator[Tenant]:
        """Tenants, newest first."""

        async def page(cursor: str | Unset) -> PaginatedTenantList:
            response = await list_tenants.asyncio_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedTenantList)

        return each(page)

    async def get(self, id: str) -> Tenant:
        """One tenant, by id or slug."""
        return only(await get_tenant.asyncio_detailed(id, client=self._core), Tenant)


class ApiKeys(Resource):
    """``client.api_keys``"""

    async def create(self, name: str, **fields: Unpack[ApiKeyFields]) -> CreatedApiKey:
        """A new key for the tenant. ``token`` of the answer is shown this once."""
        body = ApiKeyRequest.from_dict({**plain(fields), "name": name})
        return only(await create_api_key.asyncio_detailed(client=self._core, body=body), CreatedApiKey)

    def list(self) -> AsyncIterator[ApiKey]:
        """Keys, newest first, revoked ones included."""

        async def page(cursor: str | Unset) -> PaginatedApiKeyList:
            response = await list_api_keys.asyncio_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedApiKeyList)

        return each(page)

    async def get(self, id: str) -> ApiKey:
        """One key."""
        return only(await get_api_key.asyncio_detailed(id, client=self._core), ApiKey)

    async def revoke(self, id: str) -> None:
        """Revoke it for ever."""
        await revoke_api_key.asyncio_detailed(id, client=self._core)


class OAuthClients(Resource):
    """``client.oauth_clients``"""

    async def create(self, name: str, **fields: Unpack[OAuthClientFields]) -> CreatedOAuthClient:
        """A new OAuth client for the tenant. ``client_secret`` of the answer is shown this once."""
        body = OAuthClientRequest.from_dict({**plain(fields), "name": name})
        return only(await create_oauth_client.asyncio_detailed(client=self._core, body=body), CreatedOAuthClient)

    def list(self) -> AsyncIterator[OAuthClient]:
        """OAuth clients, newest first, revoked ones included."""

        async def page(cursor: str | Unset) -> PaginatedOAuthClientList:
            response = await list_oauth_clients.asyncio_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedOAuthClientList)

        return each(page)

    async def get(self, id: str) -> OAuthClient:
        """One OAuth client."""
        return only(await get_oauth_client.asyncio_detailed(id, client=self._core), OAuthClient)

    async def revoke(self, id: str) -> None:
        """Revoke it and its tokens for ever."""
        await revoke_oauth_client.asyncio_detailed(id, client=self._core)

    async def rotate_secret(self, id: str, overlap_seconds: int = 86_400) -> OAuthClientSecret:
        """A new secret; for ``overlap_seconds`` the old one fetches tokens as well. With 0 its tokens end, too."""
        body = RotateOAuthClientSecretRequest(overlap_seconds=overlap_seconds)
        response = await rotate_oauth_client_secret.asyncio_detailed(id, client=self._core, body=body)
        return only(response, OAuthClientSecret)
