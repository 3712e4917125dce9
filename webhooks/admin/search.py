"""Searching large tables: only for something exact that an index finds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from django.db.models import Q

from webhooks.core import ids
from webhooks.models import EventKey, Tenant

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")  # what publishers may call an event

KEYS = 50  # tenants that may use the same publisher's key at most in one answer


def by_id(term: str, fields: Mapping[str, str]) -> Q | None:
    """The condition for a prefixed id, or for a bare UUID as the primary key; None when it is neither.

    ``fields`` maps a prefix to the field that holds such ids: ``{"dlv": "pk", "evt": "event_id"}``.
    """
    term = term.strip()
    for prefix, field in fields.items():
        if term.startswith(f"{prefix}_") and (key := ids.parse(prefix, term)):
            return Q(**{field: key})
    bare = ids.parse("", term) if "_" not in term else None
    return Q(pk=bare) if bare else None


def events_with_key(term: str) -> list[UUID]:
    """Events whose publisher called them ``term``, in any tenant.

    The look-up names the tenants because the index on keys begins with them.
    """
    if not _KEY.match(term.strip()):
        return []
    keys = EventKey.objects.filter(key=term.strip(), tenant_id__in=Tenant.objects.values("pk"))
    return list(keys.values_list("event_id", flat=True)[:KEYS])
