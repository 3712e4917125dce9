"""Tenants, and the API keys they call with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin, operation
from webhooks.admin.confirm import reveal
from webhooks.admin.endpoint_form import JSONField
from webhooks.admin.faults import rehearse
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.generic import ModelForm
from webhooks.core import ids
from webhooks.models import SCOPES, ApiKey, Tenant
from webhooks.services import api_keys, tenants

DEFAULT_SCOPES = ("events:write", "events:read", "webhooks:write", "webhooks:read")


class ActiveFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = {"active": "Active", "off": "Off"}
    indexed = True  # tenants are few

    def condition(self, value: str) -> Q:
        return Q(active=value == "active")


class TenantForm(ModelForm[Tenant]):
    metadata = JSONField(required=False, help_text="Sent with each delivery under metadata.tenant; no secrets here.")

    class Meta:
        model = Tenant
        fields = ("name", "slug", "active", "metadata")

    def clean_metadata(self) -> Any:
        value = self.cleaned_data["metadata"]
        return {} if value is None else value

    def create(self) -> UUID:
        """Make the tenant: its id. Without a slug (an existing tenant keeps its own) one is made up."""
        data = self.cleaned_data
        return tenants.create_tenant(data["name"], data.get("slug"), data["metadata"])

    def _post_clean(self) -> None:
        """The service judges new and changed fields alike."""
        if not self.errors:
            rehearse(self, self.create)
        if not self.errors and not self.instance._state.adding:
            super()._post_clean()  # type: ignore[misc]


@admin.register(Tenant)
class TenantAdmin(ClarionAdmin[Tenant]):
    """A customer of the product. Not deleted here: switch it off instead."""

    id_prefix = ids.TENANT
    search_ids = {ids.TENANT: "pk"}
    list_display = ("name", "slug", "badge", "short_id", "created")
    list_filter = (ActiveFilter,)
    search_fields = ("name",)
    search_help_text = "A part of the name or slug, or a ten_… id."
    readonly_fields = ("public_id", "created_at")
    form = TenantForm

    def search_text(self, queryset: QuerySet[Tenant], term: str) -> QuerySet[Tenant]:
        return queryset.filter(Q(slug__icontains=term) | Q(name__icontains=term))

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Everything a tenant has would go with it, millions of rows in one request."""
        return False

    @admin.display(description="state")
    def badge(self, obj: Tenant) -> SafeString:
        return markup.badge("active" if obj.active else "off")

    @admin.display(description="created")
    def created(self, obj: Tenant) -> SafeString:
        return markup.when(obj.created_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        """Clients name a tenant by its slug, so it stays."""
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        fields = (
            ("name", "slug", "active", "metadata", "public_id", "created_at") if obj else ("name", "slug", "metadata")
        )
        return [(None, {"fields": fields})]

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            tenants.update_tenant(obj.pk, {name: form.cleaned_data[name] for name in form.changed_data})
        else:
            obj.pk = form.create()
        obj.refresh_from_db()


class KeyForm(ModelForm[ApiKey]):
    """What a key may do, chosen once: a key is never widened later."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        initial=list(DEFAULT_SCOPES),
        widget=forms.CheckboxSelectMultiple,
        help_text="tenants is for platform keys only.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "tenant", "scopes", "expires_at")

    def create(self) -> tuple[UUID, str]:
        """Make the key: its id and token."""
        tenant = self.cleaned_data["tenant"]
        data = self.cleaned_data
        return api_keys.create_api_key(tenant.pk if tenant else None, data["name"], data["scopes"], data["expires_at"])

    def _post_clean(self) -> None:
        if not self.errors:
            rehearse(self, self.create)


class KeyStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = {"active": "Active", "revoked": "Revoked", "expired": "Expired"}
    indexed = True  # keys are few

    def condition(self, value: str) -> Q:
        expired = Q(expires_at__lte=timezone.now())
        if value == "revoked":
            return Q(revoked_at__isnull=False)
        return Q(revoked_at=None) & (expired if value == "expired" else ~expired)


@admin.register(ApiKey)
class ApiKeyAdmin(ClarionAdmin[ApiKey]):
    """A bearer token's record. The token is shown once; a key is revoked, never edited or deleted."""

    form = KeyForm
    reveals = True
    id_prefix = ids.API_KEY
    search_ids = {ids.API_KEY: "pk"}
    list_display = ("name", "badge", "starts_with", "holder", "scope_list", "last_used", "created")
    list_filter = (KeyStateFilter, TenantFilter)
    search_fields = ("name",)
    search_help_text = "A part of the name, the key's beginning (clk_…), or a key_… id."
    autocomplete_fields = ("tenant",)
    actions = ("revoke",)
    buttons = ("revoke",)

    def list_queryset(self, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        return queryset.select_related("tenant")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).defer("secret_hash")

    def search_text(self, queryset: QuerySet[ApiKey], term: str) -> QuerySet[ApiKey]:
        prefix = term.removeprefix("clk_").split("_")[0]
        return queryset.filter(Q(name__icontains=term) | Q(prefix=prefix))

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("name", "tenant", "scopes", "expires_at")})]
        shown = ("name", "badge", "starts_with", "holder", "scope_list", "expires_at", "last_used", "created")
        return [(None, {"fields": (*shown, "revoked_at", "public_id")})]

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_operate_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    @admin.display(description="state")
    def badge(self, obj: ApiKey) -> SafeString:
        if obj.revoked_at:
            return markup.badge("revoked")
        if obj.expires_at and obj.expires_at <= timezone.now():
            return markup.badge("expired")
        return markup.badge("active")

    @admin.display(description="key")
    def starts_with(self, obj: ApiKey) -> str:
        return f"clk_{obj.prefix}_…"

    @admin.display(description="tenant")
    def holder(self, obj: ApiKey) -> str:
        return obj.tenant.slug if obj.tenant else "all tenants (platform key)"

    @admin.display(description="scopes")
    def scope_list(self, obj: ApiKey) -> str:
        return ", ".join(obj.scopes)

    @admin.display(description="last used")
    def last_used(self, obj: ApiKey) -> SafeString:
        return markup.when(obj.last_used_at)

    @admin.display(description="created")
    def created(self, obj: ApiKey) -> SafeString:
        return markup.when(obj.created_at)

    def button_fits(self, name: str, obj: ApiKey) -> bool:
        return obj.revoked_at is None

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        obj.pk, obj.__dict__["shown_once"] = form.create()
        obj.refresh_from_db(fields=["name", "prefix"])

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return reveal(
            self, request, title="API key created", secrets=[(str(obj.name), obj.__dict__["shown_once"])],
            sentence="Copy the key now. Only its hash is stored, so it cannot be shown again.",
            back=reverse("admin:webhooks_apikey_changelist"),
        )  # fmt: skip

    @operation("Revoke selected")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End keys at once."""
        rows = list(queryset)
        for row in rows:
            api_keys.revoke(row.pk)
        self.record(request, rows, "Revoked.")
        self.message_user(request, f"Revoked {len(rows)}.", messages.SUCCESS)
