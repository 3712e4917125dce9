"""What an API key and an OAuth client have in common: whose they are, what they may do, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import SCOPES, AuditEntry

PLATFORM_SCOPES = frozenset({"tenants"})  # of no use to, and not for, a credential that belongs to a tenant
MAX_NAME = 200  # characters, the column's width
TOUCH = 60  # seconds, the resolution of last_used_at: one write a minute, not one a request


@dataclass(frozen=True, slots=True)
class Credential:
    """Who calls. ``tenant_id`` None: the platform. ``prefix``: of the shown id, which tells keys from OAuth clients.

    Quotas, Idempotency-Keys and audit entries go by ``key_id``, which for a token is its client's: a client gets no
    second quota by fetching a second token.
    """

    key_id: UUID
    tenant_id: UUID | None
    scopes: frozenset[str]
    name: str
    prefix: str = ids.API_KEY

    @property
    def public_id(self) -> str:
        return ids.show(self.prefix, self.key_id)

    def actor(self) -> tuple[str, str, str]:
        """As :func:`webhooks.services.actors.become` takes it."""
        kinds = AuditEntry.Actor
        if self.prefix == ids.OAUTH_CLIENT:
            kind = kinds.OAUTH if self.tenant_id else kinds.PLATFORM_APP
        else:
            kind = kinds.API_KEY if self.tenant_id else kinds.PLATFORM_KEY
        return kind, self.public_id, self.name


def grantable(tenant_id: UUID | None) -> frozenset[str]:
    """The scopes a credential of this tenant (None: of the platform) can have."""
    return frozenset(SCOPES) if tenant_id is None else frozenset(SCOPES) - PLATFORM_SCOPES


def check(name: object, scopes: Sequence[object], tenant_id: UUID | None, expires_at: datetime | None) -> None:
    """Raise :class:`InvalidInput` with all faults of a new credential, each with its pointer."""
    faults = [*_name_faults(name), *_scope_faults(scopes, tenant_id), *_expiry_faults(expires_at)]
    if faults:
        raise InvalidInput(faults)


def state(row: Any) -> str:
    """``active``, ``revoked`` or ``expired``, of an API key or an OAuth client."""
    if row.revoked_at:
        return "revoked"
    if row.expires_at and row.expires_at <= timezone.now():
        return "expired"
    return "active"


def _name_faults(name: object) -> list[FieldError]:
    if isinstance(name, str) and name.strip() and len(name) <= MAX_NAME and name.isprintable():
        return []
    return [FieldError("/name", f"takes printable text of 1 to {MAX_NAME} characters")]


def _scope_faults(scopes: Sequence[object], tenant_id: UUID | None) -> list[FieldError]:
    if not scopes:
        return [FieldError("/scopes", f"takes one or more of {', '.join(SCOPES)}")]
    faults = []
    for n, scope in enumerate(scopes):
        if not isinstance(scope, str) or scope not in SCOPES:
            faults.append(FieldError(f"/scopes/{n}", f"is no scope; known: {', '.join(SCOPES)}"))
        elif scope not in grantable(tenant_id):
            faults.append(FieldError(f"/scopes/{n}", f"{scope} is for platform keys only"))
        elif scope in scopes[:n]:
            faults.append(FieldError(f"/scopes/{n}", f"{scope} is there twice"))
    return faults


def _expiry_faults(expires_at: datetime | None) -> list[FieldError]:
    if expires_at is None:
        return []
    if timezone.is_naive(expires_at):
        return [FieldError("/expires_at", "needs a time zone, such as 2030-01-01T00:00:00Z")]
    if expires_at <= timezone.now():
        return [FieldError("/expires_at", "lies in the past")]
    return []
