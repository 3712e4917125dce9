"""What people look at: every list of the API with every filter, and the pages of the admin, with their latencies.

Requests run in this process through every middleware, so that the numbers are Clarion's and the database's own.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from benchmarks import figures

LIMIT = 50  # objects of a page, as the bar says
_DEEP = 15  # days back that a deep page begins
_HOST = "localhost"

Get = Callable[[], Any]
Connect = Callable[[str], Any]  # of a token; has ``get(address, secure=, headers=)`` as Django's test client


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks: a tenant (None: the platform, which sees all) and one of its endpoints."""

    tenant: UUID | None
    endpoint: UUID


# Filters of each list, by the name that the results have. ``{webhook}`` and the like are put in; see _names.
_EVENTS = (
    "", "event_type=order.created", "event_type=order.flagged", "created_after={week}", "created_before={deep}",
    "correlation_id={correlation}", "correlation_id=nobodys", "search={event}", "search={correlation}",
    "metadata=source:web", "metadata={metadata}", "metadata=source:nowhere", "matched=0",
    "matched=0&created_before={deep}", "matched=7", "status=accepted", "status=routed", "origin=api", "origin=inbound",
    "event_type=order.flagged&matched=0", "correlation_id={correlation}&metadata=source:web",
)  # fmt: skip
_DELIVERIES = (
    "", "status=pending", "status=sending", "status=succeeded", "status=dead", "status=cancelled", "status=held",
    "webhook={webhook}", "event_type=order.created", "event_type=order.flagged", "event_type=never.published",
    "response_status=200", "response_status=204", "response_status=404", "response_status=418", "response_status=503",
    "created_after={week}", "created_before={deep}",
    "webhook={webhook}&status=dead", "webhook={webhook}&status=pending", "webhook={webhook}&status=succeeded",
    "webhook={webhook}&response_status=500", "webhook={webhook}&event_type=order.flagged",
    "status=dead&event_type=order.refunded", "status=dead&response_status=404", "status=succeeded&response_status=503",
    "created_before={deep}&status=cancelled", "created_after={week}&created_before={day}&event_type=invoice.disputed",
    "trigger=replay", "trigger=test", "trigger=replay&status=succeeded", "correlation_id={correlation}",
    "correlation_id=nobodys", "search={event}", "correlation_id={correlation}&status=succeeded",
)  # fmt: skip
_ATTEMPTS = (
    "", "status=succeeded", "status=failed", "status=lost", "response_status=200", "response_status=500",
    "response_status=418", "created_after={week}", "created_before={deep}&status=failed", "trigger=retry",
    "trigger=test", "error=timeout", "error=tls_error",
)  # fmt: skip
_LETTERS = (
    "", "status=open", "status=replayed", "status=discarded", "webhook={webhook}", "event_type=order.created",
    "event_type=order.flagged", "response_status=404", "response_status=418", "created_before={deep}",
    "webhook={webhook}&status=open", "correlation_id={correlation}", "search={event}",
)  # fmt: skip
_LISTS = {
    "/api/events": _EVENTS,
    "/api/deliveries": _DELIVERIES,
    "/api/webhooks/{webhook}/attempts": _ATTEMPTS,
    "/api/dead-letters": _LETTERS,
    "/api/webhooks": ("",),
    "/api/events/{event}/deliveries": ("",),
    "/api/events/{event}/routing": ("",),
    "/api/webhooks/{webhook}/stats": (None,),
    "/api/webhooks/{webhook}/stats?window=30d": (None,),
    "/api/deliveries/{delivery}": (None,),
}
_PLATFORM = {
    "/api/events": ("", "event_type=order.flagged", "correlation_id={correlation}", "metadata={metadata}", "matched=0"),
    "/api/deliveries": (
        "",
        "correlation_id={correlation}",
        "status=dead",
        "status=pending",
        "response_status=404",
        "event_type=order.flagged",
    ),
    "/api/dead-letters": ("", "status=open"),
}
_ADMIN = {
    "event": (
        "", "window=all", "tenant={slug}", "routing=waiting", "routing=unmatched", "q=order.flagged", "q={event}",
    ),
    "delivery": (
        "", "window=all", "window=all&tenant={slug}", "endpoint={webhook}", "state=dead", "window=all&state=dead",
        "state=pending", "state=held", "state=succeeded", "q={delivery}",
    ),
    "attempt": ("", "window=all", "endpoint={webhook}", "outcome=failed", "outcome=lost", "q={delivery}"),
    "deadletter": ("", "tenant={slug}", "endpoint={webhook}", "resolution=all", "resolution=replayed"),
    "endpoint": ("",),
}  # fmt: skip


def api(looker: Looker, connect: Connect | None = None) -> dict[str, Get]:
    """A request for each list and filter of the API, and for one deep page of each large list.

    ``connect``: makes of an API key what fetches an address; without it, the requests run in this process.
    """
    from webhooks.services.api_keys import create_api_key

    _, token = create_api_key(looker.tenant, "benchmark")
    client = (connect or _in_process)(token)
    names = _names(looker)
    requests: dict[str, Get] = {}
    for path, filters in (_LISTS if looker.tenant else _PLATFORM).items():
        for query in filters:
            address = path.format_map(names)
            if query is not None:
                address += f"?limit={LIMIT}&" + query.format_map(names)
            requests[" ".join(filter(None, (path, query)))] = _get(client, address)
    if looker.tenant:
        for path in ("/api/events", "/api/deliveries", "/api/webhooks/{webhook}/attempts"):
            first = _get(client, f"{path.format_map(names)}?limit={LIMIT}&created_before={names['deep']}")()
            if link := first.json()["next"]:
                parts = urlsplit(link)
                requests[f"{path} deep cursor"] = _get(client, f"{parts.path}?{parts.query}")
    return requests


def admin(looker: Looker) -> dict[str, Get]:
    """A request for each list of the admin, and for the pages of one event, delivery and endpoint."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create(username=secrets.token_hex(8), is_staff=True, is_superuser=True))
    names = _names(looker)
    requests = {"/admin/": _get(client, "/admin/")}
    for model, filters in _ADMIN.items():
        for query in filters:
            address = f"/admin/webhooks/{model}/?{query.format_map(names)}"
            requests[" ".join(filter(None, (f"/admin/webhooks/{model}/", query)))] = _get(client, address)
    for model, key in (("event", "event"), ("delivery", "delivery"), ("endpoint", "webhook")):
        requests[f"/admin/webhooks/{model}/{{id}}"] = _get(client, f"/admin/webhooks/{model}/{names[key]}/change/")
    return requests


def latencies(requests: Mapping[str, Get], samples: int) -> dict[str, dict[str, float]]:
    """p50 and p95 in milliseconds of each request: in turns, so that none has a quiet or a warm moment for itself."""
    taken: dict[str, list[float]] = {name: [] for name in requests}
    for request in requests.values():
        request()  # imports, connections, the note that the key was used
    for _ in range(samples):
        for name, request in requests.items():
            started = time.perf_counter()
            request()
            taken[name].append((time.perf_counter() - started) * 1000)
    return {
        name: {"p50": round(figures.percentile(ms, 0.5), 2), "p95": round(figures.percentile(ms, 0.95), 2)}
        for name, ms in taken.items()
    }


def _in_process(token: str) -> Any:
    from django.test import Client

    return Client(headers={"Authorization": f"Bearer {token}"})


def _get(client: Any, address: str) -> Get:
    def get() -> Any:
        answer = client.get(address, secure=True, headers={"host": _HOST})
        if answer.status_code != 200:
            raise RuntimeError(f"GET {address} answered {answer.status_code}: {answer.content[:300]!r}")
        return answer

    return get


def _names(looker: Looker) -> dict[str, str]:
    """What stands in the addresses: ids of rows that exist, and moments."""
    from webhooks.core import ids
    from webhooks.models import Delivery, Endpoint, Event, Tenant

    owner = Endpoint.objects.values_list("tenant_id", flat=True).get(pk=looker.endpoint)
    delivery = Delivery.objects.filter(endpoint_id=looker.endpoint).order_by("id").first()
    event = Event.objects.filter(pk=delivery.event_id).first() if delivery else None
    now = datetime.now(UTC)
    moments = {"day": 1, "week": 7, "deep": _DEEP}
    return {
        "webhook": ids.show(ids.WEBHOOK, looker.endpoint),
        "slug": Tenant.objects.values_list("slug", flat=True).get(pk=owner),
        "delivery": ids.show(ids.DELIVERY, delivery.pk) if delivery else "",
        "event": ids.show(ids.EVENT, delivery.event_id) if delivery else "",
        "correlation": event.correlation_id if event else "none",
        "metadata": quote("order:" + event.metadata.get("order", "none")) if event else "order:none",
        **{name: quote((now - timedelta(days=days)).isoformat()) for name, days in moments.items()},
    }
