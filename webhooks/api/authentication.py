"""Who calls, and for which tenant: ``Authorization: Bearer clk_…`` and ``Clarion-Tenant``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import UUID

import structlog
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from webhooks.api import problems
from webhooks.core import ids
from webhooks.services import actors, api_keys

TENANT_HEADER = "Clarion-Tenant"


@dataclass(frozen=True, slots=True)
class Caller:
    """A credential and the tenant it acts for; ``tenant_id`` None: a platform key that sees all of them."""

    credential: api_keys.Credential
    tenant_id: UUID | None

    # Django's checks ask a user this.
    is_authenticated = True
    is_active = True

    @property
    def is_platform(self) -> bool:
        return self.credential.tenant_id is None

    def tenant(self) -> UUID:
        """The tenant for something that belongs to one; 400 when a platform key named none."""
        if self.tenant_id is None:
            raise problems.bad_header(
                TENANT_HEADER, "a platform key must name the tenant it acts for here, by id or slug"
            )
        return self.tenant_id


def caller(request: Request) -> Caller:
    """The caller of an authenticated request."""
    return cast(Caller, request.auth)


class ApiKeyAuthentication(BaseAuthentication):
    """Bearer tokens. A tenant's key acts for its tenant; a platform key for the one it names."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        sent = request._request.META
        scheme, _, token = sent.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        credential = api_keys.authenticate(token.strip())
        if credential is None:
            raise AuthenticationFailed
        who = Caller(credential, _tenant(credential, sent.get("HTTP_CLARION_TENANT")))
        structlog.contextvars.bind_contextvars(
            api_key=ids.show(ids.API_KEY, credential.key_id),
            tenant=who.tenant_id and ids.show(ids.TENANT, who.tenant_id),
        )
        actors.become(*actors.key_actor(credential.key_id, credential.name, platform=credential.tenant_id is None))
        return who, who

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="clarion"'


def _tenant(credential: api_keys.Credential, named: str | None) -> UUID | None:
    """Attack: a tenant's key that names another tenant. It is refused without telling whether that one exists."""
    if named is None:
        return credential.tenant_id
    found = api_keys.tenant_named(named.strip())
    if credential.tenant_id is None:
        if found is None:
            raise problems.bad_header(TENANT_HEADER, "there is no tenant with this id or slug")
        return found
    if found != credential.tenant_id:
        raise problems.Problem(403, "forbidden", f"The API key belongs to another tenant than {TENANT_HEADER} names.")
    return found
