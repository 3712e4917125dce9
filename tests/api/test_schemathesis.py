"""The API against its own OpenAPI document: requests made up from it, valid and not, and every answer compared.

CLARION_FUZZ_EXAMPLES: how many for each operation, when there is more time than in the suite. With it, the examples of
the document and every limit of its schemas are tried, too; to list those takes each test process half a minute.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.parameters import ParameterLocation

from tests.api.test_access import World
from tests.api.test_access import world as world
from tests.factories import make_key
from webhooks.api.views import documents

THOROUGH = "CLARION_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("CLARION_FUZZ_EXAMPLES", "5"))
# segment of a path -> which object of the tenant its {id} may be
OBJECTS = {
    "webhooks": "webhook", "events": "event", "deliveries": "delivery", "dead-letters": "dead_letter",
    "tenants": "tenant", "api-keys": "key", "event-types": "event_type", "operations": "operation",
    "sources": "source", "received": "received", "oauth-clients": "oauth_client",
}  # fmt: skip
LINES = "application/x-ndjson"
# What a schema cannot say makes valid-looking input wrong: types that exist, URLs that may be called, scopes held.
BEYOND_A_SCHEMA = {"positive_data_acceptance"}


@pytest.fixture(autouse=True)
def _one_transaction() -> Iterator[None]:
    """The end of a request does not close the connection of the test, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


load_all_checks()
schemathesis.serializer.alias(LINES, "text/plain")  # what is wrong with which line is told later
CHOSEN = [CHECKS.get_one(name) for name in set(CHECKS.get_all_names()) - BEYOND_A_SCHEMA - {"negative_data_rejection"}]


def what_is_not_valid_is_refused(ctx: Any, answer: Any, case: Any) -> bool | None:
    """A batch of which an event was refused and another taken is answered 207. Whatever is sent as text is text."""
    if answer.status_code == 207 and answer.json()["errors"]:
        return None
    if case.media_type == LINES and case.meta.is_negative_at(ParameterLocation.BODY):
        return None
    refused: bool | None = CHECKS.get_one("negative_data_rejection")(ctx, answer, case)
    return refused


CHOSEN.append(what_is_not_valid_is_refused)
schema = schemathesis.openapi.from_dict(json.loads(documents.document()))
schema.app = WSGIHandler()
schema.config.phases.coverage.enabled = schema.config.phases.examples.enabled = THOROUGH


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not THOROUGH,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case: Any, world: World, valkey: redis.Redis) -> None:
    tenant = None if case.operation.path.startswith("/api/tenants") else world.tenant
    case.headers.pop("Clarion-Tenant", None)
    case.query.pop("wait", None)  # nobody delivers here, so it would wait in vain
    kind = OBJECTS.get(case.operation.path.split("/")[2])
    if kind and case.meta.generation.mode.is_positive and "id" in case.path_parameters:
        case.path_parameters["id"] = world.objects[kind]
    answer = case.call_and_validate(headers={"Authorization": f"Bearer {make_key(tenant)}"}, checks=CHOSEN)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
