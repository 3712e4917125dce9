"""The ``dataschema`` of CloudEvents: which of the claimed events have a schema, and its URI."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote
from uuid import UUID

from django.db.models import Q

from webhooks.conf import conf
from webhooks.models import Endpoint, EventType, EventTypeVersion
from webhooks.services.claim import Claimed
from webhooks.services.ingest import DEFAULT_VERSION
from webhooks.services.lookups import FOREVER, Lookup
from webhooks.services.target import Target

FORMATS = frozenset({Endpoint.Format.CLOUDEVENTS, Endpoint.Format.CLOUDEVENTS_BINARY})

_uris: Lookup[tuple[UUID, str, str], str] = Lookup(EventType, EventTypeVersion)


def of(target: Target, rows: Sequence[Claimed]) -> dict[tuple[str, str], str]:
    """(type, version as delivered) -> URI. Types are asked for once in a few seconds, not for each claim."""
    wanted = {(row.type, target.config.version or row.version or DEFAULT_VERSION) for row in rows}
    wanted |= {(row.type, row.version or DEFAULT_VERSION) for row in rows}
    found = {}
    for kind, version in wanted:
        uri = _uris.get((target.tenant_id, kind, version), partial(_read, target.tenant_id, kind, version))
        if uri:
            found[kind, version] = uri
    return found


def _read(tenant_id: UUID, kind: str, version: str) -> tuple[str, float]:
    """The tenant's own type hides everybody's."""
    types = EventType.objects.filter(Q(tenant_id=tenant_id) | Q(tenant_id=None), name=kind)
    pk = min(types.values_list("tenant_id", "pk"), key=lambda row: row[0] is None, default=(None, None))[1]
    versions = EventTypeVersion.objects.filter(event_type_id=pk, name=version)
    if pk is None or not versions.exclude(schema=None).exists():
        return "", FOREVER
    return f"{conf.PUBLIC_URL}/api/event-types/{quote(kind)}?version={quote(version)}", FOREVER
