"""Who may do what: a table of every route, run with the right scope, without it, for others and for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.urls import get_resolver
from django.utils import timezone

from tests.api.checks import problem, same_but_for_the_place
from tests.client import ApiClient
from tests.factories import (
    make_delivery,
    make_endpoint,
    make_event,
    make_key,
    make_received,
    make_source,
    make_tenant,
)
from webhooks.core import ids
from webhooks.models import (
    SCOPES,
    Attempt,
    DeadLetter,
    Delivery,
    Endpoint,
    EndpointSecret,
    Event,
    Mailbox,
    Operation,
    Source,
    Subscription,
    Tenant,
)
from webhooks.models.scoping import TenantQuerySet
from webhooks.services import api_keys, event_types, oauth_clients
from webhooks.services.operations import creating


class Row(NamedTuple):
    """A route: method, path, scope, status for its owner, body. ``{…}`` in the path is an object of the tenant."""

    method: str
    path: str
    scope: str
    status: int
    body: Any = None


WEBHOOK = {"url": "https://receiver.example/hook", "event_types": ["order.*"]}
EVENT = {"type": "order.created", "data": 1}
SOURCE = {"name": "GitHub", "provider": "github"}
OPENAPI = {"openapi": "3.1.0", "webhooks": {"order.paid": {"post": {}}}}

TABLE = [
    Row("GET", "/api/webhooks", "webhooks:read", 200),
    Row("POST", "/api/webhooks", "webhooks:write", 201, WEBHOOK),
    Row("GET", "/api/webhooks/{webhook}", "webhooks:read", 200),
    Row("PUT", "/api/webhooks/{webhook}", "webhooks:write", 200, WEBHOOK),
    Row("PATCH", "/api/webhooks/{webhook}", "webhooks:write", 200, {"description": "new"}),
    Row("DELETE", "/api/webhooks/{webhook}", "webhooks:write", 204),
    Row("GET", "/api/webhooks/{webhook}/attempts", "webhooks:read", 200),
    Row("GET", "/api/webhooks/{webhook}/stats", "webhooks:read", 200),
    Row("POST", "/api/webhooks/{webhook}/test", "webhooks:write", 202),
    Row("POST", "/api/webhooks/{webhook}/rotate-secret", "webhooks:write", 200),
    Row("POST", "/api/webhooks/{webhook}/validate", "webhooks:write", 200),
    Row("POST", "/api/webhooks/{webhook}/replay", "operations", 202),
    Row("POST", "/api/webhooks/{webhook}/pause", "webhooks:write", 200),
    Row("POST", "/api/webhooks/{webhook}/resume", "webhooks:write", 200),
    Row("POST", "/api/webhooks/{webhook}/enable", "webhooks:write", 200),
    Row("POST", "/api/webhooks/{webhook}/disable", "webhooks:write", 200),
    Row("GET", "/api/events", "events:read", 200),
    Row("POST", "/api/events", "events:write", 202, EVENT),
    Row("POST", "/api/events/batch", "events:write", 202, {"events": [EVENT]}),
    Row("GET", "/api/events/{event}", "events:read", 200),
    Row("GET", "/api/events/{own_event}", "events:read", 200),
    Row("GET", "/api/events/{event}/deliveries", "events:read", 200),
    Row("GET", "/api/events/{event}/routing", "events:read", 200),
    Row("GET", "/api/events/{own_event}/deliveries", "events:read", 200),
    Row("POST", "/api/events/{event}/replay", "operations", 202),
    Row("GET", "/api/event-types", "webhooks:read", 200),
    Row("POST", "/api/event-types", "events:write", 201, {"name": "order.shipped"}),
    Row("POST", "/api/event-types/import", "events:write", 200, {"document": OPENAPI}),
    Row("GET", "/api/event-types/{event_type}", "webhooks:read", 200),
    Row("PUT", "/api/event-types/{event_type}", "events:write", 200, {"description": "new"}),
    Row("DELETE", "/api/event-types/{event_type}", "events:write", 204),
    Row("POST", "/api/event-types/{event_type}/versions", "events:write", 201, {"version": "v2"}),
    Row("GET", "/api/deliveries", "events:read", 200),
    Row("GET", "/api/deliveries/{delivery}", "events:read", 200),
    Row("POST", "/api/deliveries/{delivery}/retry", "operations", 202),
    Row("POST", "/api/deliveries/{delivery}/cancel", "operations", 200),
    Row("GET", "/api/dead-letters", "events:read", 200),
    Row("GET", "/api/dead-letters/{dead_letter}", "events:read", 200),
    Row("POST", "/api/dead-letters/{dead_letter}/replay", "operations", 202),
    Row("POST", "/api/dead-letters/{dead_letter}/discard", "operations", 200),
    Row("GET", "/api/sources", "sources:read", 200),
    Row("POST", "/api/sources", "sources:write", 201, SOURCE),
    Row("GET", "/api/sources/{source}", "sources:read", 200),
    Row("PUT", "/api/sources/{source}", "sources:write", 200, SOURCE),
    Row("PATCH", "/api/sources/{source}", "sources:write", 200, {"name": "new"}),
    Row("DELETE", "/api/sources/{source}", "sources:write", 204),
    Row("POST", "/api/sources/{source}/rotate-secret", "sources:write", 200),
    Row("GET", "/api/received", "sources:read", 200),
    Row("GET", "/api/received/{received}", "sources:read", 200),
    Row("POST", "/api/received/{received}/replay", "sources:write", 202),
    Row("GET", "/api/operations", "operations", 200),
    Row("POST", "/api/operations", "operations", 202, {"type": "replay"}),
    Row("POST", "/api/operations/import", "operations", 202, EVENT),
    Row("GET", "/api/operations/{operation}", "operations", 200),
    Row("POST", "/api/operations/{operation}/cancel", "operations", 202),
    Row("GET", "/api/api-keys", "keys", 200),
    Row("POST", "/api/api-keys", "keys", 201, {"name": "another"}),
    Row("GET", "/api/api-keys/{key}", "keys", 200),
    Row("DELETE", "/api/api-keys/{key}", "keys", 204),
    Row("GET", "/api/oauth-clients", "keys", 200),
    Row("POST", "/api/oauth-clients", "keys", 201, {"name": "another"}),
    Row("GET", "/api/oauth-clients/{oauth_client}", "keys", 200),
    Row("DELETE", "/api/oauth-clients/{oauth_client}", "keys", 204),
    Row("POST", "/api/oauth-clients/{oauth_client}/rotate-secret", "keys", 200),
    Row("GET", "/api/audit", "keys", 200),
]
PLATFORM_TABLE = [
    Row("GET", "/api/tenants", "tenants", 200),
    Row("POST", "/api/tenants", "tenants", 201, {"name": "Another"}),
    Row("GET", "/api/tenants/{tenant}", "tenants", 200),
]
PUBLIC = {
    "/api/schema",
    "/api/docs",
    "/api/consents/<str:id>",
    "/api/.well-known/capabilities",
    "/api/operations/<str:id>/result",
}
_name = "{0.method} {0.path}".format


@dataclass
class World:
    """The tenant whose objects the paths of the table name."""

    tenant: Tenant
    objects: dict[str, str]

    def send(self, row: Row, client: ApiClient, **replaced: str) -> Any:
        body = () if row.body is None else (row.body,)
        return client.request(row.method, row.path.format(**{**self.objects, **replaced}), *body)


@pytest.fixture
def world(tenant: Tenant, valkey: Any) -> World:
    endpoint = make_endpoint(tenant, validation="cloudevents")
    event = make_event(tenant, fanned_out=True)
    delivery = make_delivery(endpoint, event)
    dead = make_delivery(
        endpoint, make_event(tenant, fanned_out=True), state=Delivery.State.DEAD, finished_at=timezone.now()
    )
    letter = DeadLetter.objects.create(
        tenant=tenant, endpoint=endpoint, delivery=dead, event=dead.event, event_type="order.created", attempt_count=6
    )
    key_id, _ = api_keys.create_api_key(tenant.id, "to be read")
    make_event(tenant, key="my-own-id", fanned_out=True)
    event_types.create(tenant.id, {"name": "own.type"})
    objects = {
        "webhook": endpoint.public_id,
        "event": event.public_id,
        "own_event": "my-own-id",
        "delivery": delivery.public_id,
        "dead_letter": letter.public_id,
        "received": make_received(make_source(tenant), status="processed", processed_at=timezone.now()).public_id,
        "operation": ids.show(ids.OPERATION, creating.create(tenant.id, "replay", {}).id),
        "key": ids.show(ids.API_KEY, key_id),
        "tenant": tenant.public_id,
        "event_type": "own.type",
        "source": make_source(tenant, "hex", secrets=["only-for-tests"]).public_id,
        "oauth_client": ids.show(ids.OAUTH_CLIENT, oauth_clients.create(tenant.id, "to be read", ["keys"])[0]),
    }
    return World(tenant, objects)


def _routes() -> set[str]:
    def walk(patterns: Any, prefix: str) -> set[str]:
        found = set()
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            found |= walk(pattern.url_patterns, path) if hasattr(pattern, "url_patterns") else {path}
        return found

    return {f"/{path}" for path in walk(get_resolver().url_patterns, "") if path.startswith("api")}


def _methods(route: str) -> set[str]:
    match = get_resolver().resolve(route.replace("<str:id>", "x"))
    view = match.func.cls  # type: ignore[attr-defined]
    return {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}


def test_every_route_and_method_is_in_the_table() -> None:
    expected = {(method, route) for route in _routes() - PUBLIC for method in _methods(route)}
    listed = {(row.method, row.path) for row in TABLE + PLATFORM_TABLE}
    generic = {
        (method, path.split("{")[0] + "<str:id>" + path.split("}")[-1] if "{" in path else path)
        for method, path in listed
    }
    assert generic == expected


def test_every_model_with_a_tenant_is_scoped_by_its_queryset() -> None:
    """Views and services begin with ``for_tenant``; a model without it would be limited by hand, or not at all."""
    ours = apps.get_app_config("webhooks").get_models()
    owned = [model for model in ours if any(field.name == "tenant" for field in model._meta.fields)]
    assert Delivery in owned
    for model in [*owned, Tenant]:
        assert isinstance(model._default_manager.all(), TenantQuerySet), f"{model.__name__}.objects"


def test_every_view_shows_a_model_that_is_scoped() -> None:
    for route in _routes() - PUBLIC:
        view = get_resolver().resolve(route.replace("<str:id>", "x")).func.cls  # type: ignore[attr-defined]
        assert isinstance(view.queryset, TenantQuerySet), view.__name__


@pytest.mark.parametrize("row", TABLE, ids=_name)
def test_the_scope_is_enough_for_the_owner(world: World, row: Row) -> None:
    response = world.send(row, ApiClient(make_key(world.tenant, row.scope)))
    assert response.status_code == row.status, response.content
    if row.status != 204:
        assert response["Content-Type"] == "application/json"


# What is refused changes nothing, as the last of these tests says: so one world serves for all rows.
@contextmanager
def about(row: Row) -> Iterator[None]:
    """Names the row in the report of what fails in the block."""
    try:
        yield
    except Exception as error:
        error.add_note(f"about {_name(row)}")
        raise


def test_all_other_scopes_together_are_not_enough(world: World) -> None:
    for row, client in _without_the_scope(world.tenant):
        with about(row):
            response = world.send(row, client)
            assert row.scope in problem(response, 403)["detail"]
            assert f'scope="{row.scope}"' in response["WWW-Authenticate"]


def _without_the_scope(tenant: Tenant | None, **headers: str) -> Iterator[tuple[Row, ApiClient]]:
    """Each row with a key that has all other scopes."""
    clients: dict[str, ApiClient] = {}
    for row in TABLE:
        if row.scope not in clients:
            others = [scope for scope in SCOPES if scope != row.scope and (tenant is None or scope != "tenants")]
            clients[row.scope] = ApiClient(make_key(tenant, *others), headers=headers)
        yield row, clients[row.scope]


def test_without_a_key_it_is_401(world: World) -> None:
    for row in TABLE + PLATFORM_TABLE:
        with about(row):
            response = world.send(row, ApiClient())
            problem(response, 401)
            assert response["WWW-Authenticate"].startswith("Bearer")


UNKNOWN: dict[str, Callable[[], str]] = {
    "webhook": lambda: ids.show(ids.WEBHOOK, ids.new_id()),
    "event": lambda: ids.show(ids.EVENT, ids.new_id()),
    "own_event": lambda: "nobodys-id",
    "delivery": lambda: ids.show(ids.DELIVERY, ids.new_id()),
    "dead_letter": lambda: ids.show(ids.DEAD_LETTER, ids.new_id()),
    "operation": lambda: ids.show(ids.OPERATION, ids.new_id()),
    "key": lambda: ids.show(ids.API_KEY, ids.new_id()),
    "tenant": lambda: ids.show(ids.TENANT, ids.new_id()),
    "event_type": lambda: "nobodys.type",
    "source": lambda: ids.show(ids.SOURCE, ids.new_id()),
    "oauth_client": lambda: ids.show(ids.OAUTH_CLIENT, ids.new_id()),
    "received": lambda: ids.show(ids.RECEIVED, ids.new_id()),
}


OF_OBJECTS = [row for row in TABLE if "{" in row.path]


def test_another_tenants_object_looks_like_one_that_does_not_exist(world: World) -> None:
    stranger = ApiClient(make_key(make_tenant()))
    for row in OF_OBJECTS:
        with about(row):
            foreign = world.send(row, stranger)
            unknown = world.send(row, stranger, **{name: make() for name, make in UNKNOWN.items()})
            problem(foreign, 404)
            assert same_but_for_the_place(foreign, unknown)


def test_a_malformed_id_is_404(world: World, api: ApiClient) -> None:
    for row in OF_OBJECTS:
        for text in ("x", "wh_", "%00", "..%2f", "wh_" + "0" * 31 + "g", "ü", "0" * 500, "evt_%0a"):
            with about(row):
                problem(world.send(row, api, **dict.fromkeys(UNKNOWN, text)), 404)


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "GET" and "{" not in row.path], ids=_name)
def test_a_list_shows_nothing_of_another_tenant(world: World, row: Row) -> None:
    stranger = make_tenant()
    key = make_key(stranger)
    found = ApiClient(key).get(row.path).json()["results"]
    if row.path == "/api/audit":
        assert {entry["tenant_id"] for entry in found} == {stranger.public_id}, "that its own key was made"
        return
    expected = [api_keys.authenticate(key)] if row.path == "/api/api-keys" else []
    assert len(found) == len(expected)


@pytest.mark.parametrize("naming", ["slug", "public_id"])
@pytest.mark.parametrize("row", TABLE, ids=_name)
def test_a_platform_key_acts_for_the_tenant_it_names(world: World, row: Row, naming: str) -> None:
    if "{" in row.path:  # first, because the owner's request may delete it
        stranger = ApiClient(make_key(None), headers={"Clarion-Tenant": getattr(make_tenant(), naming)})
        foreign = world.send(row, stranger)
        problem(foreign, 404)
        unknown = world.send(row, stranger, **{name: make() for name, make in UNKNOWN.items()})
        assert same_but_for_the_place(foreign, unknown)
    client = ApiClient(make_key(None), headers={"Clarion-Tenant": getattr(world.tenant, naming)})
    response = world.send(row, client)
    assert response.status_code == row.status, response.content


def test_a_platform_key_needs_the_scope_as_well(world: World) -> None:
    for row, client in _without_the_scope(None, **{"Clarion-Tenant": world.tenant.slug}):
        with about(row):
            assert row.scope in problem(world.send(row, client), 403)["detail"]


def test_a_refusal_changes_nothing(world: World) -> None:
    """Attack: an answer that refuses after the work was done."""
    before = _everything()
    stranger = ApiClient(make_key(make_tenant()))
    for row, client in _without_the_scope(world.tenant):
        with about(row):
            world.send(row, ApiClient())
            world.send(row, client)
            if "{" in row.path:
                world.send(row, stranger)
            assert _everything() == before


def _everything() -> list[str]:
    """Every row that a request could change, but the keys and tenants that this test makes."""
    models = (Endpoint, EndpointSecret, Subscription, Mailbox, Event, Delivery, Attempt, DeadLetter, Source, Operation)
    return [repr(sorted(model.objects.values_list(), key=repr)) for model in models]


NOT_OFFERED = [
    (method, path)
    for path in sorted({row.path for row in TABLE + PLATFORM_TABLE})
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    if method not in {row.method for row in TABLE + PLATFORM_TABLE if row.path == path}
]


def test_a_method_that_a_route_does_not_offer_is_refused_to_everybody(world: World) -> None:
    known, nobody = ApiClient(make_key(None), headers={"Clarion-Tenant": world.tenant.slug}), ApiClient()
    for method, path in NOT_OFFERED:
        row = Row(method, path, "", 405, {} if method not in ("GET", "OPTIONS", "TRACE") else None)
        refusal = world.send(row, known)
        problem(refusal, 405)
        offered = {row.method for row in TABLE + PLATFORM_TABLE if row.path == path}
        assert set(refusal["Allow"].split(", ")) == offered | ({"HEAD"} if "GET" in offered else set()), path
        assert world.send(row, nobody).status_code in (401, 405), f"{method} {path}"


def test_head_is_get_without_the_body(world: World) -> None:
    stranger = ApiClient(make_key(make_tenant()))
    with_it = {scope: ApiClient(make_key(world.tenant, scope)) for scope in {row.scope for row in TABLE}}
    for row, without_it in _without_the_scope(world.tenant):
        if row.method != "GET":
            continue
        head = row._replace(method="HEAD")
        with about(head):
            response = world.send(head, with_it[row.scope])
            assert (response.status_code, response.content) == (200, b"")
            assert world.send(head, ApiClient()).status_code == 401
            assert world.send(head, without_it).status_code == 403
            if "{" in row.path:
                assert world.send(head, stranger).status_code == 404


@pytest.mark.parametrize("row", PLATFORM_TABLE, ids=_name)
def test_tenants_are_for_platform_keys_with_the_scope(world: World, row: Row) -> None:
    assert world.send(row, ApiClient(make_key(None, "tenants"))).status_code == row.status
    problem(world.send(row, ApiClient(make_key(None, "keys"))), 403)
    problem(world.send(row, ApiClient(make_key(world.tenant))), 403)


# But types: those that a platform key makes for nobody are everybody's.
CREATING = [
    row for row in TABLE if row.method == "POST" and "{" not in row.path and not row.path.startswith("/api/event-types")
]


@pytest.mark.parametrize("row", CREATING, ids=_name)
def test_a_platform_key_that_names_no_tenant_cannot_create(world: World, platform_key: str, row: Row) -> None:
    response = world.send(row, ApiClient(platform_key))
    assert problem(response, 400)["errors"][0]["header"] == "Clarion-Tenant"


def test_a_platform_key_that_names_no_tenant_sees_all(world: World, platform_key: str) -> None:
    make_endpoint(make_tenant())
    assert len(ApiClient(platform_key).get("/api/webhooks").json()["results"]) == 2


def test_a_platform_key_that_names_no_tenant_finds_events_by_clarions_id_only(world: World, platform_key: str) -> None:
    client = ApiClient(platform_key)
    assert client.get(f"/api/events/{world.objects['event']}").status_code == 200
    assert problem(client.get("/api/events/my-own-id"), 400)["errors"][0]["header"] == "Clarion-Tenant"


def test_a_tenants_key_may_name_its_own_tenant_and_no_other(world: World, api_key: str) -> None:
    own = ApiClient(api_key, headers={"Clarion-Tenant": world.tenant.slug}).get("/api/events")
    other = ApiClient(api_key, headers={"Clarion-Tenant": make_tenant().slug}).get("/api/events")
    nobody = ApiClient(api_key, headers={"Clarion-Tenant": "nobody"}).get("/api/events")
    assert own.status_code == 200
    problem(other, 403)
    assert same_but_for_the_place(other, nobody)
