"""What everybody may read: capabilities, keys, metadata, contact. Each says what the API does, and no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_key, make_tenant
from webhooks.api.views.webhooks import Webhooks
from webhooks.conf import conf
from webhooks.core import backoff, destinations, filters, inbound, signatures
from webhooks.models import SCOPES, Endpoint, EventType, EventTypeVersion
from webhooks.services import catalogue, endpoint_destination, endpoint_fields, event_types
from webhooks.services.endpoint_auth import AUTH_PARTS

CAPABILITIES = "/api/.well-known/capabilities"
DOCUMENTS = (
    CAPABILITIES, "/.well-known/webhooks", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server",
    "/.well-known/security.txt", "/api/schema",
)  # fmt: skip
WEBHOOK = {"url": "https://receiver.example/hook", "event_types": ["order.*"]}


@pytest.fixture
def told(client: Client, db: None) -> dict[str, Any]:
    """The capabilities."""
    answer = client.get(CAPABILITIES)
    assert answer.status_code == 200
    assert list(answer.json()) == ["webhooks"]
    return dict(answer.json()["webhooks"])


@pytest.fixture
def contact(settings: Settings) -> Settings:
    """Settings with a good contact."""
    settings.WEBHOOKS_SECURITY_CONTACT = ("mailto:security@clarion.example", "https://clarion.example/security")
    settings.WEBHOOKS_SECURITY_EXPIRES = f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}"
    return settings


# --- capabilities


def test_every_entry_of_a_registry_is_told(told: dict[str, Any]) -> None:
    """A new scheme, policy, format … appears by itself."""
    assert told["signature_schemes"] == list(signatures.SCHEMES)
    assert told["retry_policies"].keys() == backoff.POLICIES.keys()
    assert {name: tuple(policy["schedule"]) for name, policy in told["retry_policies"].items()} == backoff.POLICIES
    assert told["retry_policies"]["default"]["total"] == 1210
    assert told["filter_operators"] == list(filters.OPERATORS)
    assert told["auth_types"] == list(AUTH_PARTS)
    assert told["destination_types"] == list(destinations.PARTS)
    assert told["payload_formats"] == Endpoint.Format.values
    assert told["validations"] == [name for name in Endpoint.Validation.values if name]
    assert told["delivery_options"] == sorted(endpoint_fields.defaults())
    assert told["cloudevents_modes"].keys() == {name for name in told["payload_formats"] if "cloudevents" in name}
    assert told["providers"].keys() == inbound.PROVIDERS.keys()
    assert all(told["providers"].values())
    assert told["oauth"]["scopes"] == list(SCOPES)


def _auth(kind: str) -> dict[str, Any]:
    """Nothing but the type: what is refused then is a part that is missing, not the type."""
    return {"type": kind}


@pytest.mark.parametrize(
    ("told_as", "field", "value"),
    [
        ("signature_schemes", "signature_schemes", lambda name: [name]),
        ("retry_policies", "retry_policy", lambda name: name),
        ("payload_formats", "payload_format", lambda name: name),
        ("validations", "validation", lambda name: name),
    ],
)
def test_the_api_takes_everything_that_is_told(
    told: dict[str, Any], api: ApiClient, told_as: str, field: str, value: Any
) -> None:
    assert told[told_as]
    for name in told[told_as]:
        answer = api.post("/api/webhooks", {**WEBHOOK, field: value(name)})
        assert answer.status_code == 201, (name, answer.content)


def test_the_api_knows_every_type_of_auth_that_is_told_and_no_other(told: dict[str, Any], api: ApiClient) -> None:
    def pointers(kind: str) -> set[str]:
        answer = api.post("/api/webhooks", {**WEBHOOK, "auth": _auth(kind)})
        return set() if answer.status_code == 201 else {error["pointer"] for error in answer.json()["errors"]}

    for kind in told["auth_types"]:
        assert "/auth/type" not in pointers(kind), kind
    assert pointers("kerberos") & {"/auth", "/auth/type"}


def test_the_api_knows_every_provider_that_is_told(told: dict[str, Any], api: ApiClient) -> None:
    """What is refused is a part that is missing, not the provider."""
    for name in told["providers"]:
        answer = api.post("/api/sources", {"name": name, "provider": name})
        if answer.status_code != 201:
            assert "/provider" not in {error["pointer"] for error in problem(answer, 422)["errors"]}, name
    refused = problem(api.post("/api/sources", {"name": "x", "provider": "carrier-pigeon"}), 422)
    assert refused["errors"][0]["pointer"] == "/provider"


def test_without_boto3_no_destination_of_aws_is_told(
    client: Client, db: None, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_destination, "aws_installed", lambda: False)
    assert client.get(CAPABILITIES).json()["webhooks"]["destination_types"] == ["queue"]
    for kind in ("sqs", "eventbridge"):
        body = {"event_types": ["*"], "destination": {"type": kind, **AWS[kind]}}
        assert "boto3" in str(problem(api.post("/api/webhooks", body), 422)["errors"])


_KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "x" * 40}
AWS = {
    "sqs": {"queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", **_KEYS},
    "eventbridge": {"event_bus_name": "orders", "region": "eu-west-1", **_KEYS},
}


def test_the_api_takes_every_destination_that_is_told(told: dict[str, Any], api: ApiClient) -> None:
    shapes = {"queue": {"url": "amqps://user:secret@mq.example.com/", "queue": "orders"}, **AWS}
    assert set(told["destination_types"]) <= shapes.keys()
    for kind in told["destination_types"]:
        body = {"event_types": ["*"], "destination": {"type": kind, **shapes[kind]}}
        answer = api.post("/api/webhooks", body)
        assert answer.status_code == 201, (kind, answer.content)


OPERANDS = {"$in": ["x"], "$nin": ["x"], "$exists": True}


def test_the_api_takes_every_filter_operator_that_is_told(told: dict[str, Any], api: ApiClient) -> None:
    leaf = {"data.a": {"$eq": 1}}
    for name in told["filter_operators"]:
        nested = {"$and": [leaf], "$or": [leaf], "$not": leaf}
        condition = {name: nested[name]} if name in nested else {"data.a": {name: OPERANDS.get(name, "x")}}
        assert api.post("/api/webhooks", {**WEBHOOK, "filter": condition}).status_code == 201, name


def test_the_options_of_a_delivery_are_fields_of_a_webhook(told: dict[str, Any], api: ApiClient) -> None:
    assert set(told["delivery_options"]) <= api.post("/api/webhooks", WEBHOOK).json().keys()


@pytest.mark.parametrize(
    ("limit", "body"),
    [
        ("timeout_seconds", lambda most: {"timeout": most}),
        ("max_in_flight", lambda most: {"max_in_flight": most}),
        ("rate_limit_requests", lambda most: {"rate_limit": {"limit": most}}),
        ("rate_limit_period_seconds", lambda most: {"rate_limit": {"limit": 1, "period": most}}),
        ("delivery_batch_events", lambda most: {"batch": {"max_events": most}}),
        ("delivery_batch_wait_seconds", lambda most: {"batch": {"max_wait": most}}),
        ("event_types_per_webhook", lambda most: {"event_types": [f"order.n{n}" for n in range(most)]}),
        ("channels_per_webhook", lambda most: {"channels": [f"c{n}" for n in range(most)]}),
        ("description_characters", lambda most: {"description": "x" * most}),
        ("metadata_bytes", lambda most: {"metadata": {"a": "x" * (most - 9)}}),
        ("filter_conditions", lambda most: {"filter": {f"data.n{n}": 1 for n in range(most)}}),
        ("retry_steps", lambda most: {"retry_policy": {"schedule": [1] * most}}),
        ("retry_step_seconds", lambda most: {"retry_policy": {"schedule": [most]}}),
    ],
)  # fmt: skip
def test_a_limit_is_taken_and_one_more_is_not(told: dict[str, Any], api: ApiClient, limit: str, body: Any) -> None:
    most = int(told["limits"][limit])
    assert api.post("/api/webhooks", {**WEBHOOK, **body(most)}).status_code == 201
    problem(api.post("/api/webhooks", {**WEBHOOK, **body(most + 1)}), 422)


def test_the_limits_of_requests_are_those_of_the_settings(client: Client, db: None, settings: Settings) -> None:
    settings.WEBHOOKS_MAX_EVENT_BYTES = 1000
    settings.WEBHOOKS_API_RATE_LIMIT = 7
    limits = client.get(CAPABILITIES).json()["webhooks"]["limits"]
    assert (limits["event_bytes"], limits["api_rate_requests"]) == (1000, 7)
    api = ApiClient(make_key(make_tenant()))
    event = {"type": "order.created", "data": ""}
    event["data"] = "x" * (1000 - len(json.dumps(event)))
    assert api.post("/api/events", event).status_code == 202
    problem(api.post("/api/events", {**event, "data": event["data"] + "x"}), 413)
    assert api.get(f"/api/events?limit={limits['page_size']}").status_code == 200
    problem(api.get(f"/api/events?limit={limits['page_size'] + 1}"), 400)


def test_event_types_of_everybody_are_told_and_those_of_a_tenant_are_not(client: Client, db: None) -> None:
    """Attack: the catalogue of a tenant tells its plans."""
    key = event_types.create(None, {"name": "order.created", "description": "An order.", "version": "v1"})
    EventTypeVersion.objects.create(event_type_id=key, name="v2")
    event_types.create(make_tenant().id, {"name": "secret.plan"})
    answer = client.get(CAPABILITIES).json()["webhooks"]
    assert answer["supported_events"] == [
        {
            "name": "order.created", "description": "An order.", "version": "v1", "versions": ["v1", "v2"],
            "deprecated": False,
        }
    ]  # fmt: skip
    assert answer["supported_events_complete"] is True


def test_a_long_catalogue_is_cut_and_says_so(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MOST", 2)
    EventType.objects.bulk_create([EventType(name=f"order.n{n}") for n in range(3)])
    answer = client.get(CAPABILITIES).json()["webhooks"]
    assert [event["name"] for event in answer["supported_events"]] == ["order.n0", "order.n1"]
    assert answer["supported_events_complete"] is False


def test_the_addresses_lead_somewhere(told: dict[str, Any], api: ApiClient, client: Client) -> None:
    assert told["registration_url"] == "/api/webhooks"
    assert Webhooks.http_method_names
    assert api.get(told["registration_url"]).status_code == 200
    assert api.get(told["event_types_url"]).status_code == 200
    for name in ("documentation_url", "openapi_url", "jwks_url"):
        assert told[name].startswith(f"{conf.PUBLIC_URL}/")
        assert client.get(told[name].removeprefix(conf.PUBLIC_URL)).status_code == 200, name
    oauth = told["oauth"]
    for name in ("token_url", "revocation_url"):
        assert client.get(oauth[name].removeprefix(conf.PUBLIC_URL))["Allow"] == "POST"
    metadata = client.get(oauth["metadata_url"].removeprefix(conf.PUBLIC_URL)).json()
    assert metadata["token_endpoint"] == oauth["token_url"]
    assert client.get("/.well-known/webhooks").json()["webhooks"] == told


def test_no_secret_and_no_place_inside_is_told(client: Client, db: None, settings: Settings) -> None:
    text = b"".join(client.get(path).content for path in DOCUMENTS).decode()
    for hidden in (*settings.WEBHOOKS_ENCRYPTION_KEYS, settings.SECRET_KEY, settings.REDIS_URL, settings.DATABASE_URL):
        assert hidden not in text


# --- metadata of the authorization server


def test_the_metadata_is_that_of_rfc_8414(client: Client, settings: Settings) -> None:
    settings.WEBHOOKS_PUBLIC_URL = "https://clarion.example"
    answer = client.get("/.well-known/oauth-authorization-server")
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == {
        "issuer": "https://clarion.example",
        "token_endpoint": "https://clarion.example/oauth/token",
        "revocation_endpoint": "https://clarion.example/oauth/revoke",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(SCOPES),
        "service_documentation": "https://clarion.example/api/docs",
    }


# --- security.txt


def test_the_contact_is_a_file_of_rfc_9116(client: Client, contact: Settings) -> None:
    contact.WEBHOOKS_PUBLIC_URL = "https://clarion.example"
    contact.WEBHOOKS_SECURITY_POLICY = "https://clarion.example/policy"
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        "Contact: mailto:security@clarion.example",
        "Contact: https://clarion.example/security",
        f"Expires: {contact.WEBHOOKS_SECURITY_EXPIRES}",
        "Policy: https://clarion.example/policy",
        "Canonical: https://clarion.example/.well-known/security.txt",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTACT", ()),
        ("CONTACT", ("security@clarion.example",)),
        ("CONTACT", ("http://clarion.example",)),
        ("CONTACT", ("mailto:a@b.example\nPolicy: https://evil.example",)),
        ("CONTACT", ("mailto:a@b.example", "nonsense")),
        ("EXPIRES", ""),
        ("EXPIRES", "soon"),
        ("EXPIRES", "2030-01-01"),
        ("EXPIRES", "2020-01-01T00:00:00Z"),
        ("POLICY", "http://clarion.example"),
    ],
)
def test_rather_none_than_an_invalid_or_outdated_one(client: Client, contact: Settings, name: str, value: Any) -> None:
    setattr(contact, f"WEBHOOKS_SECURITY_{name}", value)
    problem(client.get("/.well-known/security.txt"), 404)


# --- all of them


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_cacheable_and_asked_for_by_its_etag(
    client: Client, db: None, contact: Settings, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Cache-Control"].startswith("public, max-age=")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.headers.get("Set-Cookie") is None
    again = client.get(path, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = client.head(path)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", answer["ETag"])


@pytest.mark.parametrize("path", [*DOCUMENTS, "/metrics"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_a_document_is_only_read(client: Client, db: None, contact: Settings, path: str, method: str) -> None:
    answer = client.generic(method, path)
    problem(answer, 405)
    assert answer["Allow"] == "GET, HEAD"
