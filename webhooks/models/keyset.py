"""Pages of large tables: newest first, from the ends of a few indexes, in bounded time at any size.

Most filters have an index and are plain querysets. The others make a :class:`Searched`, which knows the same rows
without those filters: a page looks at no more than SCAN of them and may end early, with a key to go on from.
Functions that return :data:`Found` tell where their search ended: all rows up to and with that key have been looked
at. None: there are no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet, prefetch_related_objects

from webhooks.core import ids
from webhooks.models.partitions import TABLES

SCAN = 2_500  # rows that one page looks at for filters without an index: some 6 ms, with each in a block of its own
_DAY = timedelta(days=1)
_LATEST = ids.floor(datetime(9999, 1, 1, tzinfo=UTC))

Found = tuple[list[Any], UUID | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond the key ``start`` (None: at the newest row), towards older or newer rows.

    ``lower`` (inclusive) and ``upper`` (exclusive): the rows are known to lie between them; not applied here.
    """

    start: UUID | None = None
    newer: bool = False
    lower: UUID | None = None
    upper: UUID | None = None

    def beyond(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Rows on this side of the start, the nearest first."""
        rows = rows.order_by("id" if self.newer else "-id")
        if self.start is None:
            return rows
        return rows.filter(id__gt=self.start) if self.newer else rows.filter(id__lt=self.start)

    def up_to(self, rows: QuerySet[Any], end: UUID | None) -> QuerySet[Any]:
        """Rows no farther away than ``end``."""
        if end is None:
            return rows
        return rows.filter(id__lte=end) if self.newer else rows.filter(id__gte=end)

    def nearer(self, *ends: UUID | None) -> UUID | None:
        """The end that is reached first."""
        known = [end for end in ends if end is not None]
        return (min(known) if self.newer else max(known)) if known else None

    def stretches(self, end: UUID | None = None) -> list[Stretch]:
        """What lies beyond the place up to ``end``, in two parts: two days at the start, and all farther away if there
        is any. Planning for forty partitions takes longer than reading a page from two, and most pages are full then.
        """
        lower, upper = (self.lower, end or self.upper) if self.newer else (end or self.lower, self.upper)
        if self.newer:
            begin = max(key for key in (self.start, lower, UUID(int=0)) if key is not None)
            cut = ids.floor(_midnight(begin) + 2 * _DAY)
            return [Stretch(None, cut)] + [Stretch(cut, None)] * (upper is None or upper >= cut)
        begin = min((key for key in (self.start, upper) if key is not None), default=ids.floor(datetime.now(UTC)))
        cut = ids.floor(_midnight(begin) - _DAY)
        return [Stretch(cut, None)] + [Stretch(None, cut)] * (lower is None or lower < cut)

    def days(self, oldest: UUID) -> Iterator[Stretch]:
        """What lies beyond the place day by day, the nearest first: no farther than ``oldest`` or tomorrow."""
        low = max(key for key in (self.lower, oldest) if key is not None)
        high = min(key for key in (self.upper, ids.floor(datetime.now(UTC) + _DAY)) if key is not None)
        if self.start is not None:
            low, high = (max(low, self.start), high) if self.newer else (low, min(high, self.start))
        day = _midnight(low if self.newer else high)
        while ids.floor(day) <= high and ids.floor(day + _DAY) > low:
            yield Stretch(ids.floor(day), ids.floor(day + _DAY))
            day += _DAY if self.newer else -_DAY


class Stretch(NamedTuple):
    """Keys from ``lower`` (inclusive) to ``upper`` (exclusive); None: no bound."""

    lower: UUID | None
    upper: UUID | None

    def last(self, *, newer: bool) -> UUID | None:
        """The key in it that is reached last."""
        if newer:
            return None if self.upper is None else UUID(int=self.upper.int - 1)
        return self.lower

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows in it."""
        if self.lower is not None:
            rows = rows.filter(id__gte=self.lower)
        return rows if self.upper is None else rows.filter(id__lt=self.upper)


def _midnight(key: UUID) -> datetime:
    """The beginning of a key's day. A cursor can hold any key, also one beyond the last year of datetime."""
    return ids.created_at(min(key, _LATEST)).replace(hour=0, minute=0, second=0, microsecond=0)


Look = Callable[["Searched", Place, int], Found]


class Searched(QuerySet[Any]):
    """Rows with conditions that no index serves. ``wide``: the same rows without those conditions.

    ``look`` finds a page of exactly these rows; a further filter replaces it by the general one.
    """

    wide: QuerySet[Any]
    look: Look

    @classmethod
    def of(cls, wide: QuerySet[Any], rows: QuerySet[Any], look: Look) -> Searched:
        made = cls(rows.model, rows.query.chain(), rows.db)
        made.wide, made.look = wide, look
        return made

    def filter(self, *args: Any, **kwargs: Any) -> Searched:
        return Searched.of(self.wide.filter(*args, **kwargs), self.plain().filter(*args, **kwargs), by_window)

    def plain(self) -> QuerySet[Any]:
        """The same rows as an ordinary queryset, which is also what any other method begins with."""
        return QuerySet(self.model, self.query.chain(), self.db)

    _clone = plain


def find(rows: QuerySet[Any], place: Place, count: int) -> Found:
    """Up to ``count`` rows, nearest first, and where the search ended."""
    if isinstance(rows, Searched):
        return rows.look(rows, place, count)
    return nearest(rows, place, count), None


def nearest(rows: QuerySet[Any], place: Place, count: int, end: UUID | None = None) -> list[Any]:
    """The first ``count`` rows, none of them beyond ``end``."""
    rows = place.beyond(place.up_to(rows, end))
    if rows.model._meta.db_table not in TABLES:
        return list(rows[:count])
    found: list[Any] = []
    for stretch in place.stretches(end):
        found += stretch.of(rows)[: count - len(found)]
        if len(found) == count:
            break
    return found


def in_order(rows: Searched, place: Place, count: int) -> Found:
    """:func:`by_window` for a wide set that an index has in the order of the keys.

    The planner multiplies the share of a tenant by that of its endpoint, expects a handful of rows, and would read all
    there are to sort them: a second for an endpoint with a hundred thousand. So it must not sort.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(_SORTING, ["off"])
        found = by_window(rows, place, count)
        cursor.execute(_SORTING, ["on"])
    return found


_SORTING = "SELECT set_config('enable_sort', %s, true)"


def by_window(rows: Searched, place: Place, count: int) -> Found:
    """Filter the nearest SCAN rows of the wide set in one pass, which ends when the page is full.

    Of a partitioned table first those of two days; only when they are too few, SCAN of those before.
    """
    whole = rows.model._meta.db_table not in TABLES
    found: list[Any] = []
    for stretch in [Stretch(None, None)] if whole else place.stretches():
        more, end = _pass(rows, stretch, place, count - len(found))
        found += more
        if end is not None or len(found) == count:
            return found, end
    return found, None


# ``fits`` is the condition of the search. The row at which the pass ends is there in any case.
_WINDOW = """
SELECT {columns}, {table}.fits, {table}.nth FROM (
    SELECT {table}.*, ({where}) AS fits, row_number() OVER (ORDER BY {table}.id {order}) AS nth FROM ({wide}) AS {table}
) AS {table} WHERE {table}.fits OR {table}.nth = {last} ORDER BY {table}.id {order} LIMIT {count}
"""


def _pass(rows: Searched, stretch: Stretch, place: Place, count: int) -> Found:
    """Up to ``count`` rows that fit among the first SCAN of the wide set in a stretch, and the last one's key.

    The wide set is a subquery under the table's own name, so the conditions are the very ones of the ORM. PostgreSQL
    neither pushes them below its LIMIT nor sorts again, and reads on only as long as the page is not full.
    """
    near = place.beyond(stretch.of(rows.wide)).select_related(None).defer(None)[:SCAN]
    query = rows.plain().select_related(None).query
    compiler = query.get_compiler(rows.db)
    try:
        wide, wide_params = near.query.sql_with_params()
        compiler.pre_sql_setup()
        where, params = compiler.compile(query.where)
    except EmptyResultSet:  # Django sees that no row can fit
        return [], None
    sql = _WINDOW.format(
        columns=", ".join(column for _, (column, _), _ in compiler.select),
        table=compiler.quote_name_unless_alias(rows.model._meta.db_table),
        where=where, wide=wide, last=SCAN, order="ASC" if place.newer else "DESC", count=count,
    )  # fmt: skip
    found = list(rows.model._base_manager.using(rows.db).raw(sql, [*params, *wide_params]))
    end = found[-1].pk if found and found[-1].nth == SCAN else None
    fitting = [row for row in found if row.fits]
    if isinstance(related := rows.query.select_related, dict):  # a join would be ambiguous with the subquery
        prefetch_related_objects(fitting, *related)
    return fitting, end


def reach(rows: QuerySet[Any], place: Place, count: int) -> UUID | None:
    """The key of the ``count``-th row; None when there are no more than that."""
    keys = place.beyond(rows).values_list("id", flat=True)
    if rows.model._meta.db_table in TABLES and len(stretches := place.stretches()) > 1:
        for key in stretches[0].of(keys)[count - 1 : count]:
            return UUID(int=key.int)
    return next(iter(keys[count - 1 : count]), None)
