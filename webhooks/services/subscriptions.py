"""The subscriptions of one endpoint as a whole: each pattern with a filter and channels of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from webhooks.errors import FieldError, InvalidInput, NotFound
from webhooks.models import Endpoint, Subscription
from webhooks.services import audit, endpoint_fields, version_pins


@dataclass(frozen=True, slots=True)
class Wanted:
    """Events of types that fit ``pattern``, that pass ``filter`` and that are in one of ``channels`` (empty: all)."""

    pattern: str
    filter: dict[str, Any] | None = None
    channels: list[str] = field(default_factory=list)


def check(wanted: Wanted) -> None:
    """Raise :class:`InvalidInput` with the pointers ``/pattern``, ``/filter…`` and ``/channels…``."""
    fields = {"event_types": [wanted.pattern], "filter": wanted.filter, "channels": wanted.channels}
    try:
        endpoint_fields.clean(fields, partial=True)
    except InvalidInput as error:
        raise InvalidInput(
            [FieldError(fault.pointer.replace("/event_types/0", "/pattern"), fault.detail) for fault in error.errors]
        ) from None


def replace(endpoint_id: UUID, wanted: Sequence[Wanted]) -> None:
    """Make the endpoint's subscriptions exactly ``wanted``; rows whose pattern stays keep their id.

    Two at once: the endpoint's row is locked, so one of the lists wins as a whole.
    Raises :class:`InvalidInput` (also for none, too many or a pattern that is there twice), :class:`NotFound`.
    """
    endpoint_fields.clean({"event_types": [item.pattern for item in wanted]}, partial=True)
    for item in wanted:
        check(item)
    with transaction.atomic():
        endpoint = (
            Endpoint.objects.existing()
            .select_for_update()
            .filter(id=endpoint_id)
            .only("id", "tenant_id", "url", "version")
            .first()
        )
        if endpoint is None:
            raise NotFound("There is no such webhook.")
        version_pins.check(endpoint.tenant_id, endpoint.version, [item.pattern for item in wanted])
        rows = {row.pattern: row for row in endpoint.subscriptions.all()}
        before = [_shown(row) for row in rows.values()]
        endpoint.subscriptions.exclude(pattern__in=[item.pattern for item in wanted]).delete()
        for item in wanted:
            row = rows.get(item.pattern) or Subscription(endpoint=endpoint, pattern=item.pattern)
            row.filter, row.channels = item.filter, item.channels
            row.save()
        endpoint.save(update_fields=["updated_at"])
        changes = audit.changed({"subscriptions": _sorted(before)}, {"subscriptions": _sorted(map(_shown, wanted))})
        if changes:
            audit.record(
                "webhook.updated", "webhook", [endpoint_id], tenant_id=endpoint.tenant_id, label=endpoint.url,
                changes=changes,
            )  # fmt: skip


def _shown(item: Wanted | Subscription) -> dict[str, Any]:
    return {"pattern": item.pattern, "filter": item.filter, "channels": list(item.channels)}


def _sorted(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: str(item["pattern"]))
