"""A request with an access token is answered as one with an API key: every route, by scope, tenant and header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from tests.api.checks import problem
from tests.api.test_access import (  # noqa: F401  # world is a fixture
    PLATFORM_TABLE,
    TABLE,
    UNKNOWN,
    World,
    same_but_for_the_place,
    world,
)
from tests.client import ApiClient
from tests.factories import make_oauth_token, make_tenant
from webhooks.models import SCOPES, AuditEntry, OAuthClient, Tenant


@contextmanager
def undone() -> Iterator[None]:
    """The rows are as before for the next route."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_the_scope_is_enough_for_the_owner_and_the_change_is_recorded_as_the_clients(world: World) -> None:  # noqa: F811
    for row in TABLE:
        with undone():
            client = ApiClient(make_oauth_token(world.tenant, row.scope))
            caller, before = OAuthClient.objects.latest("created_at"), AuditEntry.objects.count()
            response = world.send(row, client)
            assert response.status_code == row.status, (row, response.content)
            made = AuditEntry.objects.order_by("-id")[: AuditEntry.objects.count() - before]
            assert {(entry.actor_kind, entry.actor_id) for entry in made} <= {("oauth", caller.public_id)}


def test_all_other_scopes_together_are_not_enough(world: World) -> None:  # noqa: F811
    for row in TABLE:
        others = [scope for scope in SCOPES if scope not in (row.scope, "tenants")]
        with undone():
            response = world.send(row, ApiClient(make_oauth_token(world.tenant, *others)))
            assert f'scope="{row.scope}"' in response["WWW-Authenticate"], row
            problem(response, 403)


def test_another_tenants_object_looks_like_one_that_does_not_exist(world: World) -> None:  # noqa: F811
    stranger = ApiClient(make_oauth_token(make_tenant()))
    for row in TABLE:
        if "{" in row.path:
            with undone():
                foreign = world.send(row, stranger)
                unknown = world.send(row, stranger, **{name: make() for name, make in UNKNOWN.items()})
                problem(foreign, 404)
                assert same_but_for_the_place(foreign, unknown), row


def test_a_platform_client_acts_for_the_tenant_it_names(world: World) -> None:  # noqa: F811
    token = make_oauth_token(None)
    for row in TABLE:
        with undone():
            response = world.send(row, ApiClient(token, headers={"Clarion-Tenant": world.tenant.slug}))
            assert response.status_code == row.status, (row, response.content)
    for row in PLATFORM_TABLE:
        with undone():
            assert world.send(row, ApiClient(token)).status_code == row.status
            problem(world.send(row, ApiClient(make_oauth_token(world.tenant))), 403)
    answer = ApiClient(token).post("/api/webhooks", {"url": "https://receiver.example/", "event_types": ["*"]})
    assert problem(answer, 400)["errors"][0]["header"] == "Clarion-Tenant"


def test_what_a_platform_client_did_shows_a_tenant_neither_its_name_nor_its_address(world: World, api_key: str) -> None:  # noqa: F811
    platform = ApiClient(make_oauth_token(None), headers={"Clarion-Tenant": world.tenant.slug})
    assert platform.patch(f"/api/webhooks/{world.objects['webhook']}", {"description": "new"}).status_code == 200
    entry = ApiClient(api_key).get("/api/audit").json()["results"][0]
    assert entry["action"] == "webhook.updated"
    assert entry["actor"]["kind"] == "platform_app"
    assert not entry["actor"].get("label")
    assert not entry.get("address")


def test_a_tenants_token_may_name_its_own_tenant_and_no_other(world: World) -> None:  # noqa: F811
    token = make_oauth_token(world.tenant)
    assert ApiClient(token, headers={"Clarion-Tenant": world.tenant.slug}).get("/api/events").status_code == 200
    other = ApiClient(token, headers={"Clarion-Tenant": make_tenant().slug}).get("/api/events")
    assert same_but_for_the_place(other, ApiClient(token, headers={"Clarion-Tenant": "nobody"}).get("/api/events"))
    problem(other, 403)


def test_a_list_of_clients_shows_those_of_the_callers_tenant(tenant: Tenant) -> None:
    make_oauth_token(make_tenant())
    make_oauth_token(None)
    token = make_oauth_token(tenant, "keys")
    (shown,) = ApiClient(token).get("/api/oauth-clients").json()["results"]
    assert shown["tenant_id"] == tenant.public_id
    assert not {"secret", "client_secret", "secret_hash"} & shown.keys()


@pytest.mark.parametrize("change", ["last", "case", "longer", "shorter", "prefix", "newline", "unicode", "space"])
def test_another_token_is_nobody(tenant: Tenant, change: str) -> None:
    token = make_oauth_token(tenant)
    other = {
        "last": token[:-1] + ("0" if token[-1] != "0" else "1"), "case": token.upper(), "longer": token + "0",
        "shorter": token[:-1], "prefix": token.replace("clt_", "clk_"), "newline": token[:-1] + "%0a",
        "unicode": token[:-1] + "ü", "space": token[:10] + " " + token[10:],
    }[change]  # fmt: skip
    answer = ApiClient(headers={"Authorization": f"Bearer {other}"}).get("/api/events")
    problem(answer, 401)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
