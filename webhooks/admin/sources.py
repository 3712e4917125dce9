"""Sources: who sends webhooks to us, where to, and how they are verified."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks import doorbells
from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin, operation
from webhooks.admin.confirm import confirmation, confirmed, reveal
from webhooks.admin.endpoint_actions import OverlapForm
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.source_form import SourceForm
from webhooks.conf import conf
from webhooks.core import ids, inbound
from webhooks.errors import ClarionError
from webhooks.guards import receive_rate
from webhooks.models import ReceivedMessage, Source
from webhooks.services import samples
from webhooks.services import sources as service

RECENT = 10  # newest messages on the page of a source
COUNTED = 1000  # messages of a day that are counted


class SourceStateFilter(ChoiceFilter):
    """Deleted sources stay as rows that messages name; they are shown when asked for."""

    title = "state"
    parameter_name = "state"
    options = {"active": "Active", "off": "Off", "deleted": "Deleted"}
    indexed = True  # sources are few

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "deleted":
            return queryset.filter(deleted_at__isnull=False)
        return super().queryset(request, queryset.filter(deleted_at=None))

    def condition(self, value: str) -> Q:
        return Q(active=value == "active")


class ProviderFilter(ChoiceFilter):
    title = "provider"
    parameter_name = "provider"
    field = "provider"
    options = {name: name for name in inbound.PROVIDERS}
    indexed = True


@admin.register(Source)
class SourceAdmin(ClarionAdmin[Source]):
    """Somebody who sends to us."""

    form = SourceForm
    reveals = True
    id_prefix = ids.SOURCE
    search_ids = {ids.SOURCE: "pk", ids.TENANT: "tenant_id"}
    search_fields = ("name",)
    search_help_text = "A part of the name, or a src_… or ten_… id."
    list_display = ("shown_name", "provider", "tenant_slug", "badge", "becomes", "refused")
    list_filter = (SourceStateFilter, ProviderFilter, TenantFilter)
    autocomplete_fields = ("tenant",)
    actions = ("send_sample", "rotate_secret")
    buttons = actions
    change_form_template = "admin/webhooks/source/change_form.html"

    # --- list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        """Without the encrypted columns: reading them costs a decryption, and fails without the key."""
        return super().get_queryset(request).defer("secrets", "verification", "forward_to")

    def list_queryset(self, queryset: QuerySet[Source]) -> QuerySet[Source]:
        return queryset.select_related("tenant").defer(
            "secrets", "verification", "forward_to", "schema", "allowed_ips", "tenant__metadata"
        )

    def search_text(self, queryset: QuerySet[Source], term: str) -> QuerySet[Source]:
        return queryset.filter(name__icontains=term)

    @admin.display(description="name")
    def shown_name(self, obj: Source) -> SafeString:
        return format_html(
            '<span class="c-clip" title="{}">{}</span><small class="c-clip">{}</small>', obj.name, obj.name, url_of(obj)
        )

    @admin.display(description="tenant")
    def tenant_slug(self, obj: Source) -> str:
        return obj.tenant.slug

    @admin.display(description="state")
    def badge(self, obj: Source) -> SafeString:
        return state_of(obj)

    @admin.display(description="becomes events")
    def becomes(self, obj: Source) -> str:
        return obj.event_type or inbound.PROVIDERS[obj.provider].event_type if obj.forward else "no"

    @admin.display(description="refused lately")
    def refused(self, obj: Source) -> SafeString:
        return _refused(obj)

    # --- form

    def get_form(self, request: HttpRequest, obj: Source | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Fields of the form's own are not looked for in the model: Django must not read stored secrets for them."""
        names = [name for name in kwargs.pop("fields", None) or () if name not in SourceForm.OWN]
        return super().get_form(request, obj, change, fields=names or None, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Source | None = None) -> Any:
        who = () if obj else ("tenant",)
        may = obj is None or self.has_change_permission(request, obj)
        checked = ("allowed_ips", "rate_limit", "schema", "max_bytes", "tolerance")
        verified: tuple[str, ...] = ("provider", "new_secrets", "verification")
        if not may:
            verified, checked = (
                ("provider", "shown_verification"),
                ("allowed_ips", "rate_limit", "schema", *checked[3:]),
            )
        return [
            (None, {"fields": (*who, "name", "active")}),
            ("Verification", {"fields": verified}),
            ("What may come in", {"fields": checked}),
            ("What becomes of it", {"fields": ("event_type", "forward", *(("forward_to",) if may else ()))}),
        ]

    @admin.display(description="verification")
    def shown_verification(self, obj: Source) -> str:
        try:
            return str(obj.verification)
        except ClarionError as error:
            return str(error)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The page after the form may show a secret."""
        return super().has_add_permission(request) and self.has_reveal_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        deleted = obj is not None and obj.deleted_at is not None
        return not deleted and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        deleted = obj is not None and obj.deleted_at is not None
        return not deleted and super().has_delete_permission(request, obj)

    def button_fits(self, name: str, obj: Source) -> bool:
        if obj.deleted_at:
            return False
        return obj.active if name == "send_sample" else inbound.PROVIDERS[obj.provider].secrets != "none"

    def show_object(
        self, request: HttpRequest, object_id: str, obj: Source | None, form_url: str, context: dict[str, Any]
    ) -> HttpResponse:
        shown = _overview(obj) if obj is not None and self.has_view_or_change_permission(request, obj) else {}
        return super().show_object(request, object_id, obj, form_url, {**context, **shown})

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        """By the service, in the one transaction of this request."""
        fields = form.written()
        if not change:
            created = service.create(form.cleaned_data["tenant"].pk, fields)
            obj.pk, obj.__dict__["shown_once"] = created.id, created.secret
            obj._state.adding = False
        elif fields:
            obj.__dict__["shown_once"] = service.update(None, obj.pk, fields)
        obj.refresh_from_db(fields=["name", "provider", "active"])

    def response_add(self, request: HttpRequest, obj: Source, post_url_continue: str | None = None) -> HttpResponse:
        return self._revealed(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Source) -> HttpResponse:
        return self._revealed(request, obj) or super().response_change(request, obj)

    def _revealed(self, request: HttpRequest, obj: Source) -> HttpResponse | None:
        """The page with the secret that Clarion has made, if it has."""
        if not obj.__dict__.get("shown_once"):
            return None
        return reveal(
            self, request, title="Secret of the source",
            secrets=[("Send to", url_of(obj)), ("Secret", obj.__dict__["shown_once"])],
            sentence="Put both in at the provider's now. The secret is not shown again.",
            back=reverse("admin:webhooks_source_change", args=[obj.pk]),
        )  # fmt: skip

    # --- actions

    @operation("Send a sample to selected", button="Send a sample")
    def send_sample(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        """A real example of the provider, signed with the source's secret and taken in like any other message."""
        sent = []
        for row in queryset:
            stored = samples.send(row.pk)
            sent.append(row)
            if not stored.duplicate and not stored.errors:
                doorbells.on_commit(doorbells.ring_process, [stored.id])
            shown = ids.show(ids.RECEIVED, stored.id)
            link = reverse("admin:webhooks_receivedmessage_change", args=[stored.id])
            words = "rejected by the schema" if stored.errors else "known already" if stored.duplicate else "accepted"
            text = format_html('{}: a sample was {}: <a href="{}">{}</a>.', row.name, words, link, shown)
            self.message_user(request, text, messages.WARNING if stored.errors else messages.SUCCESS)
        self.record(request, sent, "Sent a sample.")

    @operation("Rotate the secret of selected", button="Rotate secret", needs="reveal")
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Source]) -> HttpResponseBase:
        """For providers that let you choose the secret; what a provider gives is put in by the form."""
        rows = list(queryset)
        form = OverlapForm(request.POST if confirmed(request) else None)
        if not form.is_valid():
            return confirmation(
                self, request, title="Rotate secrets", objects=rows, button="Rotate", form=form,
                sentence="Each source gets a new secret, which is shown once on the next page. Requests that are "
                "signed with the old one are accepted for as long as you choose.",
            )  # fmt: skip
        shown = [(row.name, service.rotate_secret(row.pk, None, form.cleaned_data["overlap"])) for row in rows]
        self.record(request, rows, "Rotated the secret.")
        return reveal(
            self, request, title="New secret", secrets=shown, back=request.path,
            sentence="Put it in at the provider's now. It is not shown again.",
        )  # fmt: skip

    # --- deletion

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Deleting hides the source and forgets its secrets; no other row goes, so none is listed."""
        return [str(obj) for obj in objs], {"sources": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        self._delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._delete(queryset)

    def _delete(self, rows: Iterable[Source]) -> None:
        for row in rows:
            service.delete(row.pk)


def url_of(source: Source) -> str:
    """Where the provider has to send to."""
    return f"{conf.PUBLIC_URL}/in/{source.public_id}"


def state_of(source: Source) -> SafeString:
    """A badge."""
    if source.deleted_at:
        return markup.badge("deleted")
    return markup.badge("active") if source.active else markup.badge("disabled", "off")


def _refused(source: Source) -> SafeString:
    count = receive_rate.refused_lately([source.pk]).get(source.pk)
    return format_html('<span class="c-number">{}</span>', count) if count else markup.NOTHING


def _overview(source: Source) -> dict[str, Any]:
    """What the page of a source shows beside its form."""
    rows = ReceivedMessage.objects.filter(source_id=source.pk)
    day = rows.filter(pk__gte=ids.floor(datetime.now(UTC) - timedelta(days=1))).order_by()
    counts: dict[str, int] = {}
    for status in day.values_list("status", flat=True)[:COUNTED]:
        counts[status] = counts.get(status, 0) + 1
    recent = rows.defer("body", "headers", "answer").order_by("-pk")[:RECENT]
    return {
        "url": url_of(source),
        "state": state_of(source),
        "counts": sorted(counts.items()),
        "counted": COUNTED if sum(counts.values()) == COUNTED else 0,
        "recent": list(recent),
        "refused": _refused(source),
    }
