"""Events: what was published, and where it went."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import bodies, markup, search
from webhooks.admin.base import operation
from webhooks.admin.confirm import confirmation, confirmed
from webhooks.admin.deliveries import PartitionedColumns
from webhooks.admin.filters import ChoiceFilter, TenantFilter, WindowFilter
from webhooks.admin.related import prefetch, tenant_of
from webhooks.core import ids
from webhooks.core.patterns import InvalidPattern, check_event_type
from webhooks.models import Delivery, Endpoint, Event, Tenant
from webhooks.services import deliveries as service

ROWS_SHOWN = 200  # deliveries and refusals on the page of one event

_REFUSALS = {"filter": "the filter does not match", "channel": "other channels", "version": "pinned to another version"}


class OriginFilter(ChoiceFilter):
    title = "origin"
    parameter_name = "origin"
    field = "origin"
    options = {str(value): str(label) for value, label in Event.Origin.choices}


class RoutedFilter(ChoiceFilter):
    """``waiting`` has the outbox index; ``unmatched`` are events that nobody wanted."""

    title = "routing"
    parameter_name = "routing"
    options = {"waiting": "Not routed yet", "unmatched": "Matched no endpoint"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(fanned_out_at=None)
        if self.value() == "unmatched":
            return queryset.filter(matched=0, fanned_out_at__isnull=False)
        return queryset

    @property
    def scans(self) -> bool:
        return self.value() == "unmatched"


@admin.register(Event)
class EventAdmin(PartitionedColumns[Event]):
    """An accepted event."""

    id_prefix = ids.EVENT
    search_ids = {ids.EVENT: "pk"}
    search_fields = ("pk",)
    search_help_text = "An evt_… id, the publisher's own id, or a whole event type such as order.created."
    list_display = ("shown_id", "type", "tenant_name", "origin", "routed", "created")
    list_filter = (WindowFilter, TenantFilter, RoutedFilter, OriginFilter)
    actions = ("replay",)
    buttons = ("replay",)
    detail_template = "admin/webhooks/event/detail.html"

    def get_urls(self) -> list[URLPattern]:
        download = path(
            "<path:object_id>/data/", self.admin_site.admin_view(self.data_view), name="webhooks_event_data"
        )
        return [download, *super().get_urls()]

    def list_queryset(self, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.only(
            "id", "key", "type", "version", "tenant_id", "origin", "created_at", "fanned_out_at", "matched"
        ).prefetch_related(*prefetch("tenant"))

    def search_text(self, queryset: QuerySet[Event], term: str) -> QuerySet[Event]:
        """The publisher's id, else the type. The tenants are named because the index on types begins with them."""
        if found := search.events_with_key(term):
            return queryset.filter(pk__in=found)
        try:
            check_event_type(term)
        except InvalidPattern:
            return queryset.none()
        return queryset.filter(type=term, tenant_id__in=Tenant.objects.values("pk"))

    def search_is_exact(self, term: str) -> bool:
        return super().search_is_exact(term) or bool(term.strip() and search.events_with_key(term))

    def search_scans(self, term: str) -> bool:
        return bool(term.strip()) and not self.search_is_exact(term)

    @admin.display(description="ID")
    def shown_id(self, obj: Event) -> SafeString:
        return (
            format_html('<code class="c-clip" title="{}">{}</code>', obj.key, obj.key)
            if obj.key
            else self.short_id(obj)
        )

    @admin.display(description="routing")
    def routed(self, obj: Event) -> SafeString:
        if obj.fanned_out_at is None:
            return markup.badge("waiting", "not routed yet")
        if not obj.matched:
            return markup.badge("unmatched", "no endpoint wants it")
        return format_html("{} {}", obj.matched, "delivery" if obj.matched == 1 else "deliveries")

    @admin.display(description="happened")
    def created(self, obj: Event) -> SafeString:
        return markup.when(obj.created_at)

    @operation("Replay selected")
    def replay(self, request: HttpRequest, queryset: QuerySet[Event]) -> HttpResponseBase | None:
        """Send events again to every endpoint that had a delivery of them."""
        rows = list(queryset.only("id", "type", "key"))
        if not confirmed(request):
            return confirmation(
                self, request, title="Replay events", objects=rows, button="Replay",
                sentence="Each event is sent again, as a new delivery, to every endpoint that had one of it before.",
            )  # fmt: skip
        made, bells = service.replay_events([row.pk for row in rows], None)
        doorbells.on_commit(doorbells.ring, bells)
        self.record(request, rows, "Replayed.")
        level = messages.SUCCESS if made else messages.WARNING
        self.message_user(request, f"{len(rows)} replayed: {len(made)} new deliveries.", level)
        return None

    def detail(self, request: HttpRequest, obj: Event) -> dict[str, Any]:
        deliveries = Delivery.objects.filter(event_id=obj.pk).prefetch_related(*prefetch("endpoint")).order_by("-pk")
        rows = list(deliveries[: ROWS_SHOWN + 1])
        refusals = list(obj.routing or [])
        return {
            "subtitle": f"{obj.type} · {obj.public_id}",
            "tenant": tenant_of(obj),
            "body": bodies.body(bytes(obj.data)),
            "metadata": bodies.indent(_json(obj.metadata)) if obj.metadata else "",
            "deliveries": rows[:ROWS_SHOWN],
            "more": len(rows) > ROWS_SHOWN,
            "refusals": _refusals(refusals[:ROWS_SHOWN]),
            "refused": len(refusals),
        }

    def data_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The bytes as published. A download of an opaque type, so a browser never renders them."""
        event = self.get_object(request, object_id)
        if not self.has_view_permission(request, event):
            raise PermissionDenied
        if event is None:
            return self.not_found(request, object_id)
        return HttpResponse(
            bytes(event.data),
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{ids.show(ids.EVENT, event.pk)}.json"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refusals(entries: list[Any]) -> list[tuple[Endpoint | None, str, str]]:
    """(endpoint or None, shown id, sentence) of the fan-out's trace."""
    shown = [(str(entry.get("webhook", "")), str(entry.get("reason", ""))) for entry in entries]
    keys = {text: ids.parse(ids.WEBHOOK, text) for text, _ in shown}
    found = Endpoint.objects.only("id", "url").in_bulk([key for key in keys.values() if key])
    return [(found.get(keys[text]), text, _REFUSALS.get(reason, reason)) for text, reason in shown]
