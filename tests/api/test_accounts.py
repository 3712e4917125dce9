"""``/api/tenants`` and ``/api/api-keys``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_key, make_tenant
from webhooks.core import ids
from webhooks.models import ApiKey, Tenant


@pytest.fixture
def platform(platform_key: str) -> ApiClient:
    return ApiClient(platform_key)


def test_a_tenant_is_made_and_found_by_id_and_slug(platform: ApiClient) -> None:
    response = platform.post("/api/tenants", {"name": "Acme GmbH", "slug": "acme-7", "metadata": {"plan": "pro"}})
    made = response.json()
    assert response.status_code == 201
    assert (made["name"], made["slug"], made["metadata"], made["active"]) == (
        "Acme GmbH",
        "acme-7",
        {"plan": "pro"},
        True,
    )
    for name in (made["id"], "acme-7"):
        assert platform.get(f"/api/tenants/{name}").json() == made
    assert platform.get(response["Location"]).json() == made


def test_a_slug_is_made_from_the_name(platform: ApiClient) -> None:
    first = platform.post("/api/tenants", {"name": "Ünïcode & Sons"}).json()
    second = platform.post("/api/tenants", {"name": "Ünïcode & Sons"}).json()
    nothing_left = platform.post("/api/tenants", {"name": "日本"}).json()
    assert first["slug"] == "unicode-sons"
    assert second["slug"].startswith("unicode-sons-")
    assert nothing_left["slug"].startswith("tenant")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/name"]),
        ({"name": ""}, ["/name"]),
        ({"name": "  "}, ["/name"]),
        ({"name": 5}, ["/name"]),
        ({"name": "x" * 201}, ["/name"]),
        ({"name": "a\x00"}, ["/name"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"name": "a", "slug": "A b"}, ["/slug"]),
        ({"name": "a", "slug": "-a"}, ["/slug"]),
        ({"name": "a", "slug": "ten_1"}, ["/slug"]),
        ({"name": "a", "slug": "a\n"}, ["/slug"]),
        ({"name": "a", "slug": "x" * 65}, ["/slug"]),
        ({"name": "a", "slug": 5}, ["/slug"]),
        ({"name": "a", "metadata": []}, ["/metadata"]),
        ({"name": "a", "metadata": {"a": "\x00"}}, ["/metadata"]),
        ({"name": "a", "metadata": {"a": "x" * 5000}}, ["/metadata"]),
        ({"name": "a", "active": False}, ["/active"]),
    ],
)
def test_a_bad_tenant_is_refused(platform: ApiClient, body: dict[str, Any], where: list[str]) -> None:
    assert pointers(platform.post("/api/tenants", body)) == where
    assert not Tenant.objects.exists()


def test_a_slug_is_taken_once(platform: ApiClient) -> None:
    platform.post("/api/tenants", {"name": "a", "slug": "same"})
    assert pointers(platform.post("/api/tenants", {"name": "b", "slug": "same"})) == ["/slug"]
    assert Tenant.objects.count() == 1


@pytest.mark.parametrize("name", ["nobody", "ten_" + "0" * 32, "ten_x", "%00", "A"])
def test_an_unknown_tenant_is_404(platform: ApiClient, name: str) -> None:
    problem(platform.get(f"/api/tenants/{name}"), 404)


# --- API keys


def test_a_key_is_made_shown_once_and_works(api: ApiClient, tenant: Tenant) -> None:
    expires = (timezone.now() + timedelta(days=1)).isoformat()
    response = api.post("/api/api-keys", {"name": "reader", "scopes": ["events:read"], "expires_at": expires})
    made = response.json()
    assert response.status_code == 201
    assert (made["name"], made["scopes"], made["tenant_id"]) == ("reader", ["events:read"], tenant.public_id)
    assert made["token"].startswith(made["prefix"])
    assert ApiClient(made["token"]).get("/api/events").status_code == 200
    shown = api.get(response["Location"])
    assert made["token"].encode() not in shown.content + api.get("/api/api-keys").content
    assert shown.json()["last_used_at"]


def test_a_key_gets_the_scopes_of_its_maker_by_default(tenant: Tenant) -> None:
    maker = ApiClient(make_key(tenant, "keys", "events:read"))
    assert set(maker.post("/api/api-keys", {"name": "x"}).json()["scopes"]) == {"keys", "events:read"}


def test_a_key_cannot_make_one_that_may_do_more(tenant: Tenant) -> None:
    maker = ApiClient(make_key(tenant, "keys"))
    response = maker.post("/api/api-keys", {"name": "x", "scopes": ["keys", "events:write", "webhooks:write"]})
    assert pointers(response) == ["/scopes/1", "/scopes/2"]
    assert ApiKey.objects.count() == 1


def test_a_key_made_by_a_platform_key_belongs_to_the_named_tenant(tenant: Tenant, platform_key: str) -> None:
    platform = ApiClient(platform_key, headers={"Clarion-Tenant": tenant.slug})
    made = platform.post("/api/api-keys", {"name": "x"}).json()
    assert made["tenant_id"] == tenant.public_id
    assert "tenants" not in made["scopes"]
    problem(ApiClient(made["token"]).get("/api/tenants"), 403)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/name"]),
        ({"name": ""}, ["/name"]),
        ({"name": "a\x00"}, ["/name"]),
        ({"name": "a", "scopes": []}, ["/scopes"]),
        ({"name": "a", "scopes": "keys"}, ["/scopes"]),
        ({"name": "a", "scopes": ["keys", "everything"]}, ["/scopes/1"]),
        ({"name": "a", "scopes": ["keys", 5, None, []]}, ["/scopes/1", "/scopes/2", "/scopes/3"]),
        ({"name": "a", "scopes": ["keys", "keys"]}, ["/scopes/1"]),
        ({"name": "a", "scopes": ["tenants"]}, ["/scopes/0"]),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "expires_at": "2999-01-01T00:00:00"}, ["/expires_at"]),
        ({"name": "a", "expires_at": "soon"}, ["/expires_at"]),
        ({"name": "a", "expires_at": "2999-13-01T00:00:00Z"}, ["/expires_at"]),
        ({"name": "a", "expires_at": 5}, ["/expires_at"]),
        ({"name": "a", "tenant_id": "ten_x"}, ["/tenant_id"]),
    ],
)
def test_a_bad_key_is_refused(api: ApiClient, body: dict[str, Any], where: list[str]) -> None:
    assert pointers(api.post("/api/api-keys", body)) == where
    assert ApiKey.objects.count() == 1


def test_a_key_can_be_revoked_and_stays_listed(api: ApiClient) -> None:
    made = api.post("/api/api-keys", {"name": "x"}).json()
    assert api.delete(f"/api/api-keys/{made['id']}").status_code == 204
    problem(ApiClient(made["token"]).get("/api/events"), 401)
    shown = api.get(f"/api/api-keys/{made['id']}").json()
    api.delete(f"/api/api-keys/{made['id']}")
    assert api.get(f"/api/api-keys/{made['id']}").json()["revoked_at"] == shown["revoked_at"] is not None


def test_a_platform_key_is_nothing_a_tenant_can_see(api: ApiClient, platform_key: str) -> None:
    key = ApiKey.objects.get(tenant=None)
    problem(api.delete(f"/api/api-keys/{ids.show(ids.API_KEY, key.id)}"), 404)
    assert len(api.get("/api/api-keys").json()["results"]) == 1
    assert len(ApiClient(platform_key).get("/api/api-keys").json()["results"]) == 2
    make_tenant()
