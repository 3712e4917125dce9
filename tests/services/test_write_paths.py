"""Every way to store a URL refuses the same hostile ones, and none of them is sent to when it is stored already."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from pytest_django import Settings

from tests.admin.pages import add_page, make_dead_letter, page
from tests.api.checks import pointers
from tests.client import ApiClient
from tests.docs.pages import ROOT
from tests.factories import make_delivery, make_endpoint, make_event, make_key, make_source
from tests.hostile_urls import REFUSED
from tests.net.conftest import Serve
from tests.net.servers import OK, RawServer, always
from tests.services.engine import later
from webhooks.core.addresses import NOTHING_ALLOWED
from webhooks.core.urls import InvalidUrl, parse_endpoint_url
from webhooks.errors import InvalidInput
from webhooks.models import Attempt, Delivery, Endpoint, Tenant
from webhooks.net import outbound
from webhooks.services import endpoint_fields, endpoints
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "closed_network")]

GOOD = "https://receiver.example/hook"
OWN = "https://clarion.example/api/events"
NO_TEXT: list[Any] = [None, 5, True, [GOOD], {"url": GOOD}]
HOSTILE: list[Any] = [*REFUSED, OWN, *NO_TEXT]
# One URL of each kind: for the paths that lead through HTTP, whose fields end in the same check.
KINDS: list[Any] = [*{hint: url for url, hint in REFUSED.items()}.values(), OWN, *NO_TEXT[:2]]
# Stores the URL in the endpoint, or returns the pointers of the refusal; an endpoint to change is given.
Write = Callable[[Any, Endpoint], list[str]]


@pytest.fixture
def closed_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: nothing is on the allow-list."""
    monkeypatch.setattr(outbound, "allow_list", lambda: NOTHING_ALLOWED)
    settings.WEBHOOKS_PUBLIC_URL = "https://clarion.example"


def _api(method: str, name: str, at: Callable[[Endpoint], str]) -> Write:
    def write(url: Any, endpoint: Endpoint) -> list[str]:
        client = ApiClient(make_key(endpoint.tenant))
        return pointers(client.request(method, at(endpoint), {name: url, "event_types": ["*"]}))

    return write


def _within(method: str, at: Callable[[Endpoint], str], body: Callable[[Any], dict[str, Any]], pointer: str) -> Write:
    """A URL that stands elsewhere in a request: a refusal there counts as one at /url. Null: there is none."""

    def write(url: Any, endpoint: Endpoint) -> list[str]:
        if url is None:
            return ["/url"]
        client = ApiClient(make_key(endpoint.tenant))
        found = pointers(client.request(method, at(endpoint), body(url)))
        return ["/url"] if found == [pointer] else found

    return write


def _source_with(url: Any) -> dict[str, Any]:
    return {
        "name": "issuer", "provider": "oauth2",
        "verification": {"jwks_url": url, "audience": "clarion", "issuer": "https://issuer.example"},
    }  # fmt: skip


def _a_source(endpoint: Endpoint) -> str:
    return f"/api/sources/{make_source(endpoint.tenant).public_id}"


def _service(call: Callable[[Any, Endpoint], object]) -> Write:
    def write(url: Any, endpoint: Endpoint) -> list[str]:
        with pytest.raises(InvalidInput) as refusal:
            call(url, endpoint)
        return [fault.pointer for fault in refusal.value.errors]

    return write


def _admin(new: bool) -> Write:
    def write(url: Any, endpoint: Endpoint) -> list[str]:
        from django.contrib.auth.models import User

        from tests.admin.test_endpoint_form import edit, form

        user, _ = User.objects.get_or_create(username="admin", is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(user)
        data = form(endpoint.tenant, url=url) if new else edit(endpoint, url=url)
        answer: Any = client.post(add_page(Endpoint) if new else page(endpoint), data)
        assert answer.status_code == 200, answer.status_code
        return [f"/{name}" for name in answer.context["adminform"].form.errors]

    return write


WRITES: dict[str, Write] = {
    "POST /api/webhooks": _api("POST", "url", lambda endpoint: "/api/webhooks"),
    "POST /api/webhooks with webhook_url": _api("POST", "webhook_url", lambda endpoint: "/api/webhooks"),
    "PUT /api/webhooks/{id}": _api("PUT", "url", lambda endpoint: f"/api/webhooks/{endpoint.public_id}"),
    "PATCH /api/webhooks/{id}": _api("PATCH", "url", lambda endpoint: f"/api/webhooks/{endpoint.public_id}"),
    "POST /api/operations": _within(
        "POST", lambda endpoint: "/api/operations",
        lambda url: {"type": "replay", "params": {"status": ["dead"]}, "callback_url": url}, "/callback_url",
    ),
    "POST /api/webhooks/{id}/replay": _within(
        "POST", lambda endpoint: f"/api/webhooks/{endpoint.public_id}/replay",
        lambda url: {"status": ["dead"], "callback_url": url}, "/callback_url",
    ),
    "POST /api/sources": _within("POST", lambda endpoint: "/api/sources", _source_with, "/verification/jwks_url"),
    "PUT /api/sources/{id}": _within("PUT", _a_source, _source_with, "/verification/jwks_url"),
    "PATCH /api/sources/{id}": _within("PATCH", _a_source, _source_with, "/verification/jwks_url"),
    "endpoints.create": _service(
        lambda url, endpoint: endpoints.create(endpoint.tenant_id, {"url": url, "event_types": ["*"]})
    ),
    "endpoints.update": _service(
        lambda url, endpoint: endpoints.update(endpoint.tenant_id, endpoint.id, {"url": url})
    ),
    "endpoints.update, replacing": _service(
        lambda url, endpoint: endpoints.update(None, endpoint.id, {"url": url, "event_types": ["*"]}, replace=True)
    ),
    "endpoint_fields.clean": _service(
        lambda url, endpoint: endpoint_fields.clean({"url": url}, partial=True)
    ),
    "admin add": _admin(new=True),
    "admin change": _admin(new=False),
}  # fmt: skip


@pytest.mark.parametrize("path", WRITES)
def test_every_write_path_refuses_hostile_urls(path: str) -> None:
    endpoint = make_endpoint(url=GOOD)
    taken = []
    for url in HOSTILE if path.startswith("endpoint") else KINDS:
        if path.startswith("admin") and _harmless_in_a_form(url):
            continue
        found = WRITES[path](url, endpoint)
        if found != ["/webhook_url" if path.endswith("webhook_url") else "/url"]:
            taken.append((url, found))
    assert taken == []
    assert list(Endpoint.objects.values_list("url", flat=True)) == [GOOD]


def _harmless_in_a_form(url: Any) -> bool:
    """A form field takes text only and strips the blanks around it."""
    if not isinstance(url, str):
        return True
    with suppress(InvalidUrl):
        return parse_endpoint_url(url.strip(), allow_http=True).host != "clarion.example"
    return "\ud800" in url  # no browser can send it


def test_no_route_that_takes_a_url_is_missing_here() -> None:
    """A new property of a request with ``url`` in its name needs a write path above."""
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    found = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any("url" in name for name in _properties(document, operation.get("requestBody")))
    }
    assert found
    assert found <= set(WRITES)


def _properties(document: Any, body: Any) -> list[str]:
    """The names of a request's properties, down to the last level."""
    names: list[str] = []
    seen: set[str] = set()
    left = [body]
    while left:
        match left.pop():
            case {"$ref": str(ref)}:
                if ref not in seen:
                    seen.add(ref)
                    node = document
                    for key in ref.removeprefix("#/").split("/"):
                        node = node[key]
                    left.append(node)
            case dict(node):
                properties = node.get("properties")
                names += properties if isinstance(properties, dict) else []
                left += [value for key, value in node.items() if key not in ("example", "examples", "description")]
            case list(nodes):
                left += nodes
    return names


# --- what is stored already


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda *args: stack.enter_context(RawServer(*args))


def _post(path: str) -> Callable[[Endpoint, ApiClient], None]:
    def trigger(endpoint: Endpoint, client: ApiClient) -> None:
        answer = client.post(path.format(id=endpoint.public_id))
        assert answer.status_code in (200, 202), answer.content

    return trigger


def _publish(endpoint: Endpoint, client: ApiClient) -> None:
    assert client.post("/api/events", {"type": "order.created", "data": {}}).status_code == 202


def _retry(endpoint: Endpoint, client: ApiClient) -> None:
    event = make_event(endpoint.tenant, fanned_out=True)
    dead = make_delivery(endpoint, event, state="dead", next_attempt_at=None, finished_at=datetime.now(UTC))
    assert client.post(f"/api/deliveries/{dead.public_id}/retry").status_code == 202


def _replay(endpoint: Endpoint, client: ApiClient) -> None:
    event = make_event(endpoint.tenant, fanned_out=True)
    dead = make_delivery(endpoint, event, state="dead", next_attempt_at=None, finished_at=datetime.now(UTC))
    letter = make_dead_letter(dead)
    assert client.post(f"/api/dead-letters/{letter.public_id}/replay").status_code == 202


def _enable(endpoint: Endpoint, client: ApiClient) -> None:
    endpoints.disable(endpoint.id, "by hand")
    _publish(endpoint, client)
    while fan_out().events:
        pass
    _post("/api/webhooks/{id}/enable")(endpoint, client)


STORED = ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "127.0.0.1\\@public.example"]
TRIGGERS: dict[str, Callable[[Endpoint, ApiClient], None]] = {
    "publish": _publish,
    "test": _post("/api/webhooks/{id}/test"),
    "retry": _retry,
    "replay": _replay,
    "enable": _enable,
}


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("form", STORED)
def test_a_url_that_was_stored_before_a_rule_is_judged_again_before_each_attempt(
    trigger: str, form: str, tenant: Tenant, api: ApiClient, serve: Serve
) -> None:
    server = serve(always(OK))
    endpoint = make_endpoint(tenant, GOOD)
    Endpoint.objects.filter(id=endpoint.id).update(
        url=f"http://{form}:{server.port}/hook", updated_at=datetime.now(UTC)
    )
    before = set(Delivery.objects.values_list("id", flat=True))
    TRIGGERS[trigger](endpoint, api)
    while fan_out().events:
        pass
    _settle_and_drain(endpoint.id)
    made = Delivery.objects.exclude(id__in=before).filter(state="dead", attempt_count=1)
    assert made.count() == 1
    assert list(Attempt.objects.values_list("error", "address")) == [("invalid_url", "")]
    assert server.connections == 0


def _settle_and_drain(endpoint_id: UUID) -> None:
    from webhooks.services.settle import settle

    settle(endpoint_id)
    later(Endpoint.objects.get(id=endpoint_id))
    drain(endpoint_id)
