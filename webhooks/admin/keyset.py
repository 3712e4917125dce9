"""Change lists for tables of millions of rows: newest first, paged by key, never counted.

Invariant: a page costs one page of index entries or, while a filter without an index of its own is on, at
most SCAN rows. It never costs COUNT(*), a deep OFFSET, or a sort of more than that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks.core import ids
from webhooks.models.keyset import Place, nearest, reach

if TYPE_CHECKING:
    from webhooks.admin.base import ClarionAdmin

# Rows that one request looks at for a filter without an index: some 30 ms. What lies beyond is one click away.
SCAN = 10_000
BEFORE = "before"
AFTER = "after"


class KeysetChangeList(ChangeList):
    """A change list ordered by ``-pk`` (UUIDv7), with *newer* and *older* instead of page numbers."""

    # Where the pages beside this one start; None: there is nothing there.
    older: UUID | None = None
    newer: UUID | None = None
    # Set when the page ends because SCAN rows were looked at, not because it is full.
    scanned_until: datetime | None = None

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """All matching rows. The position is no filter: links to other filters start at the newest row."""
        for name in (BEFORE, AFTER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        queryset = super().get_queryset(request, exclude_parameters)
        return self._admin.list_queryset(queryset)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        before, after = _key(request.GET.get(BEFORE)), _key(request.GET.get(AFTER))
        rows: list[Any] = []
        if after:
            rows, self.newer = self._walk(request, after, up=True)
            # `before` leaves out its own key, and the row `after` itself belongs to the older page.
            self.older = rows[-1].pk if rows else UUID(int=after.int + 1)
        if not self.newer:  # no position, or the walk up has reached the top: a full first page
            rows, self.older = self._walk(request, None if after else before, up=False)
            if before and not after:
                self.newer = rows[0].pk if rows else before
            if self.older and len(rows) < self.list_per_page:
                self.scanned_until = ids.created_at(self.older)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _walk(self, request: HttpRequest, start: UUID | None, *, up: bool) -> tuple[list[Any], UUID | None]:
        """A page beyond ``start``, newest first, and the key to walk on from (None: nothing is left)."""
        size = self.list_per_page
        lowest = [key for spec in self.filter_specs if (key := getattr(spec, "lower", None))]
        place = Place(start, newer=up, lower=max(lowest, default=None))
        end = self._scan_end(request, place) if self._scans() else None
        rows = nearest(self.queryset.order_by(), place, size + 1, end)
        beyond = rows[size - 1].pk if len(rows) > size else end
        rows = rows[:size]
        return (rows[::-1] if up else rows), beyond

    def _scans(self) -> bool:
        return self._admin.search_scans(self.query) or any(getattr(spec, "scans", False) for spec in self.filter_specs)

    def _scan_end(self, request: HttpRequest, place: Place) -> UUID | None:
        """The key SCAN rows beyond the place, among what the indexed filters leave; None: there are fewer."""
        queryset = self.root_queryset
        for spec in self.filter_specs:
            if not getattr(spec, "scans", False):
                filtered = spec.queryset(request, queryset)
                queryset = queryset if filtered is None else filtered
        return reach(queryset.order_by(), place, SCAN + 1)

    @property
    def _admin(self) -> ClarionAdmin[Any]:
        return cast("ClarionAdmin[Any]", self.model_admin)

    @property
    def older_url(self) -> str | None:
        return self.get_query_string({BEFORE: self.older.hex}) if self.older else None

    @property
    def newer_url(self) -> str | None:
        return self.get_query_string({AFTER: self.newer.hex}) if self.newer else None

    @property
    def newest_url(self) -> str:
        return self.get_query_string()


def _key(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
