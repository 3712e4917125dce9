"""Received messages and the runs of processors: what came in, what was made of it, and doing it again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import bodies, markup
from webhooks.admin.base import LedgerAdmin, M, operation
from webhooks.admin.confirm import confirmation, confirmed
from webhooks.admin.filters import ChoiceFilter, TenantFilter, TextFilter, WindowFilter
from webhooks.admin.related import event_of, prefetch, prefetched, source_of, tenant_of
from webhooks.core import ids
from webhooks.core.headers import mask_headers
from webhooks.errors import Conflict
from webhooks.models import ProcessorRun, ReceivedKey, ReceivedMessage, Source
from webhooks.services import processing
from webhooks.services.processor_runs import runs_of

_SAME_KEY = 50  # sources whose providers gave one id


class SourceFilter(TextFilter):
    """A source by its ``src_…`` id."""

    title = "source"
    parameter_name = "source"
    placeholder = "src_…"

    def condition(self, text: str) -> Q | None:
        key = ids.parse(ids.SOURCE, text)
        return Q(source_id=key) if key else None


class ReceivedStatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    field = "status"
    options = {str(value): str(label) for value, label in ReceivedMessage.Status.choices}

    @property
    def scans(self) -> bool:
        """What failed has an index of its own."""
        return self.value() not in (None, "all", ReceivedMessage.Status.FAILED)


class RunStatusFilter(ChoiceFilter):
    """Dead and waiting runs have an index of their own."""

    title = "status"
    parameter_name = "status"
    field = "status"
    options = {str(value): str(label) for value, label in ProcessorRun.Status.choices}

    @property
    def scans(self) -> bool:
        return self.value() not in (None, "all", ProcessorRun.Status.DEAD)


class OfASource(LedgerAdmin[M]):
    """Columns of rows that point at a source and a tenant, any of which may be gone."""

    @admin.display(description="source")
    def source_link(self, obj: Any) -> SafeString:
        source = prefetched(obj, "source")
        return markup.link(source, source.name, "c-clip") if source else markup.NOTHING

    @admin.display(description="tenant")
    def tenant_name(self, obj: Any) -> str:
        tenant = prefetched(obj, "tenant")
        return tenant.slug if tenant else ids.show(ids.TENANT, obj.tenant_id)


@admin.register(ReceivedMessage)
class ReceivedMessageAdmin(OfASource[ReceivedMessage]):
    """One message of a source, as it came."""

    id_prefix = ids.RECEIVED
    search_ids = {ids.RECEIVED: "pk", ids.SOURCE: "source_id"}
    search_fields = ("pk",)
    search_help_text = "An rcv_… or src_… id, or the provider's own id of a message."
    list_display = ("short_id", "badge", "what", "source_link", "tenant_name", "checked", "came")
    list_filter = (ReceivedStatusFilter, WindowFilter, TenantFilter, SourceFilter)
    actions = ("replay",)
    buttons = ("replay",)
    detail_template = "admin/webhooks/receivedmessage/detail.html"

    def get_urls(self) -> list[URLPattern]:
        body = self.admin_site.admin_view(self.body_view)
        return [path("<path:object_id>/body/", body, name="webhooks_receivedmessage_body"), *super().get_urls()]

    def list_queryset(self, queryset: QuerySet[ReceivedMessage]) -> QuerySet[ReceivedMessage]:
        return queryset.defer("body", "headers", "answer").prefetch_related(*prefetch("source", "tenant"))

    def search_text(self, queryset: QuerySet[ReceivedMessage], term: str) -> QuerySet[ReceivedMessage]:
        """The provider's id. The sources are named because the index on keys begins with them."""
        keys = ReceivedKey.objects.filter(key=term, source_id__in=Source.objects.values("pk"))
        return queryset.filter(pk__in=list(keys.values_list("received_id", flat=True)[:_SAME_KEY]))

    def search_is_exact(self, term: str) -> bool:
        return bool(term.strip())

    @admin.display(description="status")
    def badge(self, obj: ReceivedMessage) -> SafeString:
        return format_html(
            '{} <small class="c-clip" title="{}">{}</small>', markup.badge(obj.status), obj.reason, obj.reason
        )

    @admin.display(description="type and id")
    def what(self, obj: ReceivedMessage) -> SafeString:
        return format_html(
            '<span class="c-clip" title="{}">{}</span><br><small class="c-clip" title="{}">{}</small>',
            obj.event_type, obj.event_type or "unknown", obj.key, obj.key,
        )  # fmt: skip

    @admin.display(description="verification")
    def checked(self, obj: ReceivedMessage) -> SafeString:
        return markup.badge(obj.verification) if obj.verification else markup.NOTHING

    @admin.display(description="received")
    def came(self, obj: ReceivedMessage) -> SafeString:
        return markup.when(obj.received_at)

    def button_fits(self, name: str, obj: ReceivedMessage) -> bool:
        return obj.status in (ReceivedMessage.Status.PROCESSED, ReceivedMessage.Status.FAILED)

    @operation("Replay selected")
    def replay(self, request: HttpRequest, queryset: QuerySet[ReceivedMessage]) -> HttpResponseBase | None:
        """Run every processor of these messages again."""
        rows = list(queryset.defer("body", "headers", "answer"))
        if not confirmed(request):
            return confirmation(
                self, request, title="Replay received messages", objects=rows, button="Replay",
                sentence="Every processor runs again with each message, also one that has succeeded. A message "
                "that has become an event makes no second one.",
            )  # fmt: skip
        done, runs = [], []
        for row in rows:
            try:
                runs += processing.replay(row.pk)
                done.append(row)
            except Conflict as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
        doorbells.on_commit(doorbells.ring_runs, runs)
        self.record(request, done, "Replayed.")
        self.message_user(request, f"{len(done)} replayed: {len(runs)} runs.", messages.SUCCESS)
        return None

    def detail(self, request: HttpRequest, obj: ReceivedMessage) -> dict[str, Any]:
        raw = bytes(obj.body)
        return {
            "subtitle": obj.public_id,
            "source": source_of(obj),
            "tenant": tenant_of(obj),
            "event": event_of(obj) if obj.event_id else None,
            "event_id": ids.show(ids.EVENT, obj.event_id) if obj.event_id else "",
            "headers": _masked(obj.headers),
            "body": bodies.body(raw),
            "raw": bodies.body(raw, indented=False),
            "runs": list(runs_of(obj.pk).order_by("created_at", "processor")),
        }

    def body_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The bytes as they came. A download of an opaque type, so a browser never renders them."""
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self.not_found(request, object_id)
        return HttpResponse(
            bytes(row.body),
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{row.public_id}.bin"',
                "X-Content-Type-Options": "nosniff",
            },
        )


@admin.register(ProcessorRun)
class ProcessorRunAdmin(OfASource[ProcessorRun]):
    """A received message and a processor."""

    id_prefix = ids.PROCESSOR_RUN
    search_ids = {ids.PROCESSOR_RUN: "pk"}
    search_fields = ("pk",)
    search_help_text = "A prr_… id."
    list_display = ("short_id", "badge", "processor", "source_link", "tenant_name", "attempts", "took", "next_or_end")
    list_filter = (RunStatusFilter, WindowFilter, TenantFilter, SourceFilter)
    actions = ("replay",)
    buttons = ("replay",)
    detail_template = "admin/webhooks/processorrun/detail.html"

    def list_queryset(self, queryset: QuerySet[ProcessorRun]) -> QuerySet[ProcessorRun]:
        return queryset.defer("result", "traceback").prefetch_related(*prefetch("source", "tenant"))

    @admin.display(description="status")
    def badge(self, obj: ProcessorRun) -> SafeString:
        return format_html(
            '{} <small class="c-clip" title="{}">{}</small>', markup.badge(obj.status), obj.error, obj.error
        )

    @admin.display(description="took")
    def took(self, obj: ProcessorRun) -> SafeString:
        return markup.milliseconds(obj.duration_ms)

    @admin.display(description="next try / end")
    def next_or_end(self, obj: ProcessorRun) -> SafeString:
        return markup.when(obj.due_at if obj.status == ProcessorRun.Status.PENDING else obj.finished_at)

    def button_fits(self, name: str, obj: ProcessorRun) -> bool:
        return obj.status in (ProcessorRun.Status.DEAD, ProcessorRun.Status.SUCCEEDED)

    @operation("Replay selected")
    def replay(self, request: HttpRequest, queryset: QuerySet[ProcessorRun]) -> None:
        """Run each again with the same message, if it is over."""
        rows = list(queryset.defer("result", "traceback"))
        runs = processing.replay_runs([row.pk for row in rows])
        doorbells.on_commit(doorbells.ring_runs, runs)
        self.record(request, [row for row in rows if row.pk in runs], "Replayed.")
        level = messages.SUCCESS if len(runs) == len(rows) else messages.WARNING
        left = "; the others wait, are running or have made an event already" if len(runs) < len(rows) else ""
        self.message_user(request, f"Replaying {len(runs)} of {len(rows)}{left}.", level)

    def detail(self, request: HttpRequest, obj: ProcessorRun) -> dict[str, Any]:
        message = ReceivedMessage.objects.filter(pk=obj.received_id).defer("body", "headers", "answer").first()
        return {
            "subtitle": obj.public_id,
            "source": source_of(obj),
            "tenant": tenant_of(obj),
            "message": message,
            "result": bodies.as_json(obj.result) if obj.result is not None else "",
        }


def _masked(headers: Any) -> list[tuple[str, str]]:
    """Headers are masked when they are stored; once more, because rows may be older than a rule."""
    return [pair for item in markup.header_pairs(headers) for pair in mask_headers(dict([item])).items()]
