"""Operations: bulk work in steps, how far it is, and its end."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import bodies, markup
from webhooks.admin.base import LedgerAdmin, operation
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.related import prefetch, prefetched, tenant_of
from webhooks.core import ids
from webhooks.models import Delivery, Operation
from webhooks.services.operations import creating, files


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    field = "status"
    options = {str(value): str(label) for value, label in Operation.Status.choices}


class TypeFilter(ChoiceFilter):
    title = "type"
    parameter_name = "type"
    field = "type"
    options = {str(value): str(label) for value, label in Operation.Type.choices}


@admin.register(Operation)
class OperationAdmin(LedgerAdmin[Operation]):
    """A replay, an export or the like."""

    id_prefix = ids.OPERATION
    search_ids = {ids.OPERATION: "pk"}
    search_fields = ("pk",)
    search_help_text = "An op_… id."
    list_display = ("short_id", "badge", "type", "tenant_name", "progress", "actor_label", "ordered", "ended")
    list_filter = (StatusFilter, TypeFilter, TenantFilter)
    actions = ("cancel",)
    buttons = ("cancel",)
    detail_template = "admin/webhooks/operation/detail.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        """Without the texts of imports."""
        return super().get_queryset(request).defer("input")

    def list_queryset(self, queryset: QuerySet[Operation]) -> QuerySet[Operation]:
        return queryset.prefetch_related(*prefetch("tenant"))

    @admin.display(description="status")
    def badge(self, obj: Operation) -> SafeString:
        waits = obj.cancel_requested_at and not obj.finished
        return markup.badge(obj.status, "being cancelled" if waits else None)

    @admin.display(description="tenant")
    def tenant_name(self, obj: Operation) -> str:
        tenant = prefetched(obj, "tenant")
        return tenant.slug if tenant else ids.show(ids.TENANT, obj.tenant_id)

    @admin.display(description="progress")
    def progress(self, obj: Operation) -> SafeString:
        return format_html("{} of {}", obj.done, "?" if obj.total is None else obj.total)

    @admin.display(description="ordered")
    def ordered(self, obj: Operation) -> SafeString:
        return markup.when(obj.created_at)

    @admin.display(description="ended")
    def ended(self, obj: Operation) -> SafeString:
        return markup.when(obj.finished_at) if obj.finished_at else markup.NOTHING

    def button_fits(self, name: str, obj: Operation) -> bool:
        return not obj.finished and obj.cancel_requested_at is None

    @operation("Cancel selected")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """End them before their next step; what was done stays done."""
        rows = list(queryset)
        asked = [row.pk for row in rows if creating.cancel(row.pk)]
        doorbells.on_commit(doorbells.ring_operate, asked)
        self.record(request, rows, "Cancelled.")
        level = messages.SUCCESS if len(asked) == len(rows) else messages.WARNING
        text = f"Cancelled {len(asked)} of {len(rows)}; any others had ended before. They end before their next step."
        self.message_user(request, text, level)

    def detail(self, request: HttpRequest, obj: Operation) -> dict[str, Any]:
        told = Delivery.objects.filter(endpoint_id=obj.callback_id).order_by("-pk").first() if obj.callback_id else None
        return {
            "subtitle": f"{obj.type} · {obj.public_id}",
            "tenant": tenant_of(obj),
            "params": bodies.indent(json.dumps(obj.params, ensure_ascii=False)),
            "result": bodies.indent(json.dumps(obj.tally, ensure_ascii=False)) if obj.tally else "",
            "result_url": files.result_url(obj),
            "callback": obj.callback,
            "told": told,
        }
