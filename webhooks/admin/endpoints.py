"""Endpoints: what they are, how they are doing, and what an operator can do about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin
from webhooks.admin.confirm import reveal
from webhooks.admin.endpoint_actions import EndpointActions
from webhooks.admin.endpoint_form import SECRET, EndpointForm, SubscriptionForm, SubscriptionFormSet, masked
from webhooks.admin.endpoint_health import health, overview
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.generic import TabularInline
from webhooks.conf import conf
from webhooks.core import ids
from webhooks.models import Endpoint, Mailbox, Subscription
from webhooks.services import endpoints as service
from webhooks.services import subscriptions


class StateFilter(ChoiceFilter):
    """Deleted endpoints stay as rows that attempts name; they are shown when asked for."""

    title = "state"
    parameter_name = "state"
    options = {**{str(v): str(n) for v, n in Endpoint.State.choices}, "deleted": "Deleted"}
    indexed = True  # endpoints are not among the large tables

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "deleted":
            return queryset.filter(deleted_at__isnull=False)
        return super().queryset(request, queryset.filter(deleted_at=None))

    def condition(self, value: str) -> Q:
        return Q(state=value)


class HealthFilter(ChoiceFilter):
    title = "health"
    parameter_name = "health"
    options = {"failing": "Failing", "blocked": "Blocked", "slow": "Slow lane", "overdue": "Overdue"}
    indexed = True

    def condition(self, value: str) -> Q:
        if value == "blocked":
            return Q(mailbox__blocked_until__gt=datetime.now(UTC))
        if value == "overdue":
            return Q(mailbox__next_due_at__lt=datetime.now(UTC) - timedelta(minutes=1))
        failing = Q(mailbox__consecutive_failures__gt=0)
        return failing if value == "failing" else failing | Q(mailbox__latency_ms__gt=conf.SLOW_LATENCY * 1000)


class SubscriptionInline(TabularInline[Subscription, Endpoint]):
    """Which events the endpoint wants."""

    model = Subscription
    form = SubscriptionForm
    formset = SubscriptionFormSet
    extra = 0
    min_num = 1
    ordering = ("pattern",)

    def get_formset(self, request: HttpRequest, obj: Endpoint | None = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, **{"validate_min": True, "validate_max": True, **kwargs})

    def get_max_num(self, request: HttpRequest, obj: Endpoint | None = None, **kwargs: Any) -> int:
        return conf.MAX_SUBSCRIPTIONS


@admin.register(Endpoint)
class EndpointAdmin(EndpointActions, ClarionAdmin[Endpoint]):
    """One URL of one tenant."""

    form = EndpointForm
    inlines = (SubscriptionInline,)
    reveals = True
    id_prefix = ids.WEBHOOK
    search_ids = {ids.WEBHOOK: "pk", ids.TENANT: "tenant_id"}
    search_fields = ("url",)
    search_help_text = "A part of the URL or description, or a wh_… or ten_… id."
    list_display = ("shown_url", "tenant_slug", "badge", "doing", "next_due", "latency", "failures", "last_success")
    list_filter = (StateFilter, HealthFilter, TenantFilter)
    autocomplete_fields = ("tenant",)
    change_form_template = "admin/webhooks/endpoint/change_form.html"

    # --- list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """Without the encrypted columns: reading them costs a decryption, and fails without the key."""
        return super().get_queryset(request).filter(purpose=Endpoint.Purpose.WEBHOOK).defer(*SECRET)

    def list_queryset(self, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        return queryset.select_related("tenant", "mailbox").defer(
            *SECRET, "metadata", "retry_policy", "rate_limit", "batch", "tenant__metadata"
        )

    def search_text(self, queryset: QuerySet[Endpoint], term: str) -> QuerySet[Endpoint]:
        return queryset.filter(Q(url__icontains=term) | Q(description__icontains=term))

    @admin.display(description="URL")
    def shown_url(self, obj: Endpoint) -> SafeString:
        return format_html(
            '<span class="c-clip" title="{}">{}</span><small class="c-clip">{}</small>',
            obj.url,
            obj.url,
            obj.description,
        )

    @admin.display(description="tenant")
    def tenant_slug(self, obj: Endpoint) -> str:
        return obj.tenant.slug

    @admin.display(description="state")
    def badge(self, obj: Endpoint) -> SafeString:
        state = markup.badge("deleted" if obj.deleted_at else obj.state)
        return format_html('{} <small class="c-clip">{}</small>', state, obj.disabled_reason)

    @admin.display(description="health")
    def doing(self, obj: Endpoint) -> SafeString:
        return health(self._mailbox(obj))

    @admin.display(description="next due")
    def next_due(self, obj: Endpoint) -> SafeString:
        return markup.when(self._mailbox(obj).next_due_at)

    @admin.display(description="latency")
    def latency(self, obj: Endpoint) -> SafeString:
        return markup.milliseconds(self._mailbox(obj).latency_ms)

    @admin.display(description="failures")
    def failures(self, obj: Endpoint) -> SafeString:
        count = self._mailbox(obj).consecutive_failures
        return format_html('<span class="c-number">{}</span>', count) if count else markup.NOTHING

    @admin.display(description="last success")
    def last_success(self, obj: Endpoint) -> SafeString:
        return markup.when(self._mailbox(obj).last_success_at)

    def _mailbox(self, obj: Endpoint) -> Mailbox:
        return getattr(obj, "mailbox", None) or Mailbox(endpoint=obj)

    # --- form

    def get_form(self, request: HttpRequest, obj: Endpoint | None = None, change: bool = False, **kwargs: Any) -> Any:
        """These are fields of the form's own: Django must not read the stored values for it."""
        names = [name for name in kwargs.pop("fields", None) or () if name not in SECRET]
        return super().get_form(request, obj, change, fields=names or None, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        """Who may only look gets no form, and so the masked text in place of the form's fields."""
        who = () if obj else ("tenant",)
        secret, where = ("headers", "auth"), "destination"
        if obj is not None and not self.has_change_permission(request, obj):
            secret, where = ("shown_headers", "shown_auth"), "shown_destination"
        wire = ("payload_format", "version", "content_type", "signature_schemes")
        pace = ("retry_policy", "retry_client_errors", "timeout", "max_in_flight", "rate_limit", "ordered", "batch")
        return [
            (None, {"fields": (*who, "url", where, "description")}),
            ("Request", {"fields": (*wire, *secret, "validation")}),
            ("Retries and pace", {"fields": pace}),
            ("Metadata", {"fields": ("metadata",), "classes": ("collapse",)}),
        ]

    @admin.display(description="headers")
    def shown_headers(self, obj: Endpoint) -> str:
        return str(masked(obj)["headers"])

    @admin.display(description="auth")
    def shown_auth(self, obj: Endpoint) -> str:
        return str(masked(obj)["auth"])

    @admin.display(description="destination")
    def shown_destination(self, obj: Endpoint) -> str:
        return str(masked(obj)["destination"] or "")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The page after the form shows the secret."""
        return super().has_add_permission(request) and self.has_reveal_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Endpoint | None = None) -> bool:
        deleted = obj is not None and obj.deleted_at is not None
        return not deleted and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Endpoint | None = None) -> bool:
        deleted = obj is not None and obj.deleted_at is not None
        return not deleted and super().has_delete_permission(request, obj)

    def show_object(
        self, request: HttpRequest, object_id: str, obj: Endpoint | None, form_url: str, context: dict[str, Any]
    ) -> HttpResponse:
        shown = overview(obj) if obj is not None and self.has_view_or_change_permission(request, obj) else {}
        return super().show_object(request, object_id, obj, form_url, {**context, **shown})

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Written by :meth:`save_related`, which knows the subscriptions as well."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The endpoint and its subscriptions, by the services and in the one transaction of this request."""
        obj: Endpoint = form.instance
        (rows,) = formsets
        rows.save(commit=False)  # writes nothing; notes the changes for the history
        wanted = [row.wanted() for row in rows.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")]
        fields = form.written()
        if not change:
            event_types = [item.pattern for item in wanted]
            created = service.create(form.cleaned_data["tenant"].pk, {**fields, "event_types": event_types})
            obj.pk, obj.__dict__["shown_once"] = created.id, created.secret
            obj._state.adding = False
        elif fields:
            service.update(None, obj.pk, fields)
        if not change or rows.has_changed():
            subscriptions.replace(obj.pk, wanted)
        doorbells.on_commit(doorbells.ring_deliver, [obj.pk])
        doorbells.on_commit(doorbells.ring_validate, [obj.pk])
        obj.refresh_from_db(fields=["url", "state"])

    def response_add(self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None) -> HttpResponse:
        return reveal(
            self, request, title="Endpoint created", secrets=[(str(obj.url), obj.__dict__["shown_once"])],
            sentence="Copy the signing secret now: its receiver verifies deliveries with it. It is not shown again.",
            back=reverse("admin:webhooks_endpoint_change", args=[obj.pk]),
        )  # fmt: skip

    # --- deletion

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Deleting hides the endpoint and cancels what is unfinished; no other row goes, so none is listed."""
        return [str(obj) for obj in objs], {"endpoints": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        self._delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._delete(queryset)

    def _delete(self, endpoints: Iterable[Endpoint]) -> None:
        keys = [endpoint.pk for endpoint in endpoints]
        for key in keys:
            service.delete(key)
        doorbells.on_commit(doorbells.ring_settle, keys)
