"""What rows that name an event by its key need to know of it.

Not a join, which would hide rows whose event has expired. The statements are prepared: the events of a page can lie on
every day of a month, and planning for that many partitions takes ten times as long as looking 500 keys up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from webhooks.core import ids
from webhooks.services.binding import prepared_cursor

# The bounds leave out the days of none of the keys; within them, each key leads to its own day. The LIMIT has each
# looked up by its key: a plan for any value might begin with all events of the type.
_BY_KEY = """
FROM unnest(%(keys)s::uuid[]) AS k(id) CROSS JOIN LATERAL (
    SELECT id, key, type, correlation_id FROM webhooks_event
    WHERE id = k.id AND id >= %(first)s AND id <= %(last)s LIMIT 1
) AS e
"""
_NAMES = f"SELECT e.id, e.key, e.type {_BY_KEY}"
_FITTING = {
    "type": f"SELECT e.id {_BY_KEY} WHERE e.type = %(type)s",
    "correlation_id": f"SELECT e.id {_BY_KEY} WHERE e.correlation_id = %(correlation_id)s",
}


class EventName(NamedTuple):
    """What answers show of an event that is not theirs."""

    id: UUID
    key: str | None
    type: str

    @property
    def public_id(self) -> str:
        return self.key or ids.show(ids.EVENT, self.id)


def names(keys: Collection[UUID]) -> dict[UUID, EventName]:
    """The names of these events; expired ones are missing. One statement, whichever tenant they belong to."""
    return {row[0]: EventName(*row) for row in _rows(_NAMES, keys, {})}


def fitting(keys: Collection[UUID], conditions: Mapping[str, str]) -> set[UUID]:
    """Those of these events that have the values: of ``type`` and ``correlation_id``, one statement each."""
    found = set(keys)
    for column, value in conditions.items():
        found &= {key for (key,) in _rows(_FITTING[column], found, {column: value})}
    return found


def _rows(sql: str, keys: Collection[UUID], values: Mapping[str, str]) -> list[Any]:
    if not keys:
        return []
    with prepared_cursor() as cursor:
        cursor.execute(sql, {"keys": list(keys), "first": min(keys), "last": max(keys), **values})
        rows: list[Any] = cursor.fetchall()
    return rows
