"""``GET /api/audit``: what a tenant's key sees, what a platform key sees, filters and pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_endpoint, make_key, make_tenant
from webhooks.models import ApiKey, Tenant
from webhooks.services import actors, audit, audit_chain, endpoints
from webhooks.services.actors import Actor

STAFF = Actor("staff", "user_7", "olga", "", "10.0.0.5")


@pytest.fixture(autouse=True)
def _database(db: None, valkey: Any) -> None:
    """Every test here needs the database and empty guards."""


def entries(client: ApiClient, query: str = "", **headers: str) -> list[dict[str, Any]]:
    response = client.get(f"/api/audit{query}", headers=headers)
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def test_a_change_over_http_is_there_with_its_key_and_request(tenant: Tenant, api: ApiClient) -> None:
    endpoint = make_endpoint(tenant)
    api.post(f"/api/webhooks/{endpoint.public_id}/pause", {}, headers={"X-Request-ID": "call-1"})
    (entry,) = entries(api, "?action=webhook.paused")
    key = ApiKey.objects.get(tenant=tenant)
    assert entry["actor"] == {"kind": "api_key", "id": key.public_id, "label": key.name}
    assert entry["object"] == {"kind": "webhook", "id": endpoint.public_id, "label": endpoint.url}
    assert (entry["request_id"], entry["address"], entry["tenant_id"]) == ("call-1", "127.0.0.1", tenant.public_id)
    assert entry["changes"] == {"state": {"before": "active", "after": "paused"}}
    assert entry["hash"] is None
    audit_chain.seal()
    assert len(entries(api, "?action=webhook.paused")[0]["hash"]) == 64


def test_a_tenant_sees_its_own_entries_and_no_others(api: ApiClient, tenant: Tenant, platform_key: str) -> None:
    mine, other = make_endpoint(tenant), make_endpoint(make_tenant())
    audit.record("login.succeeded", "user", ["user_1"])
    assert {entry["tenant_id"] for entry in entries(api)} == {tenant.public_id}
    assert entries(api, f"?object={other.public_id}") == []
    everything = entries(ApiClient(platform_key))
    assert {entry["tenant_id"] for entry in everything} >= {None, tenant.public_id, other.tenant.public_id}
    named = entries(ApiClient(platform_key), f"?object={mine.public_id}", **{"Clarion-Tenant": tenant.slug})
    assert {entry["action"] for entry in named} == {"webhook.created", "secret.revealed"}


def test_a_tenant_does_not_learn_who_runs_the_platform(api: ApiClient, tenant: Tenant, platform_key: str) -> None:
    endpoint = make_endpoint(tenant)
    with actors.acting_as(STAFF):
        endpoints.pause(endpoint.id)
    query = f"?object={endpoint.public_id}&action=webhook.paused"
    (entry,) = entries(api, query)
    assert (entry["actor"], entry["address"]) == ({"kind": "staff", "id": None, "label": None}, None)
    assert entries(api, "?actor=user_7") == [], "nor by asking"
    (seen,) = entries(ApiClient(platform_key), query)
    assert (seen["actor"]["label"], seen["address"]) == ("olga", "10.0.0.5")
    assert len(entries(ApiClient(platform_key), "?actor=user_7")) == 1


def test_filters_by_action_actor_object_and_time(api: ApiClient, tenant: Tenant) -> None:
    one, two = make_endpoint(tenant), make_endpoint(tenant)
    api.post(f"/api/webhooks/{one.public_id}/pause", {})
    key = ApiKey.objects.get(tenant=tenant)
    assert {entry["action"] for entry in entries(api, "?action=webhook")} == {"webhook.created", "webhook.paused"}
    assert {entry["object"]["id"] for entry in entries(api, f"?object={two.public_id}")} == {two.public_id}
    assert [entry["action"] for entry in entries(api, f"?actor={key.public_id}")] == ["webhook.paused"]
    newest = entries(api)[0]["at"]
    assert entries(api, "?created_before=2020-01-01T00:00:00Z") == []
    assert len(entries(api, "?created_after=2020-01-01T00:00:00Z&limit=1&action=webhook.paused")) == 1
    assert newest >= entries(api)[-1]["at"]


@pytest.mark.parametrize(
    "query", ["action=webhook%27", "action=Webhook.Updated", "object=%00", "actor=a%20b", "nothing=1", "action="]
)
def test_a_filter_that_makes_no_sense_is_refused(api: ApiClient, query: str) -> None:
    problem(api.get(f"/api/audit?{query}"), 400)


def test_pages_go_through_all_entries(api: ApiClient, tenant: Tenant) -> None:
    for _ in range(3):
        make_endpoint(tenant)
    seen, path = [], "/api/audit?limit=2"
    while path:
        page = api.get(path).json()
        seen += [entry["id"] for entry in page["results"]]
        path = (page["next"] or "").partition("testserver")[2]
    assert seen == [entry["id"] for entry in entries(api, "?limit=250")]
    assert len(seen) == len(set(seen)) >= 6


def test_nobody_writes_to_it(api: ApiClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        problem(api.request(method, "/api/audit", {}), 405)


def test_the_scope_is_that_of_keys(tenant: Tenant) -> None:
    assert entries(ApiClient(make_key(tenant, "keys"))) != []
    problem(ApiClient(make_key(tenant, "webhooks:read", "events:read", "operations")).get("/api/audit"), 403)
