"""Operations: bulk work in steps."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import Operation
from webhooks.services.operations import files
from webhooks.services.operations.catalogue import WORKS

_MOMENT = {"type": "string", "format": "date-time"}
_OBJECT = {"type": "object", "additionalProperties": True}
_COUNT = {"type": "integer", "minimum": 0}
_TYPES = [str(Operation.Type(name).value) for name in WORKS]
_PROGRESS = {
    "type": "object",
    "required": ["done", "total"],
    "properties": {
        "done": {**_COUNT, "description": "Rows or lines that were looked at, whether anything was done with them."},
        "total": {**nullable(_COUNT), "description": "Of how many; null: not known."},
    },
    "example": {"done": 1500, "total": 20_000},
}


def _moment(name: str) -> Any:
    def take(row: Operation) -> str | None:
        value = getattr(row, name)
        return timestamp(value) if value else None

    return take


class OperationSerializer(Shown[Operation]):
    """A replay, an export or the like, and how far it is."""

    id = PublicId(ids.OPERATION, help_text="Id of the operation.")
    type = Computed(
        lambda row: row.type, {"type": "string", "enum": _TYPES}, read_only=True, help_text="What kind of work it is."
    )
    status = Computed(
        lambda row: row.status,
        {"type": "string", "enum": Operation.Status.values},
        read_only=True,
        help_text="`done`, `failed` and `cancelled` are ends; nothing changes after one.",
    )
    params = Computed(
        lambda row: row.params, _OBJECT, read_only=True, help_text="What was asked for, with defaults filled in."
    )
    progress = Computed(
        lambda row: {"done": row.done, "total": row.total}, _PROGRESS, read_only=True, help_text="How far it is."
    )
    result = Computed(
        lambda row: row.tally if row.status != Operation.Status.PENDING else None,
        nullable(_OBJECT),
        read_only=True,
        help_text="What was done so far, in numbers; what they mean depends on the type. Null before it begins.",
    )
    result_url = Computed(
        lambda row: files.result_url(row) or None,
        nullable({"type": "string", "format": "uri"}),
        read_only=True,
        help_text="Download of a finished export, without an API key. Each answer has a fresh link; each ends.",
    )
    error = Computed(
        lambda row: row.error or None, nullable({"type": "string"}), read_only=True, help_text="Why it failed."
    )
    callback_url = Computed(
        lambda row: row.callback.url if row.callback else None,
        nullable({"type": "string", "format": "uri"}),
        read_only=True,
        help_text="Where its end is told.",
    )
    created_at = Moment(read_only=True, help_text="When it was ordered.")
    started_at = Computed(
        _moment("started_at"), nullable(_MOMENT), read_only=True, help_text="When its first step began."
    )
    finished_at = Computed(_moment("finished_at"), nullable(_MOMENT), read_only=True, help_text="When it ended.")


class _Callback(serializers.Serializer[Any]):
    callback_url = serializers.URLField(
        required=False,
        allow_null=True,
        max_length=2048,
        help_text="Where its end is told, by a signed `POST` with the retries of any delivery.",
    )
    callback_secret = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=128,
        help_text="`whsec_` and the base64 of 24 to 64 bytes. Absent: one is made and shown in this answer only.",
    )


class NewOperationSerializer(_Callback):
    """An operation to order."""

    type = serializers.ChoiceField(_TYPES, help_text="What is to be done.")
    params = Computed(
        lambda row: None,
        nullable(_OBJECT),
        required=False,
        help_text="Depends on the type, see the manual; null: none. At most 256 KiB.",
    )


class OrderedSerializer(serializers.Serializer[Any]):
    """An operation that was ordered; it is done by and by."""

    sometimes = ("callback_secret",)

    operation_id = serializers.CharField(read_only=True, help_text="Id of the operation.")
    status = serializers.ChoiceField([Operation.Status.PENDING.value], read_only=True, help_text="It has not begun.")
    callback_secret = serializers.CharField(
        read_only=True,
        required=False,
        help_text="The secret of the callback, when one was made. Shown here only.",
    )


_IDS = {"type": "array", "items": {"type": "string", "maxLength": 40}, "minItems": 1, "maxItems": 1000}
_PATTERNS = {"type": "array", "items": {"type": "string", "maxLength": 128}, "minItems": 1, "maxItems": 100}


class ReplayWebhookSerializer(_Callback):
    """What of a webhook's past is delivered to it again."""

    since = serializers.DateTimeField(required=False, allow_null=True, help_text="Made at or after this time.")
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="Made before this time.")
    status = serializers.ListField(
        child=serializers.ChoiceField(["dead", "succeeded", "held", "unmatched", "cancelled"]),
        required=False,
        min_length=1,
        max_length=10,
        default=["dead"],
        help_text="Which deliveries. `unmatched`: events that the webhook wants today and never had.",
    )
    event_types = Computed(
        lambda row: None, nullable(_PATTERNS), required=False, help_text="Only of these types or patterns."
    )
    rate = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1000, help_text="Deliveries a second at most."
    )
    dry_run = serializers.BooleanField(required=False, default=False, help_text="True: only count.")


class ReplayEventSerializer(serializers.Serializer[Any]):
    """Who gets an event again."""

    webhooks = Computed(
        lambda row: None,
        nullable(_IDS),
        required=False,
        help_text="Ids of webhooks, whether they subscribe to it or not. Null: all that have had a delivery of it.",
    )


class ReplayedEventSerializer(serializers.Serializer[Any]):
    """The deliveries that were made."""

    deliveries = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Ids of the new deliveries."
    )
