"""Serializers of answers: the library's declarations, made into rows without its machinery.

A page has 50 rows of a dozen fields or more. The library asks each field of each row anew how it is read, and copies
all fields for every request; here that is found out once for each class. It was two thirds of the time of a list.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from rest_framework import serializers

from webhooks.api.fields import Computed

T = TypeVar("T")

# Of a serializer (which has the context) and a row.
Take = Callable[[Any, Any], Any]


class Shown(serializers.Serializer[T]):
    """A serializer of answers without other serializers in it: those would not see its context."""

    def to_representation(self, instance: T) -> dict[str, Any]:
        return {name: take(self, instance) for name, take in _columns(type(self))}


@cache  # as many entries as classes
def _columns(kind: type[Shown[Any]]) -> tuple[tuple[str, Take], ...]:
    """Name and value of each field of an answer."""
    readable = (field for field in kind().fields.values() if not field.write_only)
    return tuple((str(field.field_name), _take(kind, field)) for field in readable)


def _take(kind: type[Shown[Any]], field: Any) -> Take:
    if isinstance(field, Computed):
        return lambda _, row: field.take(row)
    if isinstance(field, serializers.SerializerMethodField):
        method: Take = getattr(kind, str(field.method_name))
        return method
    read, show = field.get_attribute, field.to_representation

    def take(_: Any, row: Any) -> Any:
        value = read(row)
        return None if value is None else show(value)

    return take
