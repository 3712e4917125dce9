"""The catalogue of event types."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import QuerySet

from webhooks.admin.base import ClarionAdmin
from webhooks.admin.filters import TenantFilter
from webhooks.admin.generic import ModelForm
from webhooks.core.patterns import InvalidPattern, check_event_type
from webhooks.models import EventType


class EventTypeForm(ModelForm[EventType]):
    class Meta:
        model = EventType
        fields = ("tenant", "name", "description", "version", "deprecated_at")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        try:
            check_event_type(name)
        except InvalidPattern as error:
            raise forms.ValidationError(str(error)) from None
        return name


@admin.register(EventType)
class EventTypeAdmin(ClarionAdmin[EventType]):
    """A registered type; publishing needs one only while WEBHOOKS_STRICT_EVENT_TYPES is on."""

    form = EventTypeForm
    list_display = ("name", "tenant_name", "version", "description", "deprecated_at")
    list_filter = (TenantFilter,)
    search_fields = ("name",)
    search_help_text = "A part of the name."
    autocomplete_fields = ("tenant",)

    def list_queryset(self, queryset: QuerySet[EventType]) -> QuerySet[EventType]:
        return queryset.select_related("tenant")

    def search_text(self, queryset: QuerySet[EventType], term: str) -> QuerySet[EventType]:
        return queryset.filter(name__icontains=term)

    @admin.display(description="tenant")
    def tenant_name(self, obj: EventType) -> str:
        return obj.tenant.slug if obj.tenant else "all tenants"
