"""Which deliveries are pending, newest first: found through the mailboxes.

No index has the pending deliveries of a tenant in the order of their keys, because it would cost every delivery two
more entries. But each mailbox knows whether it has any and the oldest key they can have, and the index that
settles mailboxes has them in order for one endpoint: a page is merged from the heads of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from webhooks.models import Mailbox

_BOXES = 200  # endpoints with something pending that are merged: some 10 ms. With more, the newest rows are full of it


class Box(NamedTuple):
    """An endpoint with pending deliveries, none of them with a smaller key than ``oldest``."""

    endpoint_id: UUID
    oldest: UUID


def boxes(tenant_id: UUID | None) -> list[Box] | None:
    """Where a tenant (None: anybody) has pending deliveries; None when that is at too many endpoints to merge."""
    rows = Mailbox.objects.for_tenant(tenant_id).filter(next_due_at__isnull=False, oldest_pending_id__isnull=False)
    pairs = rows.values_list("endpoint_id", "oldest_pending_id")[: _BOXES + 1]
    found = [Box(endpoint_id, key) for endpoint_id, key in pairs if key]
    return found if len(found) <= _BOXES else None


def oldest(tenant_id: UUID | None, endpoint_id: UUID | None = None) -> UUID | None:
    """A lower bound of the keys of all unfinished deliveries; None when there are none."""
    rows = Mailbox.objects.for_tenant(tenant_id).filter(oldest_pending_id__isnull=False)
    if endpoint_id is not None:
        rows = rows.filter(endpoint_id=endpoint_id)
    return rows.order_by("oldest_pending_id").values_list("oldest_pending_id", flat=True).first()


# The planner, who does not know which endpoints are meant, expects a handful of rows of each and then finds reading
# all that is pending and sorting it as good as reading the first ones in the order of an index.
_IN_ORDER = "SELECT set_config('enable_sort', %s, true)"
_PENDING = """
SELECT head.id
FROM unnest(%s::uuid[], %s::uuid[]) AS box(endpoint_id, oldest)
CROSS JOIN LATERAL (
    SELECT d.id FROM webhooks_delivery d
    WHERE d.endpoint_id = box.endpoint_id AND d.state = 'pending' AND d.state IN ('pending', 'sending', 'held')
      AND d.id >= box.oldest AND d.id >= %s AND d.id < %s
    ORDER BY d.id {order} LIMIT %s
) AS head
ORDER BY head.id {order} LIMIT %s
"""


def pending(found: Sequence[Box], lower: UUID, upper: UUID, limit: int, *, newest_first: bool = True) -> list[UUID]:
    """Keys in [lower, upper) of the pending deliveries of these mailboxes, in order of their keys."""
    lower = max(lower, min((box.oldest for box in found), default=upper))
    if lower >= upper:
        return []
    sql = _PENDING.format(order="DESC" if newest_first else "ASC")
    columns = [list(column) for column in zip(*found, strict=True)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_IN_ORDER, ["off"])
        cursor.execute(sql, [*columns, lower, upper, limit, limit])
        keys = [key for (key,) in cursor.fetchall()]
        cursor.execute(_IN_ORDER, ["on"])
    return keys
