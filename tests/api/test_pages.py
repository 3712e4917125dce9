"""Pages that are not resources: health, metrics, schema, documentation."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from tests.api.checks import problem
from tests.api.described import faults
from tests.factories import make_delivery, make_endpoint, make_event
from webhooks.api.views import documents
from webhooks.conf import conf
from webhooks.guards import store
from webhooks.models import DeadLetter, Heartbeat, TaskFailure, Tenant
from webhooks.services import heartbeats

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.json"
# Operations that ask for no credential.
PUBLIC_OPERATIONS = ("consent_by_get", "consent_by_post", "download_result")


# --- health


def test_healthz_asks_nobody(client: Client) -> None:
    response = client.get("/healthz", headers={"Host": "10.1.2.3"})  # no db fixture: a query would fail
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_readyz_tells_what_it_reached(client: Client, db: None, valkey: Any) -> None:
    response = client.get("/readyz", headers={"Host": "10.1.2.3"})
    assert (response.status_code, response.json()) == (200, {"status": "ready", "database": "ok", "cache": "ok"})


def test_readyz_says_that_the_cache_is_away_and_stays_in_service(client: Client, db: None, settings: Any) -> None:
    """Events are accepted without it: a balancer that takes every process out would refuse them."""
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    try:
        response = client.get("/readyz")
        assert response.status_code == 200
        assert response.json() == {"status": "degraded", "database": "ok", "cache": "unreachable"}
    finally:
        store.client().close()


def test_health_is_not_redirected_to_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200


# --- metrics


def _gauges(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name + "".join(sample.labels.values()): sample.value for sample in samples}


def test_metrics_show_what_waits(client: Client, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    make_event(tenant)
    earlier = timezone.now() - timedelta(hours=1)
    for state in ("pending", "pending", "sending", "held", "succeeded"):
        make_delivery(endpoint, make_event(tenant, fanned_out=True), state=state, next_attempt_at=earlier)
    dead = make_delivery(endpoint, make_event(tenant, fanned_out=True), state="dead")
    DeadLetter.objects.create(tenant=tenant, endpoint=endpoint, delivery=dead, event=dead.event, attempt_count=1)
    response = client.get("/metrics")
    assert response["Content-Type"].startswith("text/plain")
    found = _gauges(response.content.decode())
    expected = {
        "clarion_deliveriespending": 2, "clarion_deliveriessending": 1, "clarion_deliveriesheld": 1,
        "clarion_deliveries_due": 2, "clarion_endpoints_due": 1, "clarion_outbox_events": 1,
        "clarion_dead_letters_open": 1, "clarion_leases_expired": 0,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert found["clarion_oldest_due_age_seconds"] > 3500
    assert found["clarion_outbox_oldest_age_seconds"] >= 0


def test_metrics_of_an_empty_installation(client: Client, db: None) -> None:
    found = _gauges(client.get("/metrics").content.decode())
    assert (found["clarion_outbox_oldest_age_seconds"], found["clarion_deliveriespending"]) == (0, 0)
    assert found["clarion_task_failures_open"] == 0
    assert "clarion_sweep_age_seconds" not in found, "an age of nothing would look fresh"


def test_metrics_count_open_failures_and_tell_the_age_of_the_sweep(client: Client, db: None) -> None:
    heartbeats.tell_sweep(1)
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
    TaskFailure.objects.create(task="webhooks.deliver", first_seen=timezone.now(), last_seen=timezone.now())
    TaskFailure.objects.create(
        task="webhooks.deliver", resolution="resolved", first_seen=timezone.now(), last_seen=timezone.now()
    )
    found = _gauges(client.get("/metrics").content.decode())
    assert found["clarion_task_failures_open"] == 1
    assert found["clarion_sweep_age_seconds"] == pytest.approx(120, abs=10)


@pytest.mark.parametrize(
    "stranger",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
    ],
)
def test_metrics_are_for_this_machine_and_for_platform_keys(
    client: Client, stranger: dict[str, str], platform_key: str, api_key: str
) -> None:
    response = client.get("/metrics", **stranger)  # type: ignore[arg-type]
    problem(response, 401)
    assert client.get("/metrics", headers={"Authorization": f"Bearer {platform_key}"}, **stranger).status_code == 200  # type: ignore[arg-type]
    problem(client.get("/metrics", headers={"Authorization": f"Bearer {api_key}"}, **stranger), 401)  # type: ignore[arg-type]


def test_metrics_can_only_be_read(client: Client) -> None:
    problem(client.post("/metrics"), 405)


# --- schema


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(documents.document())
    return made


def test_the_checked_in_schema_is_the_one_that_is_served(document: dict[str, Any]) -> None:
    assert json.loads(OPENAPI.read_text()) == document, (
        "docs/openapi.json is old: manage.py spectacular --format openapi-json --file docs/openapi.json"
    )


def test_the_schema_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    made = tmp_path / "openapi.json"
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn", "--file", str(made))
    assert json.loads(made.read_text())["openapi"].startswith("3.1")


def test_the_document_is_one_by_the_meta_schema_of_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_the_schema_is_for_everybody(client: Client) -> None:
    response = client.get("/api/schema")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    problem(client.post("/api/schema"), 405)


def _walk(node: Any, path: str = "") -> Any:
    yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, item in items:
        yield from _walk(item, f"{path}/{name}")


def test_every_operation_parameter_and_field_is_described_limited_and_shown_by_an_example(
    document: dict[str, Any],
) -> None:
    found = list(faults(document))
    assert not found, "\n".join(found)


def test_the_check_of_the_document_sees_what_is_missing(document: dict[str, Any]) -> None:
    bare = copy.deepcopy(document)
    operation = bare["paths"]["/api/events"]["post"]
    operation |= {"summary": "", "tags": ["Nothing"]}
    operation["parameters"].append({"name": "n", "in": "query", "schema": {"type": "integer", "examples": ["one"]}})
    bare["components"]["schemas"]["NewEventRequest"]["properties"]["note"] = {"type": "string"}
    found = " ".join(faults(bare))
    for part in (
        "POST /api/events has no summary",
        "POST /api/events has a tag without a description",
        "parameter n has no description",
        "parameter n: its example is not valid",
        "parameter n has no minimum",
        "parameter n has no maximum",
        "NewEventRequest.note has no description",
        "NewEventRequest.note has no example",
        "NewEventRequest.note has no maxLength",
    ):
        assert part in found, part


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for path, node in _walk(document):
        if path.endswith("/$ref"):
            target: Any = document
            for step in node.removeprefix("#/").split("/"):
                target = target[step]


def test_every_operation_lists_its_refusals_its_headers_and_its_key(document: dict[str, Any]) -> None:
    """The statuses themselves are held against the answers by schemathesis."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            names = {str(parameter.get("$ref")).rpartition("/")[2] for parameter in operation["parameters"]}
            assert {"400", "406", "500", "503"} <= answers.keys()
            assert ("404" in answers) >= ("{" in path)
            assert all("X-Request-ID" in _followed(document, answer)["headers"] for answer in answers.values())
            if operation["operationId"] in PUBLIC_OPERATIONS:
                assert "security" not in operation, "whoever asks here has no key"
                continue
            key, oauth = operation["security"]
            assert key == {"apiKey": []}
            assert f"Scope: `{oauth['oauth2'][0]}`" in operation["description"]
            assert {"401", "403", "429"} <= answers.keys()
            assert "Location" in answers.get("201", {"headers": ["Location"]})["headers"]
            assert "Tenant" in names
            if method != "get" and method != "delete":
                assert {"409", "413", "415", "422"} <= answers.keys()
            assert ("IdempotencyKey" in names) == (method == "post")


def test_every_refusal_is_a_problem_with_an_example(document: dict[str, Any]) -> None:
    problem_schema = document["components"]["schemas"]["Problem"]
    for answer in document["components"]["responses"].values():
        content = answer["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content["example"].keys() >= set(problem_schema["required"])
        assert content["example"]["type"] in problem_schema["properties"]["type"]["examples"]


def _followed(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    found: dict[str, Any] = target
    return found


def test_the_outgoing_request_is_in_the_schema(document: dict[str, Any]) -> None:
    operation = document["webhooks"]["event"]["post"]
    headers = {parameter["name"] for parameter in operation["parameters"]}
    assert {"webhook-id", "webhook-timestamp", "webhook-signature", "X-Webhook-Signature"} <= headers
    envelope = document["components"]["schemas"]["Envelope"]["properties"]
    assert list(envelope) == ["id", "type", "created_at", "version", "data", "metadata"]


def test_answers_have_exactly_the_fields_of_the_schema(
    api: Any, tenant: Tenant, document: dict[str, Any], valkey: Any
) -> None:
    delivery = make_delivery(make_endpoint(tenant), make_event(tenant))
    schemas = document["components"]["schemas"]
    for path, name in (
        (f"/api/webhooks/{delivery.endpoint.public_id}", "Webhook"),
        (f"/api/events/{delivery.event.public_id}", "EventDetail"),
        (f"/api/deliveries/{delivery.public_id}", "DeliveryDetail"),
    ):
        assert set(api.get(path).json()) == set(schemas[name]["properties"]), path


def test_the_limits_in_the_schema_are_those_in_force(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["WebhookRequest"]["properties"]
    assert fields["timeout"]["maximum"] == conf.MAX_TIMEOUT
    assert fields["event_types"]["maxItems"] == conf.MAX_SUBSCRIPTIONS


def test_the_documentation_is_served_from_this_machine_alone(client: Client, db: None) -> None:
    response = client.get("/api/docs")
    assert response.status_code == 200
    page = response.content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page
    for source in page.split('src="')[1:]:
        file = client.get(source.split('"')[0])
        assert (file.status_code, file.close()) == (200, None)


def test_the_root_leads_to_the_admin(client: Client) -> None:
    assert client.get("/")["Location"] == "/admin/"
