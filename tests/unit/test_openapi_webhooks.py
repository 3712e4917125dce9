"""Reading the webhooks of an OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest

from webhooks.core.openapi_webhooks import ABSENT, Found, Unusable, webhooks_of


def read(item: Any, components: dict[str, Any] | None = None) -> Found:
    document = {"openapi": "3.1.0", "webhooks": {"a.b": item}, "components": components or {}}
    (found,) = webhooks_of(document)
    if isinstance(found, tuple):
        raise found[1]
    return found


def body(media: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"post": {"requestBody": {"content": {kind: media}}}}


def schemas(**found: Any) -> dict[str, Any]:
    return {"schemas": found}


def test_what_a_schema_refers_to_comes_along_and_nothing_else() -> None:
    found = read(
        body({"schema": {"properties": {"a": {"$ref": "#/components/schemas/A"}, "$ref": {"type": "string"}}}}),
        schemas(
            A={"items": {"$ref": "#/components/schemas/b~1c/properties/x"}},
            **{"b/c": {"properties": {"x": {"$ref": "#/components/schemas/A"}}}, "Other": {}},
        ),
    )
    assert found.schema == {
        "properties": {"a": {"$ref": "#/$defs/A"}, "$ref": {"type": "string"}},
        "$defs": {
            "A": {"items": {"$ref": "#/$defs/b~1c/properties/x"}},
            "b/c": {"properties": {"x": {"$ref": "#/$defs/A"}}},
        },
    }


def test_objects_may_stand_elsewhere_in_the_document() -> None:
    found = read(
        {"$ref": "#/components/pathItems/P"},
        {
            "pathItems": {"P": {"post": {"description": "D", "requestBody": {"$ref": "#/components/requestBodies/B"}}}},
            "requestBodies": {"B": {"content": {"application/vnd.a+json; charset=utf-8": {"schema": True}}}},
        },
    )
    assert (found.schema, found.description) == (True, "D")
    assert found.pointer == "/components/requestBodies/B/content/application~1vnd.a+json; charset=utf-8/schema"


@pytest.mark.parametrize(
    ("media", "example"),
    [
        ({}, ABSENT),
        ({"example": None}, None),
        ({"examples": {"one": {"value": 1}, "two": {"value": 2}}}, 1),
        ({"examples": {"one": {"externalValue": "http://10.0.0.1/"}, "two": {"dataValue": 2}}}, 2),
        ({"examples": {"one": {"$ref": "#/components/examples/E"}}}, 7),
    ],
)
def test_the_first_example_is_taken(media: Any, example: Any) -> None:
    found = read(body(media), {"examples": {"E": {"value": 7}}})
    assert found.example is example or found.example == example


def test_a_webhook_without_a_body_says_nothing_of_its_data() -> None:
    found = read({"post": {"summary": "S"}})
    assert (found.schema, found.example, found.description) == (None, ABSENT, "S")


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (1, "/webhooks/a.b"),
        ({"put": {}}, "/webhooks/a.b/post"),
        ({"$ref": "http://10.0.0.1/"}, "/webhooks/a.b/$ref"),
        ({"$ref": "#/components/none"}, "/webhooks/a.b/$ref"),
        ({"$ref": "#/webhooks/a.b"}, "/webhooks/a.b/$ref"),
        ({"post": {"requestBody": 1}}, "/webhooks/a.b/post/requestBody"),
        (body({}, "text/plain"), "/webhooks/a.b/post/requestBody/content"),
        (body(1), "/webhooks/a.b/post/requestBody/content/application~1json"),
        (
            body({"schema": {"$ref": "file:///etc/passwd"}}),
            "/webhooks/a.b/post/requestBody/content/application~1json/schema/$ref",
        ),
        (
            body({"schema": {"$ref": "#/components/schemas/None"}}),
            "/webhooks/a.b/post/requestBody/content/application~1json/schema",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(item: Any, pointer: str) -> None:
    with pytest.raises(Unusable) as caught:
        read(item)
    assert caught.value.pointer == pointer


def test_a_schema_that_refers_to_too_much_is_refused_before_it_is_copied() -> None:
    large = {f"S{n}": {"properties": {f"p{k}": {"type": "string"} for k in range(500)}} for n in range(100)}
    refers = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in large]}
    with pytest.raises(Unusable, match="larger"):
        read(body({"schema": refers}), schemas(**large))
