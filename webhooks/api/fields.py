"""Serializer fields of the API: prefixed ids, moments, and JSON values with a schema of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.drainage import set_override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.core import envelope, ids

_EXAMPLE = UUID("019932c5-a0e8-71d3-b6f0-9a64e8c51b07")


class PublicId(serializers.Field[UUID, Any, str, Any]):
    """A key shown as ``<prefix>_<hex>``."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)
        self.prefix = prefix
        set_override(self, "field", id_schema(prefix))

    def to_representation(self, value: UUID) -> str:
        return ids.show(self.prefix, value)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, Any, str, Any]):
    """RFC 3339 in UTC with ``Z``, whatever TIME_ZONE says."""

    def to_representation(self, value: datetime) -> str:
        return envelope.timestamp(value)


class Computed(serializers.Field[Any, Any, Any, Any]):
    """A value that a function takes from the object; ``schema`` is its JSON Schema."""

    def __init__(self, take: Callable[[Any], Any], schema: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.take = take
        set_override(self, "field", schema)

    def get_attribute(self, instance: Any) -> Any:
        return self.take(instance)

    def to_representation(self, value: Any) -> Any:
        return value


def id_schema(prefix: str) -> dict[str, Any]:
    """The JSON Schema of a prefixed id."""
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{32}}$", "examples": [ids.show(prefix, _EXAMPLE)]}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema (OpenAPI 3.1) that also allows null. A component to be, and a list of values, stay as they are."""
    if isinstance(schema.get("type"), str) and not schema.keys() & {"title", "enum"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"oneOf": [schema, {"type": "null"}]}
