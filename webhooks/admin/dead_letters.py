"""Dead letters: deliveries that were given up, waiting for somebody to replay or discard them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import markup
from webhooks.admin.base import operation
from webhooks.admin.confirm import confirmation, confirmed
from webhooks.admin.deliveries import PartitionedColumns
from webhooks.admin.filters import ChoiceFilter, EndpointFilter, TenantFilter, WindowFilter
from webhooks.admin.related import delivery_of, endpoint_of, event_of, prefetch, tenant_of
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter
from webhooks.services import dead_letters as service

REASONS_FROM = 1000  # newest dead letters whose reasons the filter offers
REASONS = 15  # reasons offered at most


class ResolutionFilter(ChoiceFilter):
    title = "resolution"
    parameter_name = "resolution"
    field = "resolution"
    options = {str(value): str(label) for value, label in DeadLetter.Resolution.choices}
    default = DeadLetter.Resolution.OPEN.value


class ReasonFilter(ChoiceFilter):
    """The reasons of the newest dead letters, most frequent first."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        newest = list(DeadLetter.objects.order_by("-pk").values_list("reason", flat=True)[:REASONS_FROM])
        reasons = sorted(set(newest), key=lambda reason: (-newest.count(reason), reason))[:REASONS]
        chosen = request.GET.get(self.parameter_name)
        if chosen and chosen not in reasons and chosen.isprintable():
            reasons.append(chosen)
        self.options = {reason: reason or "(none)" for reason in reasons}
        return list(self.options.items())

    def condition(self, value: str) -> Q:
        return Q(reason=value)


class LongWindowFilter(WindowFilter):
    """A dead letter waits until somebody deals with it, so all of them are shown unless asked otherwise."""

    default = "all"


@admin.register(DeadLetter)
class DeadLetterAdmin(PartitionedColumns[DeadLetter]):
    """A delivery that was given up."""

    id_prefix = ids.DEAD_LETTER
    search_ids = {
        ids.DEAD_LETTER: "pk", ids.DELIVERY: "delivery_id", ids.EVENT: "event_id", ids.WEBHOOK: "endpoint_id",
    }  # fmt: skip
    search_fields = ("pk",)
    search_help_text = "A dl_…, dlv_… or wh_… id."
    list_display = (
        "short_id",
        "badge",
        "event_type",
        "endpoint_link",
        "tenant_name",
        "reason",
        "attempt_count",
        "died",
    )
    list_filter = (ResolutionFilter, ReasonFilter, LongWindowFilter, TenantFilter, EndpointFilter)
    actions = ("replay", "discard")
    buttons = ("replay", "discard")
    detail_template = "admin/webhooks/deadletter/detail.html"

    def list_queryset(self, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        return queryset.prefetch_related(*prefetch("endpoint", "tenant"))

    @admin.display(description="resolution")
    def badge(self, obj: DeadLetter) -> SafeString:
        return markup.badge(obj.resolution)

    @admin.display(description="died")
    def died(self, obj: DeadLetter) -> SafeString:
        return markup.when(obj.created_at)

    def button_fits(self, name: str, obj: DeadLetter) -> bool:
        return obj.resolution == DeadLetter.Resolution.OPEN

    @operation("Replay selected")
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        """Deliver again by new deliveries; one that was resolved already is left alone."""
        rows = list(queryset)
        doorbells.on_commit(doorbells.ring, service.replay([row.pk for row in rows]))
        count = sum(row.resolution == DeadLetter.Resolution.OPEN for row in rows)
        self.record(request, rows, "Replayed.")
        level = messages.SUCCESS if count == len(rows) else messages.WARNING
        self.message_user(request, f"Replayed {count} of {len(rows)}; any others were resolved before.", level)

    @operation("Discard selected")
    def discard(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> HttpResponseBase | None:
        """Resolve without sending. The delivery and its attempts stay readable."""
        rows = list(queryset)
        if not confirmed(request):
            return confirmation(
                self, request, title="Discard dead letters", objects=rows, button="Discard",
                sentence="They will not be delivered. The deliveries and their attempts stay readable.",
            )  # fmt: skip
        count = service.discard([row.pk for row in rows])
        self.record(request, rows, "Discarded.")
        level = messages.SUCCESS if count == len(rows) else messages.WARNING
        self.message_user(request, f"Discarded {count} of {len(rows)}; any others were resolved before.", level)
        return None

    def detail(self, request: HttpRequest, obj: DeadLetter) -> dict[str, Any]:
        delivery = delivery_of(obj.delivery_id)
        last = Attempt.objects.filter(delivery_id=obj.delivery_id).defer("response_body", "response_headers")
        return {
            "subtitle": obj.public_id,
            "delivery": delivery,
            "event": event_of(obj),
            "endpoint": endpoint_of(obj),
            "tenant": tenant_of(obj),
            "last": last.order_by("-pk").first(),
        }
