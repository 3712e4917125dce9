"""Tenants: making one, and finding one by what people call it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from webhooks.core import ids
from webhooks.errors import FieldError, InvalidInput, NotFound
from webhooks.models import Tenant
from webhooks.services import audit

MAX_NAME = 200  # characters, the column's width
MAX_METADATA_BYTES = 4096  # copied into every delivery of the tenant

# No underscore: a slug can then never look like an id (ten_…).
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")


def create_tenant(name: str, slug: str | None = None, metadata: dict[str, Any] | None = None) -> UUID:
    """Make a tenant; without ``slug`` one is made from the name. Raises :class:`InvalidInput`."""
    faults = [*_name_faults(name), *_slug_faults(slug), *_metadata_faults(metadata)]
    if faults:
        raise InvalidInput(faults)
    chosen = slug or _free_slug(name)
    tenant = Tenant(name=name.strip(), slug=chosen, metadata=metadata or {})
    try:
        with transaction.atomic():
            tenant.save(force_insert=True)
            shown = {"name": tenant.name, "slug": chosen, "metadata": tenant.metadata}
            _record("tenant.created", tenant, audit.changed({}, shown))
    except IntegrityError:
        raise InvalidInput(FieldError("/slug", f"another tenant is called {chosen}")) from None
    return tenant.id


def update_tenant(tenant_id: UUID, fields: Mapping[str, Any]) -> None:
    """Change ``name``, ``metadata`` or ``active``. Raises :class:`InvalidInput`, :class:`NotFound`."""
    faults = [*_name_faults(fields.get("name", "-")), *_metadata_faults(fields.get("metadata"))]
    if faults:
        raise InvalidInput(faults)
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update(no_key=True).filter(id=tenant_id).first()
        if tenant is None:
            raise NotFound("There is no such tenant.")
        given = {name: fields[name] for name in ("name", "metadata", "active") if name in fields}
        changes = audit.changed({name: getattr(tenant, name) for name in given}, given)
        for name, value in given.items():
            setattr(tenant, name, value)
        tenant.save(update_fields=list(given))
        if changes:
            _record("tenant.updated", tenant, changes)


def _record(action: str, tenant: Tenant, changes: dict[str, Any]) -> None:
    audit.record(action, "tenant", [tenant.id], tenant_id=tenant.id, label=tenant.name, changes=changes)


def find_tenant(text: str) -> UUID | None:
    """The id of the tenant with this id (``ten_…``) or slug, None when there is none."""
    if text.startswith(f"{ids.TENANT}_"):
        wanted = ids.parse(ids.TENANT, text)
        rows = Tenant.objects.filter(id=wanted) if wanted else Tenant.objects.none()
    elif _SLUG.match(text):
        rows = Tenant.objects.filter(slug=text)
    else:
        return None
    return rows.values_list("id", flat=True).first()


def _name_faults(name: object) -> list[FieldError]:
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        return [FieldError("/name", f"takes text of 1 to {MAX_NAME} characters")]
    if not name.isprintable():
        return [FieldError("/name", "cannot hold control characters")]
    return []


def _slug_faults(slug: object) -> list[FieldError]:
    if slug is None or (isinstance(slug, str) and _SLUG.match(slug)):
        return []
    return [FieldError("/slug", "takes 1 to 64 of a-z, 0-9 and hyphens, with a letter or digit at both ends")]


def _metadata_faults(metadata: object) -> list[FieldError]:
    if metadata is None:
        return []
    if not isinstance(metadata, dict):
        return [FieldError("/metadata", "takes an object")]
    try:
        text = json.dumps(metadata, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        return [FieldError("/metadata", "takes JSON values only")]
    if size > MAX_METADATA_BYTES:
        return [FieldError("/metadata", f"has at most {MAX_METADATA_BYTES} bytes, this one has {size}")]
    if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        return [FieldError("/metadata", "cannot hold the character U+0000")]
    return []


def _free_slug(name: str) -> str:
    """A slug from the name; with a random ending when that is taken or nothing is left of the name."""
    base = slugify(name).replace("_", "-").strip("-")[:56].strip("-") or "tenant"
    if not Tenant.objects.filter(slug=base).exists():
        return base
    return f"{base}-{secrets.token_hex(3)}"
