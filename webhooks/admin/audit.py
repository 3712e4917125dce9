"""The audit log: who did what, to what, from where. Read only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.base import LedgerAdmin
from webhooks.admin.filters import ChoiceFilter, TenantFilter, TextFilter, WindowFilter
from webhooks.admin.related import prefetch, prefetched, tenant_of
from webhooks.core import ids
from webhooks.models import ApiKey, AuditEntry, DeadLetter, Delivery, Endpoint, Event, OAuthClient, TaskFailure, Tenant
from webhooks.models.audit import PREFIX

# The page that an object of each kind has, by the prefix of its ids.
_PAGES: Mapping[str, tuple[str, type[Model]]] = {
    "webhook": (ids.WEBHOOK, Endpoint),
    "delivery": (ids.DELIVERY, Delivery),
    "dead_letter": (ids.DEAD_LETTER, DeadLetter),
    "event": (ids.EVENT, Event),
    "tenant": (ids.TENANT, Tenant),
    "api_key": (ids.API_KEY, ApiKey),
    "oauth_client": (ids.OAUTH_CLIENT, OAuthClient),
    "task_failure": ("tf", TaskFailure),
}


class SubjectFilter(ChoiceFilter):
    """The first part of the action. The index on actions serves it, but not in the order of the list."""

    title = "about"
    parameter_name = "about"
    options = {
        "webhook": "Webhooks", "secret": "Secrets", "delivery": "Deliveries", "dead_letter": "Dead letters",
        "event": "Events", "tenant": "Tenants", "api_key": "API keys",
        "oauth_client": "OAuth clients", "event_type": "Event types",
        "task_failure": "Task failures", "login": "Logins", "user": "Users", "group": "Groups", "audit": "This log",
    }  # fmt: skip

    def condition(self, value: str) -> Q:
        return Q(action__gte=f"{value}.", action__lt=f"{value}/")


class ActorKindFilter(ChoiceFilter):
    title = "done by"
    parameter_name = "by"
    field = "actor_kind"
    options = {str(value): f"{label[:1].upper()}{label[1:]}" for value, label in AuditEntry.Actor.choices}


class ObjectFilter(TextFilter):
    """By an id of what it was done to."""

    title = "object"
    parameter_name = "object"
    placeholder = "wh_…, dlv_…, user_7"

    def condition(self, text: str) -> Q | None:
        return Q(objects_named__contains=[text])


class ActorFilter(TextFilter):
    """By the id of a key or user."""

    title = "actor"
    parameter_name = "actor"
    placeholder = "key_… or user_7"

    def condition(self, text: str) -> Q | None:
        return Q(actor_id=text)


class EntryWindowFilter(WindowFilter):
    """Who asks what happened to one object wants all of it."""

    default = "all"


@admin.register(AuditEntry)
class AuditEntryAdmin(LedgerAdmin[AuditEntry]):
    """One change, replay, reveal of a secret or login."""

    id_prefix = PREFIX
    search_ids = {PREFIX: "pk"}
    search_fields = ("pk",)
    search_help_text = "An aud_… id, the id of an object or actor, or an action such as webhook.updated."
    list_display = ("happened", "shown_action", "who", "subject", "changed", "tenant_name", "place")
    list_filter = (SubjectFilter, ActorKindFilter, EntryWindowFilter, TenantFilter, ObjectFilter, ActorFilter)
    actions = None
    detail_template = "admin/webhooks/auditentry/detail.html"

    def list_queryset(self, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.prefetch_related(*prefetch("tenant"))

    def search_text(self, queryset: QuerySet[AuditEntry], term: str) -> QuerySet[AuditEntry]:
        return queryset.filter(Q(action=term) | Q(actor_id=term) | Q(objects_named__contains=[term]))

    @admin.display(description="when")
    def happened(self, obj: AuditEntry) -> SafeString:
        return markup.when(obj.at)

    @admin.display(description="action")
    def shown_action(self, obj: AuditEntry) -> SafeString:
        return format_html('<code class="c-action">{}</code>', obj.action)

    @admin.display(description="by")
    def who(self, obj: AuditEntry) -> SafeString:
        label = obj.actor_label or obj.actor_id
        kind = obj.get_actor_kind_display()
        if not label:
            return format_html("{}", kind)
        return format_html('<span class="c-clip" title="{}">{}</span><small>{}</small>', label, label, kind)

    @admin.display(description="object")
    def subject(self, obj: AuditEntry) -> SafeString:
        return _subject(obj)

    @admin.display(description="changed")
    def changed(self, obj: AuditEntry) -> SafeString:
        text = ", ".join(sorted(obj.changes))
        return format_html('<span class="c-clip" title="{}">{}</span>', text, text) if text else markup.NOTHING

    @admin.display(description="tenant")
    def tenant_name(self, obj: AuditEntry) -> str:
        if obj.tenant_id is None:
            return "platform"
        tenant = prefetched(obj, "tenant")
        return tenant.slug if tenant else ids.show(ids.TENANT, obj.tenant_id)

    @admin.display(description="chain")
    def place(self, obj: AuditEntry) -> SafeString:
        return format_html('<span class="c-number">{}</span>', obj.sequence) if obj.sequence else markup.NOTHING

    def detail(self, request: HttpRequest, obj: AuditEntry) -> dict[str, Any]:
        return {
            "subtitle": obj.public_id,
            "subject": _subject(obj),
            "several": [_linked(obj.object_kind, text) for text in obj.objects_named] if not obj.object_id else [],
            "tenant": tenant_of(obj) if obj.tenant_id else None,
            "changes": [_change(name, change) for name, change in sorted(obj.changes.items())],
            "details": [(name, _text(value)) for name, value in sorted(obj.detail.items())],
            "hash": bytes(obj.hash).hex() if obj.hash else "",
            "previous": bytes(obj.previous).hex() if obj.previous else "",
        }


def _subject(obj: AuditEntry) -> SafeString:
    if obj.count != 1 or len(obj.objects_named) > 1:
        return format_html("{} {}", obj.count, _several(obj.object_kind))
    if not obj.objects_named:
        return format_html("{}", obj.object_label) if obj.object_label else markup.NOTHING
    return _linked(obj.object_kind, obj.objects_named[0], obj.object_label)


def _several(kind: str) -> str:
    return f"{kind.removesuffix('y')}ies" if kind.endswith("y") and kind != "api_key" else f"{kind.replace('_', ' ')}s"


def _linked(kind: str, text: str, label: str = "") -> SafeString:
    """A link to the object's page where its kind has one; the page itself says when the object is gone."""
    prefix, model = _PAGES.get(kind, ("", None))
    key = ids.parse(prefix, text) if model else None
    if model is None or key is None:
        return format_html('<span class="c-clip" title="{}">{}</span>', text, label or text)
    return markup.link(model(pk=key), label or text, "c-clip")


def _change(name: str, change: Any) -> tuple[str, str | None, str | None]:
    """(field, before, after); both None: only that it was changed is known."""
    if not isinstance(change, dict):
        return name, None, None
    return name, _text(change.get("before")), _text(change.get("after"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
