"""Event types and their versions: registering, changing, removing.

Invariants: a version's ``check_id`` is new whenever what publishing has to check is, and it changes in the transaction
of the schema, here and in the ``checks`` of its type; a schema with promises to receivers is replaced only by one that
keeps them. The type's row is locked before its versions are written, so two changes at once do not undo each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from webhooks.errors import Conflict, FieldError, InvalidInput, NotFound
from webhooks.models import EventType, EventTypeVersion
from webhooks.services import audit, event_type_fields

MAX_VERSIONS = 100  # of one type: each is promised to somebody
_OF_THE_TYPE = ("name", "description", "deprecated_at", "deprecation_message")
_DEFAULTS: dict[str, Any] = {"description": "", "deprecated_at": None, "deprecation_message": ""}
# Fields of the API whose column is called differently.
_COLUMNS = {"version": "name"}


def find(tenant_id: UUID | None, name: str) -> EventType | None:
    """The type as a tenant sees it: its own before everybody's. Without a tenant: everybody's."""
    rows = EventType.objects.filter(Q(tenant_id=tenant_id) | Q(tenant_id=None), name=name)
    return min(rows, key=lambda row: row.tenant_id is None, default=None)


def create(tenant_id: UUID | None, fields: Mapping[str, Any]) -> UUID:
    """Register a type with its first version. ``tenant_id`` None: for all tenants.

    ``fields``: name, and optionally version (v1 when absent), description, schema, example, enforcement,
    deprecated_at, deprecation_message. Raises :class:`InvalidInput`, :class:`Conflict`.
    """
    if "name" not in fields:
        raise InvalidInput(FieldError("/name", "is required"))
    of_version = {name: value for name, value in fields.items() if name not in _OF_THE_TYPE}
    of_type = {name: value for name, value in fields.items() if name in _OF_THE_TYPE}
    version = event_type_fields.clean_version({"version": "v1", **of_version})
    cleaned = event_type_fields.clean_type(of_type)
    try:
        with transaction.atomic():
            event_type = EventType(tenant_id=tenant_id, version=version["version"], **cleaned)
            event_type.save(force_insert=True)
            _write(EventTypeVersion(event_type=event_type), version)
            _record("event_type.created", event_type, detail={"version": version["version"]})
    except IntegrityError:
        raise Conflict(f"There is an event type {cleaned['name']} already.") from None
    return event_type.id


def replace(type_id: UUID, fields: Mapping[str, Any]) -> None:
    """Set description and deprecation of a type (absent: none), its default ``version`` if given, and ``versions``.

    ``versions``: a list of objects with ``version`` and what is to change; those that do not exist are added, those
    that are not named stay. Raises :class:`InvalidInput` (pointers ``/versions/<n>/…``), :class:`NotFound`.
    """
    versions = fields.get("versions", [])
    if not isinstance(versions, list) or not all(isinstance(item, Mapping) for item in versions):
        raise InvalidInput(FieldError("/versions", "takes a list of objects, each with a version"))
    given = {name: value for name, value in fields.items() if name != "versions"}
    cleaned = _DEFAULTS | event_type_fields.clean_type(given)
    with transaction.atomic():
        event_type = _locked(type_id)
        if cleaned.pop("name", event_type.name) != event_type.name:
            raise InvalidInput(FieldError("/name", "stays as it is: publishers and webhooks use it"))
        present = {row.name: row for row in event_type.versions.all()}
        faults: list[FieldError] = []
        for n, item in enumerate(versions):
            try:
                _put(event_type, present, item)
            except InvalidInput as error:
                faults += [FieldError(f"/versions/{n}{fault.pointer}", fault.detail) for fault in error.errors]
        default = cleaned.get("version", event_type.version)
        if present and default not in present and default != event_type.version:
            faults.append(FieldError("/version", f"is none of this type's versions: {', '.join(present)}"))
        if faults:
            raise InvalidInput(faults)
        changes = audit.changed({name: getattr(event_type, name) for name in cleaned}, cleaned)
        for name, value in cleaned.items():
            setattr(event_type, name, value)
        event_type.save()
        if changes or versions:
            named = {"versions": [str(item.get("version")) for item in versions]} if versions else None
            _record("event_type.updated", event_type, changes=changes, detail=named)


def delete(type_id: UUID) -> None:
    """Remove a type with its versions. Events and webhooks stay as they are; nothing is checked any more."""
    with transaction.atomic():
        event_type = _locked(type_id)
        _record("event_type.deleted", event_type)
        event_type.delete()


def add_version(type_id: UUID, fields: Mapping[str, Any]) -> UUID:
    """Add a version to a type. Raises :class:`InvalidInput`, :class:`Conflict` when it is there, :class:`NotFound`."""
    if "version" not in fields:
        raise InvalidInput(FieldError("/version", "is required"))
    cleaned = event_type_fields.clean_version(fields)
    with transaction.atomic():
        event_type = _locked(type_id)
        present = {row.name: row for row in event_type.versions.all()}
        if cleaned["version"] in present:
            raise Conflict(f"{event_type.name} has a version {cleaned['version']} already.")
        _check_room(present)
        version = EventTypeVersion(event_type=event_type)
        _write(version, cleaned)
        _record("event_type.version_added", event_type, detail={"version": version.name})
    return version.id


def change_version(version_id: UUID, fields: Mapping[str, Any]) -> None:
    """Change the given fields of a version but its name. Raises :class:`InvalidInput`, :class:`NotFound`."""
    with transaction.atomic():
        found = EventTypeVersion.objects.filter(id=version_id).values_list("event_type_id", flat=True).first()
        if found is None:
            raise NotFound("There is no such version.")
        _locked(found)
        version = EventTypeVersion.objects.get(id=version_id)
        _put(version.event_type, {version.name: version}, {"version": version.name, **fields})
        changed = {"version": version.name, "fields": sorted(fields)}
        _record("event_type.version_updated", version.event_type, detail=changed)


def _record(action: str, event_type: EventType, **more: Any) -> None:
    audit.record(action, "event_type", [event_type.name], tenant_id=event_type.tenant_id, label=event_type.name, **more)


def _locked(type_id: UUID) -> EventType:
    event_type = EventType.objects.select_for_update(no_key=True).filter(id=type_id).first()
    if event_type is None:
        raise NotFound("There is no such event type.")
    return event_type


def _put(event_type: EventType, present: dict[str, EventTypeVersion], fields: Mapping[str, Any]) -> None:
    """Change the version that ``fields`` names, or add it."""
    if "version" not in fields:
        raise InvalidInput(FieldError("/version", "is required"))
    name = fields["version"]
    version = present.get(name) if isinstance(name, str) else None
    cleaned = event_type_fields.clean_version(fields, version)
    if version is None:
        _check_room(present)
        version = present[name] = EventTypeVersion(event_type=event_type)
    _write(version, cleaned)


def _check_room(present: Mapping[str, Any]) -> None:
    if len(present) >= MAX_VERSIONS:
        raise InvalidInput(FieldError("/version", f"a type has at most {MAX_VERSIONS} versions"))


def _write(version: EventTypeVersion, cleaned: Mapping[str, Any]) -> None:
    checked_before = (version.schema, version.enforcement)
    for name, value in cleaned.items():
        setattr(version, _COLUMNS.get(name, name), value)
    if version.schema is None or version.enforcement == EventTypeVersion.Enforcement.OFF:
        version.check_id = None
    elif version.check_id is None or checked_before != (version.schema, version.enforcement):
        version.check_id = uuid.uuid4()
    names = [field.name for field in EventTypeVersion._meta.concrete_fields if field.name not in _COUNTED]
    version.save(update_fields=None if version._state.adding else names)
    event_type = version.event_type
    checks = {name: check for name, check in event_type.checks.items() if name != version.name}
    event_type.checks = checks | ({version.name: str(version.check_id)} if version.check_id else {})
    event_type.save(update_fields=["checks"])


# Written by publishing at the same time.
_COUNTED = ("id", "warned", "last_warned_at")
