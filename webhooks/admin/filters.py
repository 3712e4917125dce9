"""Filters of the side bar. None of them lists a table, and each says whether it has an index.

``scans`` is true while a filter is on that no index serves: the change list then looks at a bounded number
of rows (:data:`webhooks.admin.keyset.SCAN`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Tenant
from webhooks.services.tenants import find_tenant

WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "all": None}
_WINDOW_NAMES = {"24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days", "all": "Everything kept"}
TENANTS_OFFERED = 50  # names to complete from; any other tenant is found by typing


# Values that have an index of their own in a large table, by field.
_SERVED: Mapping[str, Collection[str]] = {
    "state": Delivery.INDEXED_STATES,
    "resolution": (DeadLetter.Resolution.OPEN,),
}


class ChoiceFilter(SimpleListFilter):
    """A choice of values of ``field``; ``default`` is applied, and shown as chosen, while nothing is."""

    field = ""
    options: Mapping[str, str] = {}
    default: str | None = None
    indexed = False

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return list(self.options.items())

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in (*self.options, "all") else self.default

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        everything = None if self.default is None else "all"
        for key, name in [(everything, "All"), *self.lookup_choices]:
            yield {
                "selected": self.value() == key,
                "query_string": changelist.get_query_string({str(self.parameter_name): key}),
                "display": name,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value in (None, "all") else queryset.filter(self.condition(str(value)))

    def condition(self, value: str) -> Q:
        return Q(**{self.field: value})

    @property
    def scans(self) -> bool:
        return not self.indexed and self.value() not in (None, "all", *_SERVED.get(self.field, ()))


class WindowFilter(SimpleListFilter):
    """How far back to look, as a lower bound of the UUIDv7 key: older partitions are not touched at all."""

    title = "time"
    parameter_name = "window"
    scans = False
    default = "7d"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        self._exact = model_admin.search_is_exact(request.GET.get(SEARCH_VAR, ""))
        return list(_WINDOW_NAMES.items())

    def value(self) -> str:
        chosen = super().value()
        return chosen if chosen in WINDOWS else self.default

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for key, name in _WINDOW_NAMES.items():
            yield {
                "selected": self.value() == key,
                "query_string": changelist.get_query_string({"window": key}),
                "display": name,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.lower is None else queryset.filter(pk__gte=self.lower)

    @cached_property
    def lower(self) -> UUID | None:
        """The lowest key shown. Who searches for one id wants to find it, however old it is."""
        span = None if self._exact else WINDOWS[self.value()]
        return None if span is None else ids.floor(datetime.now(UTC) - span)


class TextFilter(SimpleListFilter):
    """A filter that is typed in. Subclasses turn the text into a condition, None when it names nothing."""

    template = "admin/webhooks/filter_text.html"
    placeholder = ""
    scans = False

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.parameter_name
            for value in values
        ]
        yield {
            "name": self.parameter_name,
            "value": self.value() or "",
            "others": others,
            "offered": self.offered(),
            "placeholder": self.placeholder,
            "clear": changelist.get_query_string({str(self.parameter_name): None}),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        if not text:
            return queryset
        condition = self.condition(text)
        return queryset.none() if condition is None else queryset.filter(condition)

    def condition(self, text: str) -> Q | None:
        raise NotImplementedError

    def offered(self) -> list[str]:
        return []


class TenantFilter(TextFilter):
    """A tenant by slug or ``ten_…`` id, with the first slugs to complete from."""

    title = "tenant"
    parameter_name = "tenant"
    placeholder = "slug or ten_…"

    def condition(self, text: str) -> Q | None:
        if self._text != text:  # a list asks twice: for its rows, and for how far a scan may go
            self._text, self._key = text, find_tenant(text)
        return Q(tenant_id=self._key) if self._key else None

    _text: str | None = None
    _key: UUID | None = None

    def offered(self) -> list[str]:
        return list(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:TENANTS_OFFERED])


class EndpointFilter(TextFilter):
    """An endpoint by ``wh_…`` id."""

    title = "endpoint"
    parameter_name = "endpoint"
    placeholder = "wh_…"

    def condition(self, text: str) -> Q | None:
        key = ids.parse(ids.WEBHOOK, text)
        return Q(endpoint_id=key) if key else None
