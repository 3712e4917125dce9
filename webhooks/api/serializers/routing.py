"""What the routing of an event decided, webhook by webhook."""

from __future__ import annotations

from typing import Any

from webhooks.api.fields import Computed, PublicId, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import Delivery, Event, Trigger
from webhooks.services.routing import Reason, Routed

_TEXT = {"type": "string"}
_DETAIL = _TEXT | {"examples": ["The first condition of its filter that does not hold: $gte of data.amount."]}
_CONDITION = {
    "type": "object",
    "required": ["pointer", "path", "operator"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "JSON Pointer into the webhook, such as `/filter/data.amount/$gte`.",
        },
        "path": nullable(
            _TEXT | {"examples": ["data.amount"], "description": "Path into the event; null for `$or` and `$not`."}
        ),
        "operator": {
            "type": "string",
            "examples": ["$gte"],
            "description": "The operator that was expected to hold, such as `$gte`.",
        },
    },
    "examples": [{"pointer": "/filter/data.amount/$gte", "path": "data.amount", "operator": "$gte"}],
}


def _condition(row: Routed) -> dict[str, Any] | None:
    if row.condition is None:
        return None
    return {
        "pointer": f"/filter{row.condition.pointer}",
        "path": row.condition.path or None,
        "operator": row.condition.operator,
    }


class RoutedSerializer(Shown[Routed]):
    """One webhook's part in the routing of an event."""

    webhook_id = PublicId(ids.WEBHOOK, source="endpoint.id", help_text="Id of the webhook.")
    url = Computed(lambda row: row.endpoint.url, _TEXT, read_only=True, help_text="Its URL as it is now.")
    matched = Computed(
        lambda row: row.matched,
        nullable({"type": "boolean", "examples": [True]}),
        read_only=True,
        help_text="Whether the routing made a delivery for it; null while the event is not routed.",
    )
    reason = Computed(
        lambda row: row.reason,
        {"oneOf": [{"type": "string", "enum": [str(reason) for reason in Reason]}, {"type": "null"}]},
        read_only=True,
        help_text="What is in the way: `type`, `filter`, `channel` or `version` (it did not want the event), `paused` "
        "or `disabled` (its delivery is held), `deleted`, `created_later` (than the event), `test` (the event is a "
        "test of another webhook), `not_routed` (yet). Null: nothing.",
    )
    detail = Computed(
        lambda row: row.detail or None, nullable(_DETAIL), read_only=True, help_text="The reason in a sentence."
    )
    condition = Computed(
        _condition,
        nullable(_CONDITION),
        read_only=True,
        help_text="For `filter`: the first condition of the present filter that does not hold, without its value.",
    )
    delivery_id = Computed(
        lambda row: ids.show(ids.DELIVERY, row.delivery.id) if row.delivery else None,
        nullable(_TEXT),
        read_only=True,
        help_text="The delivery that the routing made, else the newest replay; null without any.",
    )
    delivery_status = Computed(
        lambda row: row.delivery.state if row.delivery else None,
        {"oneOf": [{"type": "string", "enum": Delivery.State.values}, {"type": "null"}]},
        read_only=True,
        help_text="State of that delivery.",
    )
    trigger = Computed(
        lambda row: row.delivery.trigger if row.delivery else None,
        {"oneOf": [{"type": "string", "enum": Trigger.values}, {"type": "null"}]},
        read_only=True,
        help_text="Why that delivery was made: `event` by the routing.",
    )


def about_event(event: Event) -> dict[str, Any]:
    """What stands beside the list: the event and how far its routing is."""
    return {
        "event_id": event.public_id,
        "event_type": event.type,
        "status": "routed" if event.fanned_out_at else "accepted",
        "routed_at": timestamp(event.fanned_out_at) if event.fanned_out_at else None,
        "matched": event.matched,
    }


ABOUT_EVENT: dict[str, Any] = {
    "event_id": {"type": "string", "description": "Id of the event, as its publisher knows it."},
    "event_type": {"type": "string", "description": "Type of the event."},
    "status": {
        "type": "string",
        "enum": ["accepted", "routed"],
        "description": "`accepted`: it is durable and not routed yet.",
    },
    "routed_at": nullable({"type": "string", "format": "date-time", "description": "When it was routed."}),
    "matched": {
        "type": "integer",
        "minimum": 0,
        "description": "Deliveries made when it was routed; 0: no webhook wanted it.",
    },
}
