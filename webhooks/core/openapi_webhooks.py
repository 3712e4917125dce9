"""Event types from the ``webhooks`` of an OpenAPI document (3.1 and 3.2, whose schemas are JSON Schema 2020-12).

Each name under ``webhooks`` with a ``post`` becomes a type; the JSON schema of its request body becomes a schema that
stands alone: what it refers to under ``#/components/schemas`` comes along as ``$defs``. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from webhooks.core.jsonvalues import shorten
from webhooks.core.schema_run import escape
from webhooks.core.schemas import DIALECT

MAX_WEBHOOKS = 200  # of one document: each may have a schema of 64 KiB
_MAX_HOPS = 10  # references from one object of the document to the next
_MAX_COPIED = 30_000  # values of one schema: more than fit 64 KiB
_SCHEMAS = "#/components/schemas/"
ABSENT = object()


class Unusable(Exception):
    """A part of the document cannot be used: JSON Pointer into the document, and a sentence."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Found:
    """A webhook of the document. ``pointer``: of its schema. ``schema`` None, ``example`` ABSENT: it has none."""

    name: str
    pointer: str
    description: str
    schema: Any
    example: Any


def webhooks_of(document: Any) -> Iterator[Found | tuple[str, Unusable]]:
    """What each webhook says, or its name and why it cannot be used.

    Raises :class:`Unusable` when the document as a whole is none.
    """
    if not isinstance(document, dict):
        raise Unusable("", "takes an OpenAPI document, a JSON object")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.1.", "3.2.")):
        raise Unusable("/openapi", "has to be 3.1 or 3.2: the schemas of older documents are no JSON Schemas")
    if document.get("jsonSchemaDialect", DIALECT) not in (DIALECT, "https://spec.openapis.org/oas/3.1/dialect/base"):
        raise Unusable("/jsonSchemaDialect", f"has to be {DIALECT}, or absent")
    webhooks = document.get("webhooks")
    if not isinstance(webhooks, dict) or not webhooks:
        raise Unusable("/webhooks", "takes an object with one or more webhooks")
    if len(webhooks) > MAX_WEBHOOKS:
        raise Unusable("/webhooks", f"takes at most {MAX_WEBHOOKS} webhooks, this document has {len(webhooks)}")
    for name, item in webhooks.items():
        try:
            yield _webhook(document, name, item, f"/webhooks/{escape(name)}")
        except Unusable as error:
            yield name, error


def _webhook(document: dict[str, Any], name: str, item: Any, pointer: str) -> Found:
    item, pointer = _followed(document, item, pointer)
    operation = _object(item.get("post"), f"{pointer}/post", "takes an operation; webhooks are sent with POST")
    text = operation.get("description") or operation.get("summary") or item.get("description") or item.get("summary")
    description = text if isinstance(text, str) else ""
    if "requestBody" not in operation:
        return Found(name, f"{pointer}/post", description, None, ABSENT)
    body, place = _followed(document, operation["requestBody"], f"{pointer}/post/requestBody")
    content = _object(body.get("content"), f"{place}/content", "takes an object of media types")
    media_type = next((kind for kind in content if _is_json(kind)), None)
    if media_type is None:
        raise Unusable(f"{place}/content", "has no media type that is JSON")
    place = f"{place}/content/{escape(media_type)}"
    media = _object(content[media_type], place, "takes a media type object")
    schema = _standalone(document, media["schema"], f"{place}/schema") if "schema" in media else None
    return Found(name, f"{place}/schema", description, schema, _example(document, media, place))


def _is_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _object(value: Any, pointer: str, detail: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(pointer, detail)
    return value


def _followed(document: dict[str, Any], value: Any, pointer: str) -> tuple[dict[str, Any], str]:
    """The object itself, where it stands elsewhere in the document, and its pointer."""
    for _ in range(_MAX_HOPS):
        found = _object(value, pointer, "takes an object")
        if "$ref" not in found:
            return found, pointer
        reference = found["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise Unusable(f"{pointer}/$ref", "takes a reference within this document; nothing is fetched")
        pointer, value = unquote(reference[1:]), _at(document, unquote(reference[1:]), f"{pointer}/$ref")
    raise Unusable(f"{pointer}/$ref", f"is one of more than {_MAX_HOPS} references in a row")


def _at(document: Any, pointer: str, asked_at: str) -> Any:
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            raise Unusable(asked_at, f"{shorten(pointer)} is not in this document")
        found = found[name]
    return found


def _example(document: dict[str, Any], media: dict[str, Any], pointer: str) -> Any:
    if "example" in media:
        return media["example"]
    examples = media.get("examples")
    for name, example in examples.items() if isinstance(examples, dict) else ():
        found, _ = _followed(document, example, f"{pointer}/examples/{escape(name)}")
        if "value" in found or "dataValue" in found:
            return found.get("value", found.get("dataValue"))
    return ABSENT


@dataclass
class _Bundle:
    """A schema on its way out of the document. ``wanted``: names of components, as steps of a pointer."""

    document: dict[str, Any]
    pointer: str
    wanted: dict[str, None] = field(default_factory=dict)
    copied: int = 0

    def copy(self, value: Any, pointer: str) -> Any:
        """A copy with ``#/components/schemas/X`` as ``#/$defs/X``; each X is noted.

        Attack: two hundred webhooks that each refer to two megabytes of components.
        """
        self.copied += 1
        if self.copied > _MAX_COPIED:
            raise Unusable(self.pointer, "is larger, with all that it refers to, than a schema may be")
        if isinstance(value, list):
            return [self.copy(item, f"{pointer}/{n}") for n, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        made = {}
        for name, item in value.items():
            here = f"{pointer}/{escape(name)}"
            made[name] = self._reference(item, here) if name == "$ref" else self.copy(item, here)
        return made

    def _reference(self, value: Any, pointer: str) -> Any:
        if not isinstance(value, str):  # a property that is called $ref
            return self.copy(value, pointer)
        if not value.startswith(_SCHEMAS):
            raise Unusable(pointer, f"takes a reference below {_SCHEMAS}; nothing is fetched")
        self.wanted[unquote(value.removeprefix(_SCHEMAS).partition("/")[0])] = None
        return f"#/$defs/{value.removeprefix(_SCHEMAS)}"


def _standalone(document: dict[str, Any], schema: Any, pointer: str) -> Any:
    """The schema with copies of everything it refers to under ``$defs``."""
    bundle = _Bundle(document, pointer)
    made = bundle.copy(schema, pointer)
    definitions: dict[str, Any] = {}
    while left := [name for name in bundle.wanted if name not in definitions]:
        place = f"/components/schemas/{left[0]}"
        definitions[left[0]] = bundle.copy(_at(document, place, pointer), place)
    if not definitions:
        return made
    if "$defs" in made:
        raise Unusable(pointer, "has $defs of its own beside references to components; keep the schemas in components")
    named = {name.replace("~1", "/").replace("~0", "~"): found for name, found in definitions.items()}
    return {**made, "$defs": named}
