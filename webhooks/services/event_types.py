"""Writing the catalogue of event types, as its forms have checked it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from webhooks.models import EventType
from webhooks.services import audit


def save(event_type: EventType, names: Sequence[str]) -> None:
    """Write a new type, or the fields ``names`` of one that exists."""
    with transaction.atomic():
        new = event_type._state.adding
        stored = None if new else EventType.objects.select_for_update().filter(id=event_type.id).first()
        before = {name: _shown(stored, name) for name in names} if stored else {}
        event_type.save()
        changes = audit.changed(before, {name: _shown(event_type, name) for name in names})
        if new or changes:
            _record("event_type.created" if new else "event_type.updated", event_type, changes)


def delete(event_types: Iterable[EventType]) -> None:
    """Take types out of the catalogue. Events of them stay what they are."""
    with transaction.atomic():
        for event_type in event_types:
            _record("event_type.deleted", event_type)
            event_type.delete()


def _record(action: str, event_type: EventType, changes: dict[str, object] | None = None) -> None:
    audit.record(
        action, "event_type", [event_type.name], tenant_id=event_type.tenant_id, label=event_type.name, changes=changes
    )


def _shown(event_type: EventType, name: str) -> object:
    if name == "tenant":
        return event_type.tenant.public_id if event_type.tenant else None
    return getattr(event_type, name)
