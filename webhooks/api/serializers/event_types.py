"""Event types and their versions."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, id_schema, nullable
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import EventType, EventTypeVersion
from webhooks.services import event_type_fields, event_types

_MOMENT = {"type": "string", "format": "date-time"}
_SCHEMA = {"type": ["object", "boolean", "null"], "additionalProperties": True}
_VERSION = r"^[A-Za-z0-9._-]{1,32}$"
_ENFORCEMENT = (
    "What happens to an event whose data fails the schema: `block` refuses it, `warn` accepts it and says what is "
    "wrong, `off` checks nothing."
)
_SCHEMA_HELP = "JSON Schema (2020-12) of the data; references within it only. At most 64 KiB; null: none."
_EXAMPLE_HELP = "Data of such an event, valid by the schema; test events carry it. At most 64 KiB; null: none."
_DEPRECATED = "Since when it should not be used any more, or from when on; null: it may be used."


def _moment(name: str) -> Any:
    def take(row: Any) -> str | None:
        value = getattr(row, name)
        return timestamp(value) if value else None

    return take


def _json(name: str) -> Any:
    def take(row: Any) -> Any:
        text = getattr(row, name)
        return None if text is None else msgspec.Raw(text.encode())

    return take


class _Deprecable(serializers.Serializer[Any]):
    deprecated_at = Computed(_moment("deprecated_at"), nullable(_MOMENT), required=False, help_text=_DEPRECATED)
    deprecation_message = serializers.CharField(
        max_length=event_type_fields.MAX_MESSAGE,
        required=False,
        allow_blank=True,
        help_text="What to use instead, for people.",
    )


class EventTypeVersionSerializer(_Deprecable):
    """A version of an event type."""

    version = serializers.RegexField(_VERSION, source="name", help_text="Name of the version, such as v2.")
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=event_type_fields.MAX_DESCRIPTION, help_text="For people."
    )
    schema = Computed(_json("schema"), _SCHEMA, required=False, help_text=_SCHEMA_HELP)
    example = Computed(_json("example"), {}, required=False, help_text=_EXAMPLE_HELP)
    enforcement = Computed(
        lambda version: version.enforcement,
        {"type": "string", "enum": EventTypeVersion.Enforcement.values, "default": "block"},
        required=False,
        help_text=_ENFORCEMENT,
    )
    warned = serializers.IntegerField(
        read_only=True, min_value=0, help_text="Events accepted although they failed the schema."
    )
    last_warned_at = Computed(
        _moment("last_warned_at"), nullable(_MOMENT), read_only=True, help_text="When the last one of them came."
    )
    created_at = Moment(read_only=True, help_text="When it was made.")


class _TypeSerializer(_Deprecable):
    name = serializers.CharField(max_length=128, help_text="Such as order.created: segments joined by dots.")
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=event_type_fields.MAX_DESCRIPTION, help_text="For people."
    )


class EventTypeSerializer(_TypeSerializer):
    """A registered event type with its versions."""

    name = serializers.CharField(
        required=False,
        max_length=128,
        help_text="Such as order.created: segments joined by dots. A change may leave it out.",
    )
    tenant_id = Computed(
        lambda row: ids.show(ids.TENANT, row.tenant_id) if row.tenant_id else None,
        nullable(id_schema(ids.TENANT)),
        read_only=True,
        help_text="The tenant it belongs to; null: it is known to all tenants.",
    )
    version = serializers.RegexField(
        _VERSION, required=False, help_text="The version of events that are published without one."
    )
    versions = EventTypeVersionSerializer(  # type: ignore[call-arg]  # with many=True it has a max_length
        many=True, required=False, max_length=event_types.MAX_VERSIONS, help_text="Oldest first."
    )
    created_at = Moment(read_only=True, help_text="When it was registered.")


class NewEventTypeSerializer(_TypeSerializer):
    """An event type to register, with its first version."""

    version = serializers.RegexField(
        _VERSION, required=False, default="v1", help_text="Name of the version; also given to events without one."
    )
    schema = Computed(lambda row: None, _SCHEMA, required=False, help_text=_SCHEMA_HELP)
    example = Computed(lambda row: None, {}, required=False, help_text=_EXAMPLE_HELP)
    enforcement = serializers.ChoiceField(
        EventTypeVersion.Enforcement.values, required=False, default="block", help_text=_ENFORCEMENT
    )


class ImportSerializer(serializers.Serializer[Any]):
    """An OpenAPI document whose webhooks become event types. At most 2 MiB and 200 webhooks."""

    document = Computed(
        lambda row: None,
        {"type": "object", "additionalProperties": True},
        help_text="OpenAPI 3.1 or 3.2 as JSON. Each name under `webhooks` becomes a type; the JSON schema of its "
        "`post` request body the schema of the data. At most 2048 KiB.",
    )
    version = serializers.RegexField(
        _VERSION, required=False, default="v1", help_text="The version that is made or changed."
    )
    enforcement = serializers.ChoiceField(
        EventTypeVersion.Enforcement.values,
        required=False,
        help_text="Of that version. Absent: `block` for a new one, as it is for others.",
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="True: only report, write nothing.")


class _RefusedFault(serializers.Serializer[Any]):
    """Why a webhook became no type."""

    pointer = serializers.CharField(read_only=True, help_text="JSON Pointer into the request.")
    detail = serializers.CharField(read_only=True, help_text="What is wrong and how to mend it.")

    class Meta:
        ref_name = "ImportFault"


class RefusedTypeSerializer(serializers.Serializer[EventType]):
    """A webhook of the document that became no type."""

    name = serializers.CharField(read_only=True, help_text="Its name in the document.")
    errors = _RefusedFault(many=True, read_only=True, help_text="Why.")  # type: ignore[assignment]


def _names(text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), read_only=True, help_text=text)


class ImportReportSerializer(serializers.Serializer[Any]):
    """What became of each webhook of the document."""

    dry_run = serializers.BooleanField(read_only=True, help_text="True: nothing was written.")
    created = _names("New types.")
    updated = _names("Types whose version was added or changed.")
    unchanged = _names("Types that were as the document says.")
    refused = RefusedTypeSerializer(many=True, read_only=True, help_text="The others.")
