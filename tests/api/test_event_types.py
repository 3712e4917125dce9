"""``/api/event-types``: registering, changing, importing, and who may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_endpoint, make_key, make_tenant
from webhooks.api.views import event_types as views
from webhooks.models import Event, EventType, EventTypeVersion, Tenant
from webhooks.services import event_types

pytestmark = pytest.mark.usefixtures("valkey")

PATH = "/api/event-types"
SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
NEW = {"name": "order.created", "description": "An order", "schema": SCHEMA, "example": {"id": 7}}


def test_a_type_is_registered_and_shown_with_its_versions(api: ApiClient, tenant: Tenant) -> None:
    response = api.post(PATH, NEW)
    assert (response.status_code, response["Location"]) == (201, f"{PATH}/order.created")
    shown = dict(response.json())
    (version,) = map(dict, shown.pop("versions"))
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "name": "order.created", "description": "An order", "tenant_id": tenant.public_id, "version": "v1",
        "deprecated_at": None, "deprecation_message": "",
    }  # fmt: skip
    assert version.pop("created_at").endswith("Z")
    assert version == {
        "version": "v1", "description": "", "schema": SCHEMA, "example": {"id": 7}, "enforcement": "block",
        "warned": 0, "last_warned_at": None, "deprecated_at": None, "deprecation_message": "",
    }  # fmt: skip
    assert api.get(f"{PATH}/order.created").json() == response.json()
    assert api.get(PATH).json()["results"] == [response.json()]


def test_numbers_of_schemas_and_examples_come_back_as_they_were_sent(api: ApiClient) -> None:
    body = b'{"name":"a.b","schema":{"multipleOf":0.10,"maximum":123456789012345678901234567890},"example":2.50}'
    assert api.post(PATH, body).status_code == 201
    shown = api.get(f"{PATH}/a.b").content
    assert b'"schema":{"multipleOf":0.10,"maximum":123456789012345678901234567890},"example":2.50' in shown


def test_faults_are_named_with_their_places(api: ApiClient) -> None:
    assert pointers(api.post(PATH, {"name": "a b"})) == ["/name"]
    assert pointers(api.post(PATH, {})) == ["/name"]
    assert pointers(api.post(PATH, NEW | {"schema": {"items": {"$ref": "http://10.0.0.1/"}}})) == ["/schema/items/$ref"]
    assert pointers(api.post(PATH, b'{"name":"a.b","example":1e99999999999999999999}')) == [""]
    assert not EventType.objects.exists()
    problem(api.post(PATH, b"[1]"), 422)
    api.post(PATH, NEW)
    problem(api.post(PATH, NEW), 409)
    assert pointers(api.post(f"{PATH}/order.created/versions", {})) == ["/version"]
    problem(api.post(f"{PATH}/order.created/versions", {"version": "v1"}), 409)


def test_a_version_is_added_and_made_the_default(api: ApiClient) -> None:
    api.post(PATH, NEW)
    response = api.post(f"{PATH}/order.created/versions", {"version": "v2", "schema": {"type": "string"}})
    assert (response.status_code, response.json()["version"]) == (201, "v2")
    assert api.post("/api/events", {"type": "order.created", "data": {"id": 1}}).json()["version"] == "v1"
    api.put(f"{PATH}/order.created", {"version": "v2"})
    assert api.post("/api/events", {"type": "order.created", "data": "x"}).json()["version"] == "v2"


def test_an_answer_can_be_edited_and_sent_back(api: ApiClient) -> None:
    shown = api.post(PATH, NEW).json()
    shown["versions"][0]["schema"]["properties"]["note"] = {"type": "string"}
    response = api.put(f"{PATH}/order.created", shown)
    assert response.status_code == 200
    assert response.json() == shown


def test_a_breaking_change_is_refused_with_the_reason(api: ApiClient) -> None:
    api.post(PATH, NEW)
    narrower = {"version": "v1", "schema": {**SCHEMA, "required": ["id", "x"]}}
    response = api.put(f"{PATH}/order.created", {"versions": [narrower]})
    assert pointers(response) == ["/versions/0/schema/required"]
    assert "x is newly required" in problem(response, 422)["errors"][0]["detail"]


def test_a_type_is_deleted_and_its_events_stay(api: ApiClient) -> None:
    api.post(PATH, NEW)
    api.post("/api/events", {"type": "order.created", "data": {"id": 1}})
    assert api.delete(f"{PATH}/order.created").status_code == 204
    problem(api.get(f"{PATH}/order.created"), 404)
    assert Event.objects.count() == 1


# --- whose types


def test_everybodys_types_are_seen_by_all_and_changed_by_platform_keys(
    api: ApiClient, platform_key: str, tenant: Tenant
) -> None:
    platform = ApiClient(platform_key)
    shown = platform.post(PATH, NEW)
    assert shown.json()["tenant_id"] is None
    acting = ApiClient(platform_key, headers={"Clarion-Tenant": tenant.slug})
    for client in (api, acting):
        assert client.get(f"{PATH}/order.created").json()["tenant_id"] is None
        assert len(client.get(PATH).json()["results"]) == 1
        problem(client.put(f"{PATH}/order.created", {}), 403)
        problem(client.delete(f"{PATH}/order.created"), 403)
        problem(client.post(f"{PATH}/order.created/versions", {"version": "v2"}), 403)
    assert platform.put(f"{PATH}/order.created", {"description": "new"}).json()["description"] == "new"
    assert api.post(PATH, {"name": "order.created"}).status_code == 201
    assert api.get(f"{PATH}/order.created").json()["tenant_id"] == tenant.public_id
    assert api.delete(f"{PATH}/order.created").status_code == 204
    assert api.get(f"{PATH}/order.created").json()["tenant_id"] is None


def test_a_tenant_sees_and_changes_nothing_of_another(api: ApiClient) -> None:
    stranger = make_tenant()
    event_types.create(stranger.id, {"name": "order.created"})
    assert api.get(PATH).json()["results"] == []
    for response in (
        api.get(f"{PATH}/order.created"),
        api.put(f"{PATH}/order.created", {}),
        api.delete(f"{PATH}/order.created"),
        api.post(f"{PATH}/order.created/versions", {"version": "v2"}),
    ):
        problem(response, 404)
    assert ApiClient(make_key(stranger)).get(f"{PATH}/order.created").status_code == 200


def test_a_key_that_only_manages_webhooks_cannot_stop_publishing(tenant: Tenant) -> None:
    """Attack: a customer's key registers a type whose schema nothing satisfies."""
    client = ApiClient(make_key(tenant, "webhooks:write", "webhooks:read"))
    problem(client.post(PATH, {"name": "order.created", "schema": False}), 403)
    assert client.get(PATH).status_code == 200


# --- publishing


def test_an_event_that_fails_its_schema_is_422_with_pointer_and_rule(api: ApiClient) -> None:
    api.post(PATH, NEW)
    response = api.post("/api/events", {"type": "order.created", "data": {"id": "x"}})
    assert pointers(response) == ["/data/id"]
    assert "rule /properties/id/type" in problem(response, 422)["errors"][0]["detail"]
    assert not Event.objects.exists()
    accepted = api.post("/api/events", {"type": "order.created", "data": {"id": 1}})
    assert (accepted.status_code, "warnings" in accepted.json()) == (202, False)


def test_a_warning_stands_in_the_answer(api: ApiClient) -> None:
    api.post(PATH, NEW | {"enforcement": "warn"})
    response = api.post("/api/events", {"type": "order.created", "data": {}})
    assert response.status_code == 202
    (warning,) = response.json()["warnings"]
    assert (warning["pointer"], "lacks id" in warning["detail"]) == ("/data", True)


def test_a_batch_reports_each_event_by_itself(api: ApiClient) -> None:
    api.post(PATH, NEW)
    api.post(PATH, {"name": "warned", "schema": False, "enforcement": "warn"})
    events = [
        {"type": "order.created", "data": {"id": 1}},
        {"type": "order.created", "data": {"id": "x"}, "id": "k"},
        {"type": "warned", "data": 1},
        {"type": "other", "data": None},
    ]
    response = api.post("/api/events/batch", {"events": events})
    assert response.status_code == 207
    body = response.json()
    assert (body["accepted"], [fault["index"] for fault in body["errors"]]) == (3, [1])
    assert body["errors"][0]["errors"][0]["pointer"] == "/data/id"
    assert ["warnings" in event for event in body["events"]] == [False, True, False]
    assert pointers(api.post("/api/events/batch", {"events": events[1:2]})) == ["/events/0/data/id"]
    assert Event.objects.count() == 3


def test_an_unknown_version_pin_is_422(api: ApiClient) -> None:
    api.post(PATH, NEW)
    webhook = {"url": "https://receiver.example/hook", "event_types": ["order.created"], "version": "v2"}
    assert pointers(api.post("/api/webhooks", webhook)) == ["/version"]
    endpoint = api.post("/api/webhooks", webhook | {"version": "v1"}).json()
    assert pointers(api.patch(f"/api/webhooks/{endpoint['id']}", {"version": "v2"})) == ["/version"]


def test_a_test_event_carries_the_example(api: ApiClient, tenant: Tenant) -> None:
    api.post(PATH, NEW)
    endpoint = make_endpoint(tenant)
    api.post(f"/api/webhooks/{endpoint.public_id}/test", {"event_type": "order.created"})
    event = Event.objects.get()
    assert (bytes(event.data), event.version) == (b'{"id":7}', "v1")


# --- import

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "webhooks": {
        "order.created": {
            "post": {
                "description": "An order",
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Order"},
                            "examples": {"one": {"value": {"id": 1}}},
                        }
                    }
                },
            }
        },
        "bad": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "text"}}}}}},
    },
    "components": {"schemas": {"Order": SCHEMA}},
}


def test_a_document_is_imported_with_a_report(api: ApiClient) -> None:
    body = {"document": DOCUMENT, "dry_run": True}
    dry = api.post(f"{PATH}/import", body)
    assert dry.status_code == 200
    assert not EventType.objects.exists()
    report = api.post(f"{PATH}/import", {"document": DOCUMENT}).json()
    assert report == dry.json() | {"dry_run": False}
    assert report["created"] == ["order.created"]
    (refused,) = report["refused"]
    assert refused["name"] == "bad"
    assert refused["errors"][0]["pointer"].endswith("/application~1json/schema/type")
    assert pointers(api.post("/api/events", {"type": "order.created", "data": {}})) == ["/data"]
    assert api.post(f"{PATH}/import", {"document": DOCUMENT}).json()["unchanged"] == ["order.created"]
    assert json.loads(EventTypeVersion.objects.get().example or "") == {"id": 1}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/document"),
        ({"document": {"openapi": "2.0"}}, "/document/openapi"),
        ({"document": DOCUMENT, "version": "v 2"}, "/version"),
        ({"document": DOCUMENT, "enforcement": "x"}, "/enforcement"),
        ({"document": DOCUMENT, "dry_run": 1}, "/dry_run"),
        ({"document": DOCUMENT, "what": 1}, "/what"),
    ],
)
def test_a_faulty_import_is_refused(api: ApiClient, body: Any, pointer: str) -> None:
    assert pointers(api.post(f"{PATH}/import", body)) == [pointer]


def test_a_body_that_is_too_large_is_not_read(api: ApiClient) -> None:
    problem(api.post(f"{PATH}/import", b" " * (views.MAX_DOCUMENT + 1)), 413)
    problem(api.post(PATH, b" " * (views.MAX_BYTES + 1)), 413)


def test_the_word_import_is_no_type(api: ApiClient) -> None:
    problem(api.get(f"{PATH}/import"), 405)
    assert pointers(api.post(PATH, {"name": "import"})) == ["/name"]
