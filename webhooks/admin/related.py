"""Rows that a delivery, an attempt or a dead letter points at, without their large or encrypted columns.

Any of them may be gone: the large tables have no foreign keys in the database, and retention drops whole days.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch, QuerySet

from webhooks.models import Delivery, Endpoint, Event, Source, Tenant


def _endpoints() -> QuerySet[Endpoint]:
    return Endpoint.objects.only("id", "url", "state", "deleted_at")


def _tenants() -> QuerySet[Tenant]:
    return Tenant.objects.only("id", "name", "slug")


def _events() -> QuerySet[Event]:
    return Event.objects.only("id", "type", "key")


def _sources() -> QuerySet[Source]:
    return Source.objects.only("id", "name", "provider", "deleted_at")


_RELATED: dict[str, Any] = {"endpoint": _endpoints, "tenant": _tenants, "event": _events, "source": _sources}


def prefetch(*names: str) -> list[Prefetch[str, Any, str]]:
    """For a page of rows: one query for each of ``endpoint``, ``tenant``, ``event``, ``source``."""
    return [Prefetch(name, _RELATED[name]()) for name in names]


def prefetched(row: Any, name: str) -> Any:
    """What :func:`prefetch` found for this row, None when it is gone. Costs no query."""
    try:
        return getattr(row, name)
    except ObjectDoesNotExist:
        return None


def endpoint_of(row: Any) -> Endpoint | None:
    """The endpoint of one row."""
    return _endpoints().filter(pk=row.endpoint_id).first()


def tenant_of(row: Any) -> Tenant | None:
    """The tenant of one row."""
    return _tenants().filter(pk=row.tenant_id).first()


def event_of(row: Any) -> Event | None:
    """The event of one row."""
    return _events().filter(pk=row.event_id).first()


def source_of(row: Any) -> Source | None:
    """The source of one row."""
    return _sources().filter(pk=row.source_id).first()


def delivery_of(key: UUID) -> Delivery | None:
    """A delivery by its key."""
    return Delivery.objects.filter(pk=key).first()
