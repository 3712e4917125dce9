"""What the OpenAPI document has to say of every operation, parameter, header and field.

Each finding is one sentence: where, what is missing, how to add it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from webhooks.api.schema_examples import is_made_of_parts

_EXAMPLE = 'give its schema "examples", or add a row to webhooks/api/schema_examples.py'
_LIMITS = {
    "string": ("maxLength", "pattern", "enum", "const", "format"),
    "array": ("maxItems",),
}
_REPLACED = "parameter X-Request-ID"  # what does not fit is replaced, so nothing is refused
_METHODS = ("get", "put", "post", "delete", "patch")


def faults(document: dict[str, Any]) -> Iterator[str]:
    """Everything that is missing."""
    tags = {tag["name"] for tag in document["tags"] if tag.get("description")}
    for section in ("paths", "webhooks"):
        for path, operations in document[section].items():
            for method, operation in operations.items():
                assert method in _METHODS
                name = f"{method.upper()} {path}"
                yield from _operation(name, operation, tags)
                for parameter in operation.get("parameters", []):
                    if "$ref" not in parameter:
                        yield from _value(f"{name}: parameter {parameter['name']}", parameter, taken=True)
    for parameter in document["components"]["parameters"].values():
        yield from _value(f"parameter {parameter['name']}", parameter, taken=True)
    for name, header in document["components"]["headers"].items():
        yield from _value(f"header {name}", header, taken=False)
    sent = _reached(document)
    for name, schema in document["components"]["schemas"].items():
        if not schema.get("description") and schema.get("type") == "object" and not name.startswith("Paginated"):
            yield f"{name} has no description: give its serializer or schema one."
        yield from _fields(name, schema, taken=name in sent)


def _operation(name: str, operation: dict[str, Any], tags: set[str]) -> Iterator[str]:
    for part in ("operationId", "summary", "description"):
        if not operation.get(part):
            yield f"{name} has no {part}: see extend_schema and the docstring of its method."
    if not operation.get("tags") or set(operation["tags"]) - tags:
        yield f"{name} has a tag without a description: add it to TAGS in SPECTACULAR_SETTINGS."
    if (
        not operation["operationId"].replace("_", "").isalnum()
        or operation["operationId"].lower() != operation["operationId"]
    ):
        yield f"{name}: operationId {operation['operationId']} is not made of lower-case words and _."


def _value(where: str, value: dict[str, Any], *, taken: bool) -> Iterator[str]:
    """A parameter or header: a value with a description beside its schema."""
    yield from _field(where, {**value["schema"], "description": value.get("description")}, taken=taken)


def _fields(where: str, schema: dict[str, Any], *, taken: bool) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        yield from _field(f"{where}.{name}", field, taken=taken)
    for part in _parts(schema):
        yield from _fields(where, part, taken=taken)


def _field(where: str, field: dict[str, Any], *, taken: bool) -> Iterator[str]:
    if not field.get("description"):
        yield f"{where} has no description: give it a help_text, or its schema a description."
    examples = field.get("examples")
    if not examples and not is_made_of_parts(field):
        yield f"{where} has no example: {_EXAMPLE}."
    for example in examples or ():
        for error in Draft202012Validator(field).iter_errors(example):
            yield f"{where}: its example is not valid: {error.message}."
    yield from _limits(where, field, taken=taken)
    yield from _fields(where, field, taken=taken)


def _limits(where: str, field: dict[str, Any], *, taken: bool) -> Iterator[str]:
    """``taken``: Clarion takes the value from a client; else it gives it."""
    kind = field.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if ("integer" in kinds or "number" in kinds) and "enum" not in field:
        needed = ("minimum", "maximum") if taken else ("minimum",)
        for limit in needed:
            if limit not in field:
                yield f"{where} has no {limit}: set it at the field (min_value, max_value) or in its schema."
    for word, limits in _LIMITS.items():
        if taken and where != _REPLACED and word in kinds and not any(limit in field for limit in limits):
            yield f"{where} has no {limits[0]}: set it at the field (max_length) or in its schema."
    if taken and kinds == ["object"] and field.get("additionalProperties") is True and "KiB" not in str(field):
        yield f"{where} has no limit: say in its description how many KiB it may have."
    for part in (*field.get("oneOf", ()), *field.get("anyOf", ()), *([field["items"]] if "items" in field else [])):
        yield from _limits(where, part, taken=taken)


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from schema.get("oneOf", ())
    yield from schema.get("anyOf", ())
    for part in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            yield part


def _reached(document: dict[str, Any]) -> set[str]:
    """The components that request bodies of the API are made of."""
    found: set[str] = set()
    waiting: list[Any] = [
        operation.get("requestBody", {})
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found
