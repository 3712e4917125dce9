"""Statistics of a webhook."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.services import statistics
from webhooks.services.statistics import Statistics, rate

_MS: dict[str, Any] = {"type": ["number", "null"], "minimum": 0}
_RATE: dict[str, Any] = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 0, "description": description}


def _object(example: dict[str, Any], **properties: dict[str, Any]) -> dict[str, Any]:
    shown = {name: {**schema, "examples": [example[name]]} for name, schema in properties.items()}
    return {"type": "object", "required": list(properties), "properties": shown, "examples": [example]}


_OUTCOMES = {
    "succeeded": _number("Answered by 2xx."),
    "failed": _number("Refused, failed or not answered in time."),
    "lost": _number("The worker died; the request may have arrived."),
    "late": _number("The result came too late to count."),
}
_DELIVERIES = _object(
    {"succeeded": 9810, "dead": 12, "cancelled": 0, "pending": 3, "sending": 1, "held": 0, "success_rate": 0.9988},
    succeeded=_number("Succeeded in the window."),
    dead=_number("Given up in the window."),
    cancelled=_number("Cancelled in the window."),
    pending=_number("Waiting now, since whenever."),
    sending=_number("On their way now."),
    held=_number("Held now: the webhook is paused or disabled."),
    success_rate={**_RATE, "description": "succeeded / (succeeded + dead); null without any."},
)
_ATTEMPTS = _object(
    {"total": 9930, "succeeded": 9810, "failed": 120, "lost": 0, "late": 0, "success_rate": 0.9879},
    total=_number("All of them."),
    **_OUTCOMES,
    success_rate={**_RATE, "description": "succeeded / (succeeded + failed + lost); null without any."},
)
_LATENCY = _object(
    {"p50": 48.2, "p95": 130.5, "p99": 410.0},
    **{
        f"p{share}": {**_MS, "description": f"{share} % took no longer; null without a request."}
        for share in (50, 95, 99)
    },
)
_RESPONSES = _object(
    {"1xx": 0, "2xx": 9810, "3xx": 0, "4xx": 15, "5xx": 85, "none": 20},
    **{name: _number(f"Answers with a status of {name}.") for name in ("1xx", "2xx", "3xx", "4xx", "5xx")},
    none=_number("No answer."),
)
_SERIES = {
    "type": "array",
    "items": _object(
        {"hour": "2026-11-27T08:00:00Z", "attempts": 412, "succeeded": 409, "failed": 3, "lost": 0, "late": 0},
        hour={"type": "string", "format": "date-time", "description": "When the hour begins."},
        attempts=_number("All attempts of the hour."),
        **_OUTCOMES,
    ),
}


def _deliveries(row: Statistics) -> dict[str, Any]:
    found = row.deliveries
    return {**found, "success_rate": rate(found["succeeded"], found["dead"])}


def _attempts(row: Statistics) -> dict[str, Any]:
    found = row.attempts
    share = rate(found["succeeded"], found["failed"], found["lost"])
    return {"total": sum(found.values()), **found, "success_rate": share}


class StatisticsSerializer(Shown[Statistics]):
    """How a webhook has been doing."""

    webhook_id = PublicId(ids.WEBHOOK, source="endpoint_id", help_text="Id of the webhook.")
    window = serializers.CharField(read_only=True, help_text="The window that was asked for.")
    since = Moment(read_only=True, help_text="Where the window begins: with a whole hour, so it may be an hour longer.")
    until = Moment(read_only=True, help_text="Where it ends: now.")
    complete = serializers.BooleanField(
        read_only=True,
        help_text="False: the counting of attempts is behind, and some of the window are missing. Ask again later.",
    )
    deliveries = Computed(
        _deliveries,
        _DELIVERIES,
        read_only=True,
        help_text=f"Deliveries by state. Counting stops at {statistics.COUNT_LIMIT} for all states but `succeeded`.",
    )
    attempts = Computed(_attempts, _ATTEMPTS, read_only=True, help_text="Requests by outcome, tests included.")
    latency_ms = Computed(
        lambda row: row.latency_ms,
        _LATENCY,
        read_only=True,
        help_text="Milliseconds for the whole request; percentiles are exact to a few percent.",
    )
    responses = Computed(
        lambda row: row.responses, _RESPONSES, read_only=True, help_text="Attempts by the class of their answer."
    )
    errors = Computed(  # type: ignore[assignment]  # a field called errors
        lambda row: row.errors,
        {"type": "object", "additionalProperties": {"type": "integer"}, "examples": [{"timeout": 12}]},
        read_only=True,
        help_text="Attempts by error class, as `error` of an attempt; none that did not happen.",
    )
    series = Computed(
        lambda row: [{**hour, "hour": timestamp(hour["hour"])} for hour in row.series],
        _SERIES,
        read_only=True,
        help_text="Attempts of each hour of the window, oldest first; the last hour is not over.",
    )
