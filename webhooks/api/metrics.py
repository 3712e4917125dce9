"""``/metrics`` in the Prometheus text format, read from the database: true for all processes, none to add up.

Open to the machine itself and to platform keys. Attack: behind a proxy on the same machine every request
comes from loopback; one that was forwarded therefore needs a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import webhooks
from webhooks.api import problems
from webhooks.api.authentication import credential_of
from webhooks.api.discovery import public
from webhooks.core import ids
from webhooks.services import backlog, heartbeats, task_failures

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


class BacklogCollector(Collector):
    """Gauges of what waits. The queries are bounded, so a scrape costs the same however much is stored."""

    def describe(self) -> Iterable[Metric]:
        return []  # registering must not ask the database

    def collect(self) -> Iterator[Metric]:
        now = backlog.total()
        states = GaugeMetricFamily(
            "clarion_deliveries",
            f"Unfinished deliveries by state; counting stops at {now.limit}.",
            labels=["state"],
        )
        for state, number in sorted(now.deliveries.items()):
            states.add_metric([state], number)
        yield states
        for name, text, value in (
            ("deliveries_due", "Deliveries that could be sent now.", now.deliveries_due),
            ("endpoints_due", "Endpoints with something due.", now.endpoints_due),
            (
                "oldest_due_age_seconds",
                "How long the endpoint that waits longest has been due.",
                now.oldest_due_age,
            ),
            ("outbox_events", "Accepted events that are not routed yet.", now.outbox),
            (
                "outbox_oldest_age_seconds",
                "Age of the oldest event that is not routed yet.",
                _age(now.oldest_in_outbox),
            ),
            ("received_unprocessed", "Received messages that are not processed yet.", now.unprocessed),
            (
                "received_oldest_age_seconds",
                "Age of the oldest message that is not processed yet.",
                _age(now.oldest_unprocessed),
            ),
            ("processor_runs_due", "Runs of processors that could begin now.", now.runs_due),
            ("processor_runs_dead", "Runs of processors that were given up.", now.runs_dead),
            ("leases_expired", "Deliveries whose worker did not report back in time.", now.leases_expired),
            ("dead_letters_open", "Dead letters that nobody replayed or discarded.", now.dead_letters_open),
            ("task_failures_open", "Tasks that failed unforeseen, not resolved.", task_failures.count_open()),
        ):
            yield GaugeMetricFamily(f"clarion_{name}", text, value=value)
        if (age := heartbeats.sweep_age()) is not None:
            text = "Time since a sweep ran to its end, to within five; absent before the first one."
            yield GaugeMetricFamily("clarion_sweep_age_seconds", text, value=max(0.0, age))
        build = GaugeMetricFamily("clarion_build_info", "Always 1.", labels=["version"])
        build.add_metric([webhooks.__version__], 1)
        yield build


def _age(key: UUID | None) -> float:
    return 0.0 if key is None else max(0.0, (datetime.now(UTC) - ids.created_at(key)).total_seconds())


registry = CollectorRegistry()
registry.register(BacklogCollector())


def metrics(request: HttpRequest) -> HttpResponse:
    """The gauges; 401 for strangers, 503 without the database."""
    if refusal := public.refused(request):
        return refusal
    try:
        if not _is_local(request) and not _has_platform_key(request):
            challenge = {"WWW-Authenticate": 'Bearer realm="clarion"'}
            detail = "Send a platform key, or ask from this machine."
            return problems.respond(request, problems.Problem(401, "unauthenticated", detail, headers=challenge))
        body = generate_latest(registry)
    except (OperationalError, InterfaceError) as error:
        return problems.respond(request, problems.describe(error) or problems.for_status(503))
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _is_local(request: HttpRequest) -> bool:
    if any(request.META.get(name) for name in _FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_platform_key(request: HttpRequest) -> bool:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    credential = credential_of(token) if scheme.lower() == "bearer" else None
    return credential is not None and credential.tenant_id is None
