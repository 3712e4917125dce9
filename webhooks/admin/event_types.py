"""The catalogue of event types and their versions. The services judge and write, as for the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin
from webhooks.admin.faults import rehearse
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.generic import ModelForm, TabularInline
from webhooks.core import jsontext, jsonvalues
from webhooks.models import EventType, EventTypeVersion
from webhooks.services import event_types

_DEPRECATION = ("deprecated_at", "deprecation_message")


class EventTypeForm(ModelForm[EventType]):
    class Meta:
        model = EventType
        fields = ("tenant", "name", "description", "version", *_DEPRECATION)

    def write(self) -> UUID:
        """Register the type, or change it: its key."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("tenant", "name")}
        if not self.instance._state.adding:
            event_types.replace(self.instance.pk, values)
            return UUID(str(self.instance.pk))
        tenant = self.cleaned_data["tenant"]
        return event_types.create(tenant.pk if tenant else None, {"name": self.cleaned_data["name"], **values})

    def _post_clean(self) -> None:
        """In place of the model's validation: what the service says is what counts."""
        if not self.errors:
            rehearse(self, self.write)


class VersionInline(TabularInline[EventTypeVersion, EventType]):
    """The versions with a link to each; they are changed on pages of their own."""

    model = EventTypeVersion
    fields = readonly_fields = ("name", "enforcement", "warned", "last_warned_at", "deprecated_at")
    ordering = ("id",)
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(EventType)
class EventTypeAdmin(ClarionAdmin[EventType]):
    """A registered type; publishing needs one only while WEBHOOKS_STRICT_EVENT_TYPES is on."""

    form = EventTypeForm
    inlines = (VersionInline,)
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

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> Any:
        """Publishers and webhooks use the name, so it stays; and so does its owner."""
        return ("tenant", "name") if obj else ()

    def get_inlines(self, request: HttpRequest, obj: EventType | None = None) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: EventType, form: Any, change: bool) -> None:
        obj.pk = form.write()
        obj.refresh_from_db()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The versions go along, which are not deleted by themselves."""
        return [str(obj) for obj in objs], {"event types": len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: EventType) -> None:
        event_types.delete(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EventType]) -> None:
        for obj in queryset:
            event_types.delete(obj.pk)


class ExactJSONField(forms.CharField):
    """JSON whose numbers stay as they are written."""

    widget = forms.Textarea(attrs={"rows": 16, "class": "c-code vLargeTextField"})

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").strip()
        if not text:
            return None
        try:
            jsontext.check(text.encode("utf-8", "surrogatepass"), max_depth=64)
            return jsonvalues.read(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"Takes JSON: {error}.") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != self.to_python(initial))
        except forms.ValidationError:
            return True


class VersionForm(ModelForm[EventTypeVersion]):
    schema = ExactJSONField(
        required=False,
        help_text="JSON Schema 2020-12 of the data. Once it is there, only changes that break nobody are taken.",
    )
    example = ExactJSONField(required=False, help_text="JSON that test events carry; valid by the schema.")

    class Meta:
        model = EventTypeVersion
        fields = ("event_type", "name", "description", "enforcement", "schema", "example", *_DEPRECATION)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Attack: brackets in brackets, indented a hundred thousand times. So only what is stored is indented.
        for name in ("schema", "example"):
            if text := self.initial.get(name):
                self.initial[name] = jsonvalues.indented(text)

    def write(self) -> UUID:
        """Add the version, or change it: its key."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("event_type", "name")}
        if not self.instance._state.adding:
            event_types.change_version(self.instance.pk, values)
            return UUID(str(self.instance.pk))
        return event_types.add_version(
            self.cleaned_data["event_type"].pk, {"version": self.cleaned_data["name"], **values}
        )

    def _post_clean(self) -> None:
        if not self.errors:
            rehearse(self, self.write)


class EnforcementFilter(ChoiceFilter):
    title = "enforcement"
    parameter_name = "enforcement"
    options = {str(value): str(value).title() for value in EventTypeVersion.Enforcement.values}
    indexed = True  # versions are few

    def condition(self, value: str) -> Q:
        return Q(enforcement=value)


@admin.register(EventTypeVersion)
class EventTypeVersionAdmin(ClarionAdmin[EventTypeVersion]):
    """What events of a type carry. Versions are promises: they are deprecated, not deleted."""

    form = VersionForm
    list_display = ("type_name", "name", "how", "checks", "warned", "last_warned", "deprecated")
    list_filter = (EnforcementFilter,)
    search_fields = ("event_type__name",)
    search_help_text = "A part of the type's name."
    autocomplete_fields = ("event_type",)

    def list_queryset(self, queryset: QuerySet[EventTypeVersion]) -> QuerySet[EventTypeVersion]:
        return queryset.select_related("event_type").defer("schema", "example", "description")

    def search_text(self, queryset: QuerySet[EventTypeVersion], term: str) -> QuerySet[EventTypeVersion]:
        return queryset.filter(event_type__name__icontains=term)

    @admin.display(description="type")
    def type_name(self, obj: EventTypeVersion) -> str:
        return obj.event_type.name

    @admin.display(description="enforcement")
    def how(self, obj: EventTypeVersion) -> SafeString:
        return markup.badge(obj.enforcement)

    @admin.display(description="checked", boolean=True)
    def checks(self, obj: EventTypeVersion) -> bool:
        return obj.check_id is not None

    @admin.display(description="last warning")
    def last_warned(self, obj: EventTypeVersion) -> SafeString:
        return markup.when(obj.last_warned_at)

    @admin.display(description="deprecated")
    def deprecated(self, obj: EventTypeVersion) -> SafeString:
        return markup.when(obj.deprecated_at)

    def has_delete_permission(self, request: HttpRequest, obj: EventTypeVersion | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: EventTypeVersion | None = None) -> Any:
        return ("event_type", "name") if obj else ()

    def save_model(self, request: HttpRequest, obj: EventTypeVersion, form: Any, change: bool) -> None:
        obj.pk = form.write()
        obj.refresh_from_db()
