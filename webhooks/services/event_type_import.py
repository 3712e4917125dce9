"""Event types from an OpenAPI document: what was created, updated, left unchanged or refused, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from webhooks.core import jsonvalues
from webhooks.core.openapi_webhooks import ABSENT, Found, Unusable, webhooks_of
from webhooks.errors import ClarionError, FieldError, InvalidInput
from webhooks.models import EventType, EventTypeVersion
from webhooks.services import event_types


@dataclass
class Report:
    """Names of types by what became of them; refused ones with their faults (pointers into ``/document``)."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: dict[str, list[FieldError]] = field(default_factory=dict)


def import_document(
    tenant_id: UUID | None, document: Any, *, version: str = "v1", enforcement: str | None = None, dry_run: bool = False
) -> Report:
    """Register the ``webhooks`` of an OpenAPI 3.1 document as types of a tenant, or of all tenants.

    Each with one ``version``, made or changed. ``enforcement``: of that version; None leaves what it is, and is
    ``block`` for a new one. Types are written one by one: what is refused keeps nobody else out. ``dry_run`` writes
    nothing. Raises :class:`InvalidInput` when the document as a whole cannot be read.
    """
    report = Report()
    try:
        for found in webhooks_of(document):
            if isinstance(found, tuple):
                name, error = found
                report.refused[name] = [FieldError(f"/document{error.pointer}", error.detail)]
                continue
            with transaction.atomic():
                _take(tenant_id, found, version, enforcement, report)
                transaction.set_rollback(dry_run)
    except Unusable as error:
        raise InvalidInput(FieldError(f"/document{error.pointer}", error.detail)) from None
    return report


def _take(tenant_id: UUID | None, found: Found, version: str, enforcement: str | None, report: Report) -> None:
    fields: dict[str, Any] = {"version": version}
    if found.schema is not None:
        fields["schema"] = found.schema
    if found.example is not ABSENT:
        fields["example"] = found.example
    if enforcement is not None:
        fields["enforcement"] = enforcement
    try:
        with transaction.atomic():
            word = _register(tenant_id, found, fields)
    except InvalidInput as error:
        report.refused[found.name] = [
            FieldError(_place(found, fault.pointer), fault.detail) for fault in error.errors
        ]  # fmt: skip
    except ClarionError as error:
        report.refused[found.name] = [FieldError(f"/document{found.pointer}", str(error))]
    else:
        getattr(report, word).append(found.name)


def _place(found: Found, pointer: str) -> str:
    """The place in the document that a fault of the fields is about."""
    head, _, rest = pointer.removeprefix("/versions/0").removeprefix("/").partition("/")
    if head == "schema":
        return f"/document{found.pointer}{'/' if rest else ''}{rest}"
    return f"/document{found.pointer.removesuffix('/schema')}"


def _register(tenant_id: UUID | None, found: Found, fields: dict[str, Any]) -> str:
    rows = EventType.objects.filter(tenant=None) if tenant_id is None else EventType.objects.filter(tenant_id=tenant_id)
    present = rows.filter(name=found.name).first()
    if present is None:
        event_types.create(tenant_id, {"name": found.name, "description": found.description[:10_000], **fields})
        return "created"
    row = present.versions.filter(name=fields["version"]).first()
    if row is not None and _says(row, fields):
        return "unchanged"
    if row is None:
        event_types.add_version(present.id, fields)
    else:
        event_types.change_version(row.id, fields)
    return "updated"


def _says(row: EventTypeVersion, fields: dict[str, Any]) -> bool:
    """Whether the version is what the document makes it."""
    for name in ("schema", "example"):
        if name in fields and getattr(row, name) != jsonvalues.write(fields[name]):
            return False
    return "enforcement" not in fields or bool(fields["enforcement"] == row.enforcement)
