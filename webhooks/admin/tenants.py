"""Tenants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin
from webhooks.admin.endpoint_form import JSONField
from webhooks.admin.faults import rehearse
from webhooks.admin.filters import ChoiceFilter
from webhooks.admin.generic import ModelForm
from webhooks.core import ids
from webhooks.models import Tenant
from webhooks.services import tenants


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
