"""The catalogue of event types."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks.admin.base import ClarionAdmin
from webhooks.admin.filters import TenantFilter
from webhooks.admin.generic import ModelForm
from webhooks.core.patterns import InvalidPattern, check_event_type
from webhooks.models import EventType
from webhooks.services import event_types


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

    def save_model(self, request: HttpRequest, obj: EventType, form: Any, change: bool) -> None:
        event_types.save(obj, form.changed_data)

    def delete_model(self, request: HttpRequest, obj: EventType) -> None:
        event_types.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EventType]) -> None:
        event_types.delete(queryset)

    def list_queryset(self, queryset: QuerySet[EventType]) -> QuerySet[EventType]:
        return queryset.select_related("tenant")

    def search_text(self, queryset: QuerySet[EventType], term: str) -> QuerySet[EventType]:
        return queryset.filter(name__icontains=term)

    @admin.display(description="tenant")
    def tenant_name(self, obj: EventType) -> str:
        return obj.tenant.slug if obj.tenant else "all tenants"
