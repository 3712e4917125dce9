"""Tags of the admin's templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.apps import apps
from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks.admin import markup
from webhooks.admin.related import prefetched
from webhooks.core import ids
from webhooks.models import AuditEntry, DeadLetter, Endpoint, Event, Mailbox, ReceivedMessage, TaskFailure

register = template.Library()

register.filter("badge", markup.badge)
register.filter("when", markup.when)
register.filter("status", markup.status)
register.filter("milliseconds", markup.milliseconds)
register.simple_tag(markup.link, name="object_link")
register.simple_tag(prefetched, name="related")

_COUNTED = 1000  # the start page counts up to here


@register.simple_tag
def clarion_links() -> list[tuple[str, str]]:
    """(name, URL) of what stands beside the admin; Flower only where it is known to run."""
    flower = getattr(settings, "FLOWER_URL", "")
    links = [("API docs", "/api/docs"), ("Metrics", "/metrics")]
    if flower.startswith(("http://", "https://")):
        links.insert(0, ("Flower", flower))
    return links


@register.simple_tag
def list_url(model: str, **query: str) -> str:
    """The URL of a list, with filters: ``{% list_url "delivery" endpoint="wh_…" %}``."""
    return markup.list_url(apps.get_model("webhooks", model), **query)


# Objects that the audit log names; those of other tables are never changed by anybody.
_AUDITED = (
    "endpoint",
    "delivery",
    "deadletter",
    "event",
    "tenant",
    "apikey",
    "oauthclient",
    "taskfailure",
    "eventtype",
    "operation",
    "receivedmessage",
    "source",
)


@register.simple_tag
def audit_url(obj: Any) -> str:
    """The audit log of one object; empty where there is none."""
    if obj is None or obj._meta.model_name not in _AUDITED:
        return ""
    return markup.list_url(AuditEntry, object=getattr(obj, "public_id", None) or obj.name)


@register.simple_tag(takes_context=True)
def clarion_numbers(context: Any) -> list[dict[str, Any]]:
    """What needs attention, for the start page. Each number is a bounded count the user may see."""
    request: HttpRequest = context["request"]
    now = datetime.now(UTC)
    minute, week = now - timedelta(minutes=1), ids.floor(now - timedelta(days=7))
    active = Mailbox.objects.filter(endpoint__in=Endpoint.objects.existing().filter(state=Endpoint.State.ACTIVE))
    disabled = Endpoint.objects.existing().filter(state=Endpoint.State.DISABLED)
    unrouted = Event.objects.filter(fanned_out_at=None, pk__lt=ids.floor(minute))
    letters = DeadLetter.objects.filter(resolution=DeadLetter.Resolution.OPEN, pk__gte=week)
    failures = TaskFailure.objects.filter(resolution=TaskFailure.Resolution.OPEN)
    failed = ReceivedMessage.objects.filter(status=ReceivedMessage.Status.FAILED, pk__gte=week)
    numbers: list[tuple[str, str, dict[str, str], QuerySet[Any]]] = [
        ("open dead letters, 7 days", "deadletter", {"window": "7d"}, letters),
        ("endpoints failing", "endpoint", {"health": "failing"}, active.filter(consecutive_failures__gt=0)),
        ("endpoints disabled", "endpoint", {"state": "disabled"}, disabled),
        ("endpoints overdue by a minute", "endpoint", {"health": "overdue"}, active.filter(next_due_at__lt=minute)),
        ("events unrouted for a minute", "event", {"routing": "waiting"}, unrouted),
        ("received messages that failed", "receivedmessage", {"status": "failed"}, failed),
        ("tasks that failed", "taskfailure", {"resolution": "open"}, failures),
    ]
    return [
        {"name": name, "url": list_url(model, **query), "count": count, "more": count > _COUNTED, "limit": _COUNTED}
        for name, model, query, rows in numbers
        if request.user.has_perm(f"webhooks.view_{model}")
        for count in [rows.order_by()[: _COUNTED + 1].count()]
    ]
