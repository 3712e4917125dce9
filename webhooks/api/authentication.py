"""Who calls, and for which tenant: ``Authorization: Bearer clk_…`` or ``clt_…``, and ``Clarion-Tenant``."""

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
from webhooks.services import actors, api_keys, oauth_tokens
from webhooks.services.credentials import Credential

TENANT_HEADER = "Clarion-Tenant"


@dataclass(frozen=True, slots=True)
class Caller:
    """A credential and the tenant it acts for; ``tenant_id`` None: one of the platform's that sees all of them."""

    credential: Credential
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


def credential_of(token: str) -> Credential | None:
    """The holder of an API key or of an access token; what it begins with tells which of them it is."""
    token = token.strip()
    return oauth_tokens.authenticate(token) if token.startswith(oauth_tokens.PREFIX) else api_keys.authenticate(token)


class BearerAuthentication(BaseAuthentication):
    """API keys and access tokens. A tenant's acts for its tenant; one of the platform's for the tenant it names."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        sent = request._request.META
        scheme, _, token = sent.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        credential = credential_of(token)
        if credential is None:
            raise AuthenticationFailed
        who = Caller(credential, _tenant(credential, sent.get("HTTP_CLARION_TENANT")))
        kind = "oauth_client" if credential.prefix == ids.OAUTH_CLIENT else "api_key"
        tenant = who.tenant_id and ids.show(ids.TENANT, who.tenant_id)
        structlog.contextvars.bind_contextvars(**{kind: credential.public_id, "tenant": tenant})
        actors.become(*credential.actor())
        return who, who

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="clarion"'


def _tenant(credential: Credential, named: str | None) -> UUID | None:
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
