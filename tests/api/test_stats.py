"""``/api/webhooks/{id}/stats``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api.checks import parameters, problem
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_key, make_tenant
from tests.services.test_counting import attempt
from webhooks.models import DeadLetter, Endpoint, Tenant
from webhooks.services import counting, endpoints, statistics

HOUR = timedelta(hours=1)


def stats(api: ApiClient, endpoint: Endpoint, query: str = "") -> Any:
    answer = api.get(f"/api/webhooks/{endpoint.public_id}/stats{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_webhook_that_was_never_called_has_zeros(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    found = stats(api, endpoint)
    assert (found["webhook_id"], found["window"], found["complete"]) == (endpoint.public_id, "24h", True)
    assert found["attempts"]["total"] == 0
    assert found["attempts"]["success_rate"] is found["deliveries"]["success_rate"] is None
    assert found["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert found["errors"] == {}
    assert len(found["series"]) == 25
    assert all(hour["attempts"] == 0 for hour in found["series"])


def test_attempts_are_counted_before_and_after_the_mark(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    delivery = make_delivery(endpoint, state="succeeded")
    now = datetime.now(UTC)
    for n in range(8):
        attempt(delivery, now - 3 * HOUR, timings={"total": 40.0 + n})
    counting.count()
    attempt(delivery, now, outcome="failed", response_status=None, error="timeout", timings={"total": 15_000.0})
    attempt(delivery, now, outcome="failed", response_status=404)
    attempt(delivery, now - 30 * HOUR)  # before the window
    found = stats(api, endpoint)
    assert found["attempts"] == {
        "total": 10, "succeeded": 8, "failed": 2, "lost": 0, "late": 0, "success_rate": 0.8,
    }  # fmt: skip
    assert found["responses"] == {"1xx": 0, "2xx": 8, "3xx": 0, "4xx": 1, "5xx": 0, "none": 1}
    assert found["errors"] == {"timeout": 1}
    assert 35 < found["latency_ms"]["p50"] < 55
    assert 13_000 < found["latency_ms"]["p99"] < 17_000
    by_hour = {hour["hour"]: hour["attempts"] for hour in found["series"]}
    assert sorted(by_hour) == [hour["hour"] for hour in found["series"]]
    assert by_hour[found["series"][-1]["hour"]] == 2
    assert sum(by_hour.values()) == 10


def test_deliveries_are_counted_by_state(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    now = timezone.now()
    attempt(make_delivery(endpoint, state="succeeded", finished_at=now), now)
    for state in ("pending", "pending", "sending", "held"):
        make_delivery(endpoint, state=state)
    make_delivery(endpoint, state="cancelled", finished_at=now)
    make_delivery(endpoint, state="cancelled", finished_at=now - timedelta(days=3))
    dead = make_delivery(endpoint, state="dead", finished_at=now)
    DeadLetter.objects.create(
        tenant=tenant, endpoint=endpoint, delivery=dead, event=dead.event, event_type="a.b", attempt_count=6
    )
    make_delivery(make_endpoint(tenant), state="held")
    assert stats(api, endpoint)["deliveries"] == {
        "succeeded": 1, "dead": 1, "cancelled": 1, "pending": 2, "sending": 1, "held": 1, "success_rate": 0.5,
    }  # fmt: skip


def test_counting_deliveries_stops_at_a_limit(api: ApiClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "COUNT_LIMIT", 2)
    endpoint = make_endpoint(tenant)
    for _ in range(4):
        make_delivery(endpoint)
    assert stats(api, endpoint)["deliveries"]["pending"] == 2


@pytest.mark.parametrize(("window", "hours"), [("1h", 2), ("24h", 25), ("1d", 25), ("7d", 169), ("30d", 721)])
def test_a_window_is_whole_hours(api: ApiClient, tenant: Tenant, window: str, hours: int) -> None:
    found = stats(api, make_endpoint(tenant), f"?window={window}")
    assert (found["window"], len(found["series"])) == (window, hours)
    assert found["since"].endswith(":00:00Z")


BAD = [
    "window=", "window=0h", "window=31d", "window=999h", "window=1w", "window=24", "window=-1h", "window=%00",
    "window=1h&window=2h", "windows=1h",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_a_bad_window_is_named(api: ApiClient, tenant: Tenant, query: str) -> None:
    path = f"/api/webhooks/{make_endpoint(tenant).public_id}/stats"
    assert parameters(api.get(f"{path}?{query}")) == [query.partition("=")[0]]


def test_a_deleted_webhook_has_none(api: ApiClient, tenant: Tenant, valkey: Any) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.delete(endpoint.id)
    problem(api.get(f"/api/webhooks/{endpoint.public_id}/stats"), 404)
    stranger = ApiClient(make_key(make_tenant()))
    problem(stranger.get(f"/api/webhooks/{make_endpoint(tenant).public_id}/stats"), 404)
