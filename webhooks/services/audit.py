"""Writing the audit log: one small function, called by whoever writes the change, inside the same transaction.

Invariant: an entry commits and rolls back with what it records. Nothing is locked for it (see
:class:`~webhooks.models.AuditEntry`), so writing one never makes two writers wait for each other. Publishing and
delivering events is the event log's business and is not recorded here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder

from webhooks.core import ids
from webhooks.models import AuditEntry
from webhooks.models.audit import MAX_OBJECTS
from webhooks.services import actors

CHANGED = "changed"  # what is told of a secret
MAX_VALUE = 1000  # characters of a value's JSON text; an endpoint's filter alone could have 16 KiB
_LABEL = 200  # characters, the column's width
_PREFIXES = {
    "webhook": ids.WEBHOOK, "delivery": ids.DELIVERY, "dead_letter": ids.DEAD_LETTER, "event": ids.EVENT,
    "tenant": ids.TENANT, "api_key": ids.API_KEY, "task_failure": "tf", "source": ids.SOURCE, "received": ids.RECEIVED,
    "oauth_client": ids.OAUTH_CLIENT,
    "operation": ids.OPERATION,
}  # fmt: skip


def record(
    action: str,
    kind: str = "",
    objects: Sequence[UUID | str] = (),
    *,
    tenant_id: UUID | None = None,
    label: str = "",
    count: int | None = None,
    changes: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry for the acting caller (:mod:`webhooks.services.actors`).

    ``action``: ``<noun>.<participle>``. ``objects``: keys (shown with the prefix of ``kind``) or ids as text.
    ``count``: how many objects there were, when not all are named. ``changes``: see :func:`changed`.
    """
    actor = actors.current()
    AuditEntry.objects.create(
        tenant_id=tenant_id,
        actor_kind=actor.kind,
        actor_id=actor.id[:64],
        actor_label=printable(actor.label),
        action=action,
        object_kind=kind,
        objects_named=[_shown(kind, item) for item in objects[:MAX_OBJECTS]],
        object_label=printable(label),
        count=len(objects) if count is None else count,
        changes=dict(changes or {}),
        detail=dict(detail or {}),
        request_id=actor.request_id,
        address=actor.address or None,
    )


def record_each_tenant(action: str, kind: str, rows: Iterable[tuple[UUID | None, UUID]], **fields: Any) -> None:
    """One entry for each tenant whose objects were touched; ``rows``: (tenant, key). None without rows."""
    by_tenant: dict[UUID | None, list[UUID]] = {}
    for tenant_id, key in rows:
        by_tenant.setdefault(tenant_id, []).append(key)
    for tenant_id, keys in by_tenant.items():
        record(action, kind, keys, tenant_id=tenant_id, **fields)


def changed(before: Mapping[str, Any], after: Mapping[str, Any], secret: Iterable[str] = ()) -> dict[str, Any]:
    """The fields of ``after`` that differ, with both values; of secret ones only that they were changed."""
    hidden = frozenset(secret)
    return {
        name: CHANGED if name in hidden else {"before": bounded(before.get(name)), "after": bounded(value)}
        for name, value in after.items()
        if before.get(name) != value
    }


def bounded(value: Any) -> Any:
    """A value as JSON, cut to its first characters when it is long."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    if len(text) > MAX_VALUE:
        return f"{text[:MAX_VALUE]}… ({len(text)} characters)"
    return json.loads(text)


def printable(text: str) -> str:
    """Text of others for people's eyes: bounded, without control characters.

    Attack: a user name with a line break or an escape sequence forges lines where the log is printed.
    """
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_LABEL])


def _shown(kind: str, item: UUID | str) -> str:
    if isinstance(item, UUID):
        return ids.show(_PREFIXES.get(kind, kind), item)
    return item[:160]
