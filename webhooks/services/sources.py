"""Sources: making, changing and deleting them, and their secrets.

Invariant: a source whose provider needs a secret always has one that is in force; without one it is not saved, and
nothing is let in. Rows are locked while they are changed, so two changes at once are one after the other.
"""

from __future__ import annotations

import base64
import secrets as random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from webhooks.core import destinations, headers, inbound, signatures
from webhooks.errors import Conflict, FieldError, InvalidInput, NotFound
from webhooks.models import Source, Tenant
from webhooks.services import audit, source_fields, source_lookup
from webhooks.services.endpoints import MAX_OVERLAP

SECRET_FIELDS = ("secrets", "forward_to")  # of which the audit log says no more than that they were changed
DEFAULT_OVERLAP = 86_400  # seconds: a day to put the new secret in at the provider's


@dataclass(frozen=True, slots=True)
class Created:
    """A new source. ``secret``: the one Clarion has made, shown to its owner now and never again; else empty."""

    id: UUID
    secret: str = ""


def create(tenant_id: UUID, fields: Mapping[str, Any]) -> Created:
    """Make a source. Raises :class:`InvalidInput` with pointers, :class:`NotFound` for an unknown tenant."""
    cleaned = source_fields.clean(fields, partial=False)
    secret = _complete(cleaned)
    if not Tenant.objects.filter(id=tenant_id).exists():
        raise NotFound("There is no such tenant.")
    source = Source(tenant_id=tenant_id, **cleaned)
    with transaction.atomic():
        source.save(force_insert=True)
        _record("source.created", source, changes=audit.changed({}, cleaned, SECRET_FIELDS))
        if secret:
            _record("secret.revealed", source)
    return Created(source.id, secret)


def update(tenant_id: UUID | None, source_id: UUID, fields: Mapping[str, Any], replace: bool = False) -> str:
    """Change the given fields; with ``replace`` reset the others to their defaults (all but ``active`` and secrets).

    ``tenant_id`` None: whosever it is. Returns a secret that Clarion has made because the provider now needs one; as a
    rule nothing. Raises :class:`InvalidInput`, :class:`NotFound`.
    """
    with transaction.atomic():
        source = locked(source_id, tenant_id)
        cleaned = source_fields.clean(_unmasked(fields, source), partial=not replace)
        if "secrets" in fields:
            cleaned["secrets"] = _with_ends(cleaned["secrets"], source.secrets)
        if cleaned.get("provider", source.provider) != source.provider:
            _other_provider(source, cleaned)
        stored = {name: getattr(source, name) for name in ("provider", "verification", "secrets")}
        together = stored | cleaned
        secret = _complete(together)
        before = {name: getattr(source, name) for name in {*cleaned, "verification", "secrets"}}
        cleaned |= {name: together[name] for name in ("verification", "secrets")}
        for name, value in cleaned.items():
            setattr(source, name, value)
        source.save()
        if changes := audit.changed(before, cleaned, SECRET_FIELDS):
            _record("source.updated", source, changes=changes)
        if secret:
            _record("secret.revealed", source)
    return secret


def delete(source_id: UUID) -> None:
    """Delete a source; whoever sends to it is told 404. The row stays: messages name it."""
    with transaction.atomic():
        source = locked(source_id)
        source.deleted_at, source.secrets = timezone.now(), []
        source.save(update_fields=["deleted_at", "secrets", "updated_at"])
        _record("source.deleted", source)


def rotate_secret(source_id: UUID, secret: str | None = None, overlap_seconds: int = DEFAULT_OVERLAP) -> str:
    """Put a new secret in front; the present ones count for ``overlap_seconds`` more. Returns the new one.

    ``secret`` None: Clarion makes it, where it may. Raises :class:`InvalidInput`, and :class:`Conflict` for a
    provider without secrets.
    """
    if type(overlap_seconds) is not int or not 0 <= overlap_seconds <= MAX_OVERLAP:
        raise InvalidInput(FieldError("/overlap_seconds", f"takes a whole number of seconds from 0 to {MAX_OVERLAP}"))
    if secret is not None and (fault := source_fields.secret_fault(secret)):
        raise InvalidInput(FieldError("/secret", fault))
    with transaction.atomic():
        source = locked(source_id)
        provider = inbound.PROVIDERS[source.provider]
        kind = provider.secrets_of(source.verification)
        if kind == "none":
            raise Conflict(f"The provider {provider.name} is verified without secrets.")
        if secret is None and (kind != "generated" or source.verification.get("auth") == "basic"):
            raise InvalidInput(FieldError("/secret", f"takes the new secret that {provider.name} gives you"))
        new = secret or generate(provider.name, source.verification)
        try:
            source_fields.check_together(source.provider, source.verification, [new])
        except InvalidInput as error:
            raise InvalidInput([FieldError("/secret", fault.detail) for fault in error.errors]) from None
        end = time.time() + overlap_seconds
        old = [(text, min(until, end)) for text, until in source_lookup.parse_secrets(source.secrets) if text != new]
        kept = [{"secret": text, "until": until} for text, until in old if until > time.time()]
        source.secrets = [new, *kept][: source_fields.MAX_SECRETS]
        source.save(update_fields=["secrets", "updated_at"])
        _record("secret.rotated", source, changes={"secret": audit.CHANGED}, detail={"overlap": overlap_seconds})
        _record("secret.revealed", source)
    return new


def generate(provider: str, verification: Mapping[str, Any]) -> str:
    """A fresh secret of 32 random bytes, in the form the provider's secrets have."""
    if provider == "custom" and verification.get("secret_encoding") == "hex":
        return random.token_hex(32)
    if provider == "custom" and verification.get("secret_encoding") == "base64":
        return base64.b64encode(random.token_bytes(32)).decode()
    return random.token_urlsafe(32) if provider == "api_key" else signatures.generate_secret()


def locked(source_id: UUID, tenant_id: UUID | None = None) -> Source:
    """The row, locked until the end of the transaction. Raises :class:`NotFound`."""
    rows = Source.objects.existing().for_tenant(tenant_id).select_for_update(no_key=True)
    source = rows.filter(id=source_id).first()
    if source is None:
        raise NotFound
    return source


def _complete(fields: dict[str, Any]) -> str:
    """Check what depends on the provider, and make the secret that is missing; returns that one, or nothing."""
    provider = fields["provider"]
    stored = fields.get("secrets") or []
    in_force = source_lookup.in_force(stored)
    fields["verification"] = source_fields.check_together(provider, fields["verification"], in_force)
    fields["secrets"] = stored
    if in_force or inbound.PROVIDERS[provider].secrets_of(fields["verification"]) == "none":
        return ""
    made = generate(provider, fields["verification"])
    fields["secrets"] = [made]
    return made


def _other_provider(source: Source, cleaned: dict[str, Any]) -> None:
    """Options and secrets of one provider mean nothing to another, and neither does its template."""
    cleaned.setdefault("verification", {})
    cleaned.setdefault("secrets", [])
    if source.event_type == inbound.PROVIDERS[source.provider].event_type:
        cleaned.setdefault("event_type", inbound.PROVIDERS[cleaned["provider"]].event_type)


def _unmasked(fields: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Put the stored secrets where ``fields`` repeats the masks of an answer: they stay as they are."""
    given = dict(fields)
    if isinstance(given.get("secrets"), list):
        present = source_lookup.in_force(source.secrets)
        given["secrets"] = [
            present[n] if one == headers.MASK and n < len(present) else one for n, one in enumerate(given["secrets"])
        ]
    if isinstance(given.get("forward_to"), Mapping) and source.forward_to:
        given["forward_to"] = destinations.unmasked(given["forward_to"], source.forward_to)
    return given


def _with_ends(secrets: list[str], stored: list[Any]) -> list[Any]:
    """Secrets that were there already end when they would have ended."""
    ends = dict(source_lookup.parse_secrets(stored))
    return [
        {"secret": one, "until": ends[one]} if ends.get(one, float("inf")) < float("inf") else one for one in secrets
    ]


def _record(action: str, source: Source, **more: Any) -> None:
    audit.record(action, "source", [source.id], tenant_id=source.tenant_id, label=source.name, **more)
