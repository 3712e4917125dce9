"""Received messages and the runs of processors.

Context of an answer: ``events`` (id -> Event without data), see :func:`webhooks.api.views.base.events_of`; of one
message also ``runs``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.core.processors import MAX_NAME
from webhooks.models import ProcessorRun, ReceivedMessage

_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time"}


def _moment(name: str) -> Callable[[Any], str | None]:
    def take(row: Any) -> str | None:
        value = getattr(row, name)
        return timestamp(value) if value else None

    return take


def _or_null(name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(row, name) or None


class ProcessorRunSerializer(Shown[ProcessorRun]):
    """A message and a processor: what was tried, and what came of it."""

    id = PublicId(ids.PROCESSOR_RUN, help_text="Id of the run; the processor gets it on every try, as `run_id`.")
    processor = serializers.CharField(
        read_only=True,
        help_text="Name of the processor; `forward`: becoming an event, `forward_to`: going to the source's queue.",
    )
    status = Computed(
        lambda row: row.status,
        {"type": "string", "enum": ProcessorRun.Status.values},
        read_only=True,
        help_text="`pending`: waits for its first or next try; `dead`: given up, can be replayed.",
    )
    attempts = serializers.IntegerField(read_only=True, min_value=0, help_text="Tries since it was made or replayed.")
    replays = serializers.IntegerField(read_only=True, min_value=0, help_text="How often somebody had it run again.")
    next_attempt_at = Computed(
        lambda row: _moment("due_at")(row) if row.status == ProcessorRun.Status.PENDING else None,
        nullable(_MOMENT),
        read_only=True,
        help_text="When it is tried next, if it waits.",
    )
    result = Computed(
        lambda row: row.result, {}, read_only=True, help_text="What the processor returned, up to 16 KiB of JSON."
    )
    error = Computed(
        _or_null("error"), nullable(_TEXT), read_only=True, help_text="Why the last try failed, in one sentence."
    )
    traceback = Computed(
        _or_null("traceback"),
        nullable(_TEXT),
        read_only=True,
        help_text="Where it failed: places in the code, secrets masked.",
    )
    started_at = Computed(_moment("started_at"), nullable(_MOMENT), read_only=True, help_text="When it was last begun.")
    finished_at = Computed(_moment("finished_at"), nullable(_MOMENT), read_only=True, help_text="When that try ended.")
    duration_ms = Computed(
        lambda row: row.duration_ms,
        {"type": ["number", "null"], "minimum": 0},
        read_only=True,
        help_text="Milliseconds that the last try took.",
    )


class ReceivedSerializer(Shown[ReceivedMessage]):
    """A message that a source sent."""

    id = PublicId(ids.RECEIVED, help_text="Id of the received message, as its sender was answered.")
    source_id = PublicId(ids.SOURCE, help_text="Id of the source.")
    key = Computed(_or_null("key"), nullable(_TEXT), read_only=True, help_text="The provider's id of the message.")
    type = Computed(
        _or_null("type"), nullable(_TEXT), read_only=True, help_text="The provider's name of what happened."
    )
    event_type = Computed(
        _or_null("event_type"), nullable(_TEXT), read_only=True, help_text="Type of the event it becomes."
    )
    status = Computed(
        lambda row: row.status,
        {"type": "string", "enum": ReceivedMessage.Status.values},
        read_only=True,
        help_text="`received`: still to be processed; `processed`: handed on; `failed`: one of its runs was given up; "
        "`rejected`: fails the source's schema; `refused`: not let in, by address or signature.",
    )
    verification = serializers.CharField(read_only=True, help_text="How the check of its origin went, in a word.")
    reason = Computed(
        _or_null("reason"), nullable(_TEXT), read_only=True, help_text="Why it was refused or rejected, or failed."
    )
    event_id = serializers.SerializerMethodField(help_text="Id of the event it became; null: it became none.")
    content_type = Computed(
        _or_null("content_type"), nullable(_TEXT), read_only=True, help_text="Content-Type as it came."
    )
    remote_address = Computed(
        _or_null("remote_address"), nullable(_TEXT), read_only=True, help_text="The address it came from."
    )
    received_at = Moment(read_only=True, help_text="When it came.")
    processed_at = Computed(
        _moment("processed_at"), nullable(_MOMENT), read_only=True, help_text="When it was handed on."
    )

    @extend_schema_field(nullable(_TEXT))
    def get_event_id(self, row: ReceivedMessage) -> str | None:
        if row.event_id is None:
            return None
        event = self.context["events"].get(row.event_id)
        return str(event.public_id) if event else ids.show(ids.EVENT, row.event_id)


class ReceivedDetailSerializer(ReceivedSerializer):
    """A message that a source sent, with its content and what processors did with it."""

    headers = Computed(
        lambda row: row.headers,
        {"type": "array", "items": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}},
        read_only=True,
        help_text="Pairs of name and value as they came, secrets masked.",
    )
    body_encoding = Computed(
        lambda row: _body(row)[0],
        {"type": "string", "enum": ["utf-8", "base64"]},
        read_only=True,
        help_text="How `body` holds the bytes that came.",
    )
    body = Computed(
        lambda row: _body(row)[1], _TEXT, read_only=True, help_text="The bytes that came: as text, or in base64."
    )
    runs = serializers.SerializerMethodField(help_text="What processors did with it, first one first.")

    @extend_schema_field(ProcessorRunSerializer(many=True))
    def get_runs(self, row: ReceivedMessage) -> list[Any]:
        return list(ProcessorRunSerializer(self.context["runs"], many=True).data)


class ReplayReceivedSerializer(serializers.Serializer[Any]):
    """What to do again."""

    processor = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=MAX_NAME,
        help_text="Only this processor, by its name; all of them when absent or null. `forward`: become an event, "
        "where that failed; `forward_to`: go to the source's queue again.",
    )


def _body(row: ReceivedMessage) -> tuple[str, str]:
    raw = bytes(row.body)
    try:
        return "utf-8", raw.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(raw).decode()
