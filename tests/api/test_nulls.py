"""What null means in a change of a webhook: "back to the default" where the schema allows it, else a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.checks import pointers
from tests.client import ApiClient
from tests.docs.pages import page
from webhooks.services import endpoint_fields

WEBHOOK = {"url": "https://a.example/hook", "event_types": ["order.*"]}
# Where null is a value of its own.
NULLABLE = {"version", "filter", "rate_limit", "batch", "validation"}
SCHEMA = json.loads(page("docs/openapi.json"))["components"]["schemas"]["WebhookRequest"]["properties"]
# Of a URL it is said of answers: one of a webhook with a destination is null.
FIELDS = sorted(endpoint_fields._CHECKS.keys() - {"url"})


@pytest.mark.parametrize("name", FIELDS)
def test_null_is_a_value_or_a_fault_and_the_schema_says_which(api: ApiClient, name: str) -> None:
    shown: Any = SCHEMA.get(name, {})
    kinds = [shown.get("type"), *(one.get("type") for one in shown.get("oneOf", []))]
    nullable = any(kind == "null" or (isinstance(kind, list) and "null" in kind) for kind in kinds)
    path = api.post("/api/webhooks", WEBHOOK)["Location"]
    answer = api.patch(path, {name: None})
    if answer.status_code == 200:
        assert nullable, f"{name}: null is accepted, and the schema does not say so"
        assert answer.json()[name] is None
    else:
        assert not nullable, f"{name}: null is refused, and the schema allows it"
        assert pointers(answer) == [f"/{name}"]
    assert name not in NULLABLE or answer.status_code == 200
