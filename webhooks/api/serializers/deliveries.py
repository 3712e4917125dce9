"""Deliveries, their attempts, and dead letters.

Context of an answer: ``events`` (id -> Event without data), see :func:`webhooks.api.views.base.events_of`.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import Attempt, DeadLetter, Delivery, Trigger

_TEXT = {"type": "string"}
_STATUS = {"type": "integer", "minimum": 100, "maximum": 599}
_MOMENT = {"type": "string", "format": "date-time"}


def _moment(name: str) -> Any:
    def take(row: Any) -> str | None:
        value = getattr(row, name)
        return timestamp(value) if value else None

    return take


class DeliverySerializer(Shown[Delivery]):
    """One event on its way to one webhook."""

    id = PublicId(ids.DELIVERY, help_text="Id of the delivery; X-Webhook-Delivery of its requests.")
    event_id = serializers.SerializerMethodField(help_text="Id of the event, as its publisher knows it.")
    event_type = serializers.SerializerMethodField(help_text="Type of the event; null when the event has expired.")
    webhook_id = PublicId(ids.WEBHOOK, source="endpoint_id", help_text="Id of the webhook.")
    status = Computed(
        lambda row: row.state,
        {"type": "string", "enum": Delivery.State.values},
        read_only=True,
        help_text="`held`: its webhook is paused or disabled; `dead`: given up, see dead letters.",
    )
    trigger = Computed(
        lambda row: row.trigger,
        {"type": "string", "enum": Trigger.values},
        read_only=True,
        help_text="Why it was made.",
    )
    attempt_count = serializers.IntegerField(read_only=True, min_value=0, help_text="Requests made so far.")
    next_attempt_at = Computed(
        _moment("next_attempt_at"),
        nullable(_MOMENT),
        read_only=True,
        help_text="When it is tried next, if it is.",
    )
    response_status = Computed(
        lambda row: row.response_status,
        nullable(_STATUS),
        read_only=True,
        help_text="HTTP status of the last answer; null without one.",
    )
    reason = Computed(
        lambda row: row.reason or None,
        nullable(_TEXT),
        read_only=True,
        help_text="Why it is dead, held or cancelled.",
    )
    created_at = Moment(read_only=True, help_text="When it was made.")
    finished_at = Computed(
        _moment("finished_at"),
        nullable(_MOMENT),
        read_only=True,
        help_text="When it succeeded or was given up.",
    )

    def get_event_id(self, row: Delivery | DeadLetter) -> str:
        event = self.context["events"].get(row.event_id)
        return str(event.public_id) if event else ids.show(ids.EVENT, row.event_id)

    def get_event_type(self, row: Delivery) -> str | None:
        event = self.context["events"].get(row.event_id)
        return event.type if event else None


class AttemptSerializer(Shown[Attempt]):
    """One HTTP request of a delivery, as it was sent and answered."""

    id = PublicId(ids.ATTEMPT, help_text="Id of the attempt.")
    delivery_id = PublicId(ids.DELIVERY, help_text="Id of the delivery.")
    webhook_id = PublicId(ids.WEBHOOK, source="endpoint_id", help_text="Id of the webhook.")
    number = serializers.IntegerField(read_only=True, min_value=1, help_text="1 for the first attempt of the delivery.")
    trigger = Computed(
        lambda row: row.trigger,
        {"type": "string", "enum": Trigger.values},
        read_only=True,
        help_text="Why it was made.",
    )
    status = Computed(
        lambda row: row.outcome,
        {"type": "string", "enum": Attempt.Outcome.values},
        read_only=True,
        help_text="`lost`: the worker died, the request may have arrived; `late`: its result came too late to count.",
    )
    started_at = Moment(read_only=True, help_text="When the request was started.")
    request_url = serializers.CharField(read_only=True, help_text="Where it was sent.")
    request_headers = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="What was sent, secrets masked."
    )
    response_status = Computed(
        lambda row: row.response_status,
        nullable(_STATUS),
        read_only=True,
        help_text="HTTP status; null without an answer.",
    )
    response_headers = Computed(
        lambda row: row.response_headers,
        {"type": "array", "items": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}},
        read_only=True,
        help_text="Pairs of name and value.",
    )
    response_body = Computed(
        lambda row: bytes(row.response_body).decode(errors="replace"),
        _TEXT,
        read_only=True,
        help_text="The first 16 KiB, as text.",
    )
    error = Computed(
        lambda row: row.error or None,
        nullable(_TEXT),
        read_only=True,
        help_text="Class of the failure, if any.",
    )
    detail = Computed(
        lambda row: row.detail or None,
        nullable(_TEXT),
        read_only=True,
        help_text="The failure in one sentence.",
    )
    timings = Computed(
        lambda row: row.timings,
        {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        read_only=True,
        help_text="Milliseconds: dns, connect, tls, first_byte, total. Null: the phase did not take place.",
    )
    address = Computed(
        lambda row: row.address or None,
        nullable(_TEXT),
        read_only=True,
        help_text="The address that was connected to.",
    )
    worker = serializers.CharField(read_only=True, help_text="The worker that made it.")


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with its attempts, first one first."""

    attempts = serializers.SerializerMethodField(help_text="Its attempts, first one first, at most 100.")

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, row: Delivery) -> list[Any]:
        return list(AttemptSerializer(self.context["attempts"], many=True).data)


class DeadLetterSerializer(Shown[DeadLetter]):
    """A delivery that was given up, kept until somebody replays or discards it."""

    id = PublicId(ids.DEAD_LETTER, help_text="Id of the dead letter.")
    event_id = serializers.SerializerMethodField(help_text="Id of the event, as its publisher knows it.")
    event_type = serializers.CharField(read_only=True, help_text="Type of the event.")
    webhook_id = PublicId(ids.WEBHOOK, source="endpoint_id", help_text="Id of the webhook.")
    delivery_id = PublicId(ids.DELIVERY, help_text="Id of the delivery that died.")
    status = Computed(
        lambda row: row.resolution,
        {"type": "string", "enum": DeadLetter.Resolution.values},
        read_only=True,
        help_text="What was done about it.",
    )
    reason = serializers.CharField(read_only=True, help_text="Why it was given up.")
    response_status = Computed(
        lambda row: row.response_status,
        nullable(_STATUS),
        read_only=True,
        help_text="HTTP status of the last answer; null without one.",
    )
    attempt_count = serializers.IntegerField(read_only=True, min_value=0, help_text="Requests that were made.")
    created_at = Moment(read_only=True, help_text="When it was given up.")
    resolved_at = Computed(
        _moment("resolved_at"),
        nullable(_MOMENT),
        read_only=True,
        help_text="When it was replayed or discarded.",
    )

    get_event_id = DeliverySerializer.get_event_id
