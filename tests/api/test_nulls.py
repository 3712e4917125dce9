"""What null means in a change of a webhook: "back to the default" where the schema allows it, else a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.checks import pointers
from tests.api.test_access import World
from tests.api.test_access import world as world
from tests.api.test_destinations import BUS, QUEUE, SQS
from tests.api.test_endpoint_auth import OAUTH
from tests.client import ApiClient
from tests.docs.pages import page
from webhooks.services import endpoint_fields

WEBHOOK = {"url": "https://a.example/hook", "event_types": ["order.*"]}
# Where null is a value of its own.
NULLABLE = {"version", "filter", "rate_limit", "batch", "validation"}
COMPONENTS = json.loads(page("docs/openapi.json"))["components"]["schemas"]
SCHEMA = COMPONENTS["WebhookRequest"]["properties"]
# Of a URL it is said of answers: one of a webhook with a destination is null.
FIELDS = sorted(endpoint_fields._CHECKS.keys() - {"url"})


@pytest.mark.parametrize("name", FIELDS)
def test_null_is_a_value_or_a_fault_and_the_schema_says_which(api: ApiClient, name: str) -> None:
    shown: Any = SCHEMA.get(name, {})
    nullable = _takes_null(shown)
    path = api.post("/api/webhooks", WEBHOOK)["Location"]
    answer = api.patch(path, {name: None})
    if answer.status_code == 200:
        assert nullable, f"{name}: null is accepted, and the schema does not say so"
        assert answer.json()[name] is None
    else:
        assert not nullable, f"{name}: null is refused, and the schema allows it"
        assert pointers(answer) == [f"/{name}"]
    assert name not in NULLABLE or answer.status_code == 200


@pytest.mark.parametrize(
    ("component", "field", "whole"),
    [
        ("OAuth2Auth", "auth", OAUTH), ("QueueDestination", "destination", QUEUE),
        ("SqsDestination", "destination", SQS), ("EventBridgeDestination", "destination", BUS),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("valkey")
def test_a_part_that_is_null_is_absent_where_the_schema_allows_it(
    api: ApiClient, component: str, field: str, whole: dict[str, Any]
) -> None:
    base = {"event_types": ["*"]} | ({} if field == "destination" else {"url": WEBHOOK["url"]})
    for name, shown in COMPONENTS[component]["properties"].items():
        answer = api.post("/api/webhooks", base | {field: whole | {name: None}})
        if _takes_null(shown):
            assert answer.status_code == 201, (name, answer.content)
            assert None not in answer.json()[field].values()
        else:
            assert pointers(answer)[0].startswith(f"/{field}"), name


def test_no_validation_is_null_and_not_an_empty_text(api: ApiClient) -> None:
    assert pointers(api.post("/api/webhooks", WEBHOOK | {"validation": ""})) == ["/validation"]


def test_there_are_no_more_schemes_than_the_schema_says(api: ApiClient) -> None:
    """Also when one is named again and again, which else counts once."""
    most = SCHEMA["signature_schemes"]["maxItems"]
    path = api.post("/api/webhooks", WEBHOOK | {"signature_schemes": ["hex"] * most})["Location"]
    assert pointers(api.patch(path, {"signature_schemes": ["hex"] * (most + 1)})) == ["/signature_schemes"]


# path, body, component of the body, and the fields that may be null
OTHERS: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("/api/operations", {"type": "replay"}, "NewOperationRequest", ("params", "callback_url", "callback_secret")),
    ("/api/sources/{source}/rotate-secret", {}, "RotateSourceSecretRequest", ("secret",)),
    ("/api/received/{received}/replay", {}, "ReplayReceivedRequest", ("processor",)),
]


@pytest.mark.parametrize(("path", "body", "component", "fields"), OTHERS)
def test_a_field_that_is_null_is_absent(
    world: World, api: ApiClient, path: str, body: dict[str, Any], component: str, fields: tuple[str, ...]
) -> None:
    shown = COMPONENTS[component]["properties"]
    assert all(_takes_null(shown[name]) for name in fields)
    answer = api.post(path.format(**world.objects), body | dict.fromkeys(fields))
    assert answer.status_code in (200, 202), answer.content


def test_an_option_that_is_null_is_absent_and_an_unknown_one_is_refused_all_the_same(api: ApiClient) -> None:
    options = COMPONENTS["SourceRequest"]["properties"]["verification"]["properties"]
    assert all(_takes_null(option) for option in options.values())
    source = {"name": "Ours", "provider": "custom", "verification": {"header": "X-Signature", "prefix": None}}
    assert api.post("/api/sources", source).status_code == 201
    answer = api.post("/api/sources", source | {"verification": {"header": "X-Signature", "nonsense": None}})
    assert pointers(answer) == ["/verification/nonsense"]


# path, body, and the fields of text for people, which may be empty
EMPTY: list[tuple[str, str, dict[str, Any], str, tuple[str, ...]]] = [
    ("POST", "/api/webhooks/{webhook}/pause", {}, "ReasonRequest", ("reason",)),
    ("POST", "/api/event-types", {"name": "a.b"}, "NewEventTypeRequest", ("description", "deprecation_message")),
    ("PUT", "/api/event-types/own.type", {}, "EventTypeRequest", ("description", "deprecation_message")),
    ("POST", "/api/event-types/own.type/versions", {"version": "v2"}, "EventTypeVersionRequest",
     ("description", "deprecation_message")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "component", "fields"), EMPTY)
def test_words_for_people_may_be_empty_and_the_schema_says_so(
    world: World, api: ApiClient, method: str, path: str, body: dict[str, Any], component: str, fields: tuple[str, ...]
) -> None:
    assert set(COMPONENTS[component].get("required", ())) == body.keys()
    assert not any(COMPONENTS[component]["properties"][name].get("minLength") for name in fields)
    answer = api.request(method, path.format(**world.objects), body | dict.fromkeys(fields, ""))
    assert answer.status_code in (200, 201), answer.content


def _takes_null(schema: dict[str, Any]) -> bool:
    ways = [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]
    kinds = [one.get("type") for one in ways]
    return any(kind == "null" or (isinstance(kind, list) and "null" in kind) for kind in kinds)


@pytest.mark.parametrize("time", ["7597-08-17T22:36:20-16:30", "2099-01-01T00:00:00+23:59"])
def test_a_time_may_have_any_zone(api: ApiClient, time: str) -> None:
    """RFC 3339 allows more than PostgreSQL, which takes none that is sixteen hours from UTC."""
    made = api.post("/api/event-types", {"name": "zones.told", "deprecated_at": time})
    assert made.status_code == 201, made.content
    assert api.post("/api/api-keys", {"name": "far", "scopes": ["events:read"], "expires_at": time}).status_code == 201
    event = {"type": "zones.told", "data": 1, "created_at": time}
    assert api.post("/api/events", event).status_code == 202
    late = time.replace("7597", "9999").replace("2099-01-01", "0001-01-01").replace("08-17", "12-31")
    assert pointers(api.post("/api/api-keys", {"name": "far", "scopes": ["events:read"], "expires_at": late})) == [
        "/expires_at"
    ]
