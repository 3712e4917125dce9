"""Who is let in: API keys that are none, are wrong, or have ended, and names of tenants that are nobody's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.checks import problem, same_but_for_the_place
from tests.client import ApiClient
from webhooks.models import ApiKey, Tenant
from webhooks.services import api_keys


def test_a_credential_that_is_none_is_401(api_key: str) -> None:
    prefix, secret = api_key.split("_")[1:]
    bad = [
        "", "Bearer", "Bearer ", f"Basic {api_key}", api_key, f"Bearer {api_key}x", f"Bearer {api_key[:-1]}",
        f"Bearer clk_{prefix}_{'0' * 64}", f"Bearer clk_{'0' * 16}_{secret}", f"Bearer {api_key.upper()}",
        f"Bearer {api_key}, Bearer {api_key}", "Bearer " + "x" * 10_000, "Bearer clk_ü_ü",
    ]  # fmt: skip
    for header in bad:
        response = ApiClient(headers={"Authorization": header}).get("/api/events")
        problem(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer"), header


def test_a_wrong_secret_and_an_unknown_prefix_look_the_same(api_key: str) -> None:
    prefix = api_key.split("_")[1]
    wrong = ApiClient(f"clk_{prefix}_{'0' * 64}").get("/api/events")
    unknown = ApiClient(f"clk_{'0' * 16}_{'0' * 64}").get("/api/events")
    assert same_but_for_the_place(wrong, unknown)
    assert 'error="invalid_token"' in wrong["WWW-Authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(api_key: str, scheme: str) -> None:
    assert ApiClient(headers={"Authorization": f"{scheme} {api_key}"}).get("/api/events").status_code == 200


def test_a_revoked_key_stops_working_at_once(tenant: Tenant) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "short life")
    assert ApiClient(token).get("/api/events").status_code == 200
    api_keys.revoke(key_id)
    problem(ApiClient(token).get("/api/events"), 401)


def test_an_expired_key_does_not_work(api_key: str) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    problem(ApiClient(api_key).get("/api/events"), 401)


def test_a_key_of_an_inactive_tenant_does_not_work(api_key: str, tenant: Tenant) -> None:
    Tenant.objects.filter(id=tenant.id).update(active=False)
    problem(ApiClient(api_key).get("/api/events"), 401)


@pytest.mark.parametrize("name", ["nobody", "ten_" + "0" * 32, "", "ten_", "Ü", "a b", "x" * 500, "ten_\x00"])
def test_an_unknown_tenant_is_refused(platform_key: str, name: str) -> None:
    response = ApiClient(platform_key, headers={"Clarion-Tenant": name}).get("/api/events")
    assert problem(response, 400)["errors"][0]["header"] == "Clarion-Tenant"
