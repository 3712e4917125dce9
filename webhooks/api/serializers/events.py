"""Events, and the answers to publishing them."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId
from webhooks.api.shown import Shown
from webhooks.conf import conf
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import Event
from webhooks.services.ingest import DEFAULT_VERSION

_ANYTHING: dict[str, Any] = {}
_OBJECT = {"type": "object", "additionalProperties": True}


class EventSerializer(Shown[Event]):
    """An accepted event, without its data."""

    id = serializers.CharField(source="public_id", read_only=True, help_text="The publisher's own id, or Clarion's.")
    type = serializers.CharField(read_only=True, help_text="Such as order.created.")
    version = Computed(
        lambda event: event.version or DEFAULT_VERSION,
        {"type": "string"},
        read_only=True,
        help_text="Version of the type.",
    )
    created_at = Moment(read_only=True, help_text="When it happened, as its publisher says.")
    accepted_at = Computed(
        lambda event: timestamp(ids.created_at(event.id)),
        {"type": "string", "format": "date-time"},
        read_only=True,
        help_text="When Clarion made it durable. `created_after` and `created_before` mean this time.",
    )
    status = Computed(
        lambda event: "routed" if event.fanned_out_at else "accepted",
        {"type": "string", "enum": ["accepted", "routed"]},
        read_only=True,
        help_text="`routed`: its deliveries have been made.",
    )
    matched = serializers.IntegerField(read_only=True, min_value=0, help_text="Deliveries made when it was routed.")
    origin = Computed(
        lambda event: event.origin,
        {"type": "string", "enum": Event.Origin.values},
        read_only=True,
        help_text="How it came to Clarion.",
    )
    metadata = Computed(
        lambda event: event.metadata, _OBJECT, read_only=True, help_text="What the publisher said about it."
    )
    channels = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Channels it was published in."
    )
    correlation_id = serializers.CharField(
        read_only=True,
        help_text="X-Correlation-ID of its deliveries: the publisher's, else the X-Request-ID.",
    )
    tenant_id = PublicId(ids.TENANT, help_text="The tenant it belongs to.")


class EventDetailSerializer(EventSerializer):
    """An accepted event."""

    data = Computed(  # type: ignore[assignment]  # a field called data
        lambda event: msgspec.Raw(bytes(event.data)),
        _ANYTHING,
        read_only=True,
        help_text="The content, byte for byte as it was published.",
    )


class NewEventSerializer(serializers.Serializer[Any]):
    """An event to publish. At most 256 KiB of UTF-8."""

    id = serializers.RegexField(
        r"^[A-Za-z0-9_-]{1,128}$",
        required=False,
        allow_null=True,
        help_text="Your own id. The same id with the same content is accepted once; with other content refused.",
    )
    type = serializers.CharField(max_length=128, help_text="Such as order.created: segments joined by dots.")
    version = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=32,
        help_text="Version of the type, such as v2; the registered one when absent.",
    )
    created_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When it happened (RFC 3339); now when absent."
    )
    data = Computed(  # type: ignore[assignment]  # a field called data
        lambda event: None,
        _ANYTHING,
        help_text="Any JSON value, at most 64 levels deep; delivered byte for byte.",
    )
    metadata = Computed(
        lambda event: None,
        _OBJECT,
        required=False,
        help_text="Goes with the event; `correlation_id` in it becomes X-Correlation-ID. At most 16 KiB.",
    )
    channels = serializers.ListField(
        child=serializers.CharField(max_length=128),
        max_length=20,
        required=False,
        help_text="Only webhooks without channels or with one of these get it.",
    )


class BatchFaultSerializer(serializers.Serializer[Any]):
    """One fault of an event."""

    pointer = serializers.CharField(read_only=True, help_text="JSON Pointer inside the event.")
    detail = serializers.CharField(read_only=True, help_text="What is wrong.")


class PublishedSerializer(serializers.Serializer[Any]):
    """An event that is durable now."""

    sometimes = ("warnings",)

    id = serializers.CharField(read_only=True, help_text="Your own id, or the one Clarion gave it.")
    type = serializers.CharField(read_only=True, help_text="Its type.")
    created_at = serializers.DateTimeField(read_only=True, help_text="When it happened.")
    version = serializers.CharField(read_only=True, help_text="Version of the type.")
    duplicate = serializers.BooleanField(read_only=True, help_text="True: it was there already; nothing was stored.")
    warnings = BatchFaultSerializer(
        many=True,
        read_only=True,
        required=False,
        help_text="What is wrong with the data by a schema that only warns. Absent when nothing is.",
    )


class NewBatchSerializer(serializers.Serializer[Any]):
    """Events to publish together. At most 1000 events and 5 MiB."""

    events = NewEventSerializer(  # type: ignore[call-arg]  # with many=True it has a max_length
        many=True, max_length=conf.MAX_BATCH_EVENTS, help_text="Each is accepted or refused by itself."
    )


class RefusedEventSerializer(serializers.Serializer[Any]):
    """An event of a batch that was not accepted."""

    index = serializers.IntegerField(read_only=True, min_value=0, help_text="Place of the event in the batch, from 0.")
    errors = BatchFaultSerializer(many=True, read_only=True, help_text="What is wrong with it.")  # type: ignore[assignment]


class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    accepted = serializers.IntegerField(read_only=True, min_value=0, help_text="New events, durable now.")
    duplicates = serializers.IntegerField(read_only=True, min_value=0, help_text="Events that were there already.")
    events = PublishedSerializer(
        many=True,
        read_only=True,
        help_text="The accepted events and the duplicates, in the order of the batch.",
    )
    errors = RefusedEventSerializer(  # type: ignore[assignment]
        many=True, read_only=True, help_text="The refused events; empty when all were accepted."
    )
