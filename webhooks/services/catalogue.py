"""The event types that everybody may know: those that belong to no tenant."""

from __future__ import annotations

from dataclasses import dataclass

from webhooks.models import EventType, EventTypeVersion
from webhooks.services.lookups import FOREVER, Lookup

MOST = 1000  # types that are told; more would be a download rather than an answer


@dataclass(frozen=True, slots=True)
class Known:
    """``version``: of events published without one. ``versions``: all of them, oldest first, deprecated ones too."""

    name: str
    description: str
    version: str
    versions: tuple[str, ...]
    deprecated: bool


_catalogue: Lookup[str, tuple[Known, ...]] = Lookup(EventType, EventTypeVersion)


def global_types() -> tuple[Known, ...]:
    """The first MOST + 1 of them by name, so that the caller sees whether there are more.

    Attack: a public page that asks the database each time. It does so at most once in LOOKUP_TTL for each process.
    """
    return _catalogue.get("all", lambda: (_read(), FOREVER)) or ()


def _read() -> tuple[Known, ...]:
    rows = EventType.objects.filter(tenant=None).order_by("name").prefetch_related("versions")
    return tuple(
        Known(
            row.name,
            row.description,
            row.version,
            tuple(version.name for version in row.versions.all()),
            row.deprecated_at is not None,
        )
        for row in rows.only("name", "description", "version", "deprecated_at")[: MOST + 1]
    )
