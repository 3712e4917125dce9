"""Deliveries and attempts: what is being done about an event, and what came of each try."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import bodies, markup, search
from webhooks.admin.base import LedgerAdmin, M, operation
from webhooks.admin.filters import ChoiceFilter, EndpointFilter, TenantFilter, WindowFilter
from webhooks.admin.related import delivery_of, endpoint_of, event_of, prefetch, prefetched, tenant_of
from webhooks.core import ids
from webhooks.core.headers import mask_headers
from webhooks.models import Attempt, DeadLetter, Delivery
from webhooks.services import deliveries as service

ATTEMPTS_SHOWN = 100  # a policy has at most 20 steps; lost attempts and the like may add a few


class DeliveryStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    field = "state"
    options = {str(value): str(label) for value, label in Delivery.State.choices}


class OutcomeFilter(ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"
    field = "outcome"
    options = {value: value.capitalize() for value in Attempt.Outcome.values}


class PartitionedColumns(LedgerAdmin[M]):
    """Columns of rows that point at an endpoint, a tenant and an event, any of which may be gone."""

    @admin.display(description="endpoint")
    def endpoint_link(self, obj: Any) -> SafeString:
        endpoint = prefetched(obj, "endpoint")
        return markup.link(endpoint, endpoint.url, "c-clip") if endpoint else markup.NOTHING

    @admin.display(description="tenant")
    def tenant_name(self, obj: Any) -> str:
        tenant = prefetched(obj, "tenant")
        return tenant.slug if tenant else ids.show(ids.TENANT, obj.tenant_id)

    @admin.display(description="event")
    def event_link(self, obj: Any) -> SafeString:
        event = prefetched(obj, "event")
        return markup.link(event, event.type, "c-clip") if event else markup.NOTHING

    @admin.display(description="HTTP")
    def status(self, obj: Any) -> SafeString:
        return markup.status(obj.response_status)


@admin.register(Delivery)
class DeliveryAdmin(PartitionedColumns[Delivery]):
    """One event on its way to one endpoint."""

    id_prefix = ids.DELIVERY
    search_ids = {ids.DELIVERY: "pk", ids.EVENT: "event_id", ids.WEBHOOK: "endpoint_id"}
    search_fields = ("pk",)
    search_help_text = "A dlv_…, evt_… or wh_… id, or the publisher's own id of an event."
    list_display = (
        "short_id",
        "badge",
        "event_link",
        "endpoint_link",
        "tenant_name",
        "tries",
        "status",
        "next_or_end",
    )
    list_filter = (DeliveryStateFilter, WindowFilter, TenantFilter, EndpointFilter)
    actions = ("retry", "cancel")
    buttons = ("retry", "cancel")
    detail_template = "admin/webhooks/delivery/detail.html"

    def list_queryset(self, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.defer("lease_until", "lease_token", "dead_lettered_at").prefetch_related(
            *prefetch("endpoint", "tenant", "event")
        )

    def search_text(self, queryset: QuerySet[Delivery], term: str) -> QuerySet[Delivery]:
        return queryset.filter(event_id__in=search.events_with_key(term))

    def search_is_exact(self, term: str) -> bool:
        return bool(term.strip())

    @admin.display(description="state")
    def badge(self, obj: Delivery) -> SafeString:
        return format_html('{} <small class="c-clip">{}</small>', markup.badge(obj.state), obj.reason)

    @admin.display(description="attempts")
    def tries(self, obj: Delivery) -> int:
        return obj.attempt_count

    @admin.display(description="next attempt / end")
    def next_or_end(self, obj: Delivery) -> SafeString:
        return markup.when(obj.finished_at or obj.next_attempt_at)

    def button_fits(self, name: str, obj: Delivery) -> bool:
        if name == "cancel":
            return obj.state in (Delivery.State.PENDING, Delivery.State.HELD, Delivery.State.DEAD)
        return obj.state != Delivery.State.SENDING

    @operation("Retry selected")
    def retry(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Pending ones are tried now; finished ones are sent again as a new delivery."""
        rows = list(queryset)
        doorbells.on_commit(doorbells.ring, service.retry([row.pk for row in rows]))
        self.record(request, rows, "Retried.")
        ended = sum(row.finished_at is not None for row in rows)
        again = f", {ended} of them as a new delivery because they had ended" if ended else ""
        self.message_user(request, f"Retrying {len(rows)}{again}.", messages.SUCCESS)

    @operation("Cancel selected")
    def cancel(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Nothing more is sent; what is being sent right now is not stopped."""
        rows = list(queryset)
        done = service.cancel([row.pk for row in rows])
        self.record(request, rows, "Cancelled.")
        level = messages.SUCCESS if done == len(rows) else messages.WARNING
        self.message_user(request, f"Cancelled {done} of {len(rows)}; the others had ended or were being sent.", level)

    def detail(self, request: HttpRequest, obj: Delivery) -> dict[str, Any]:
        attempts = list(
            Attempt.objects.filter(delivery_id=obj.pk)
            .defer("request_headers", "response_headers", "response_body", "request_url")
            .order_by("pk")[:ATTEMPTS_SHOWN]
        )
        longest = max((sum(ms for _, ms in markup.phases(attempt.timings)) for attempt in attempts), default=0.0)
        siblings = Delivery.objects.filter(event_id=obj.event_id, endpoint_id=obj.endpoint_id).exclude(pk=obj.pk)
        return {
            "subtitle": obj.public_id,
            "event": event_of(obj),
            "endpoint": endpoint_of(obj),
            "tenant": tenant_of(obj),
            "attempts": [(attempt, markup.bar(attempt.timings, longest)) for attempt in attempts],
            "siblings": list(siblings.order_by("-pk")[:20]),
            "dead_letter": DeadLetter.objects.filter(delivery_id=obj.pk).first(),
        }


@admin.register(Attempt)
class AttemptAdmin(PartitionedColumns[Attempt]):
    """One HTTP request, as it was sent and answered."""

    id_prefix = ids.ATTEMPT
    search_ids = {ids.ATTEMPT: "pk", ids.DELIVERY: "delivery_id", ids.WEBHOOK: "endpoint_id"}
    search_fields = ("pk",)
    search_help_text = "An att_…, dlv_… or wh_… id."
    list_display = ("short_id", "badge", "endpoint_link", "number", "trigger", "status", "error", "total", "started")
    list_filter = (OutcomeFilter, WindowFilter, EndpointFilter)
    actions = None
    detail_template = "admin/webhooks/attempt/detail.html"

    def list_queryset(self, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        return queryset.defer("request_headers", "response_headers", "response_body", "request_url").prefetch_related(
            *prefetch("endpoint")
        )

    @admin.display(description="outcome")
    def badge(self, obj: Attempt) -> SafeString:
        return markup.badge(obj.outcome)

    @admin.display(description="total")
    def total(self, obj: Attempt) -> SafeString:
        return markup.milliseconds(dict(obj.timings or {}).get("total"))

    @admin.display(description="started")
    def started(self, obj: Attempt) -> SafeString:
        return markup.when(obj.started_at)

    def detail(self, request: HttpRequest, obj: Attempt) -> dict[str, Any]:
        total = sum(ms for _, ms in markup.phases(obj.timings))
        return {
            "subtitle": obj.public_id,
            "delivery": delivery_of(obj.delivery_id),
            "endpoint": endpoint_of(obj),
            "request_headers": _masked(obj.request_headers),
            "response_headers": _masked(obj.response_headers),
            "body": bodies.body(bytes(obj.response_body)),
            "phases": [(markup.PHASES[name], ms) for name, ms in markup.phases(obj.timings)],
            "bar": markup.bar(obj.timings, total),
        }


def _masked(headers: Any) -> list[tuple[str, str]]:
    """Headers are masked when they are stored; once more, because rows may be older than a rule."""
    return [pair for item in markup.header_pairs(headers) for pair in mask_headers(dict([item])).items()]
