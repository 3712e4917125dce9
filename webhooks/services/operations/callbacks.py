"""How the end of an operation is told: an operational event, and a delivery of it to the callback URL.

The event is an ordinary one: it reaches webhooks that ask for it by name (``operation.done`` and so on), and its
delivery to the callback URL is signed, retried, logged and given up like any other.
"""

from __future__ import annotations

import json
from typing import Any

from webhooks.models import Event, Operation, Trigger
from webhooks.services import deliveries
from webhooks.services.bell import Bell
from webhooks.services.ingest import Draft, publish
from webhooks.services.operations import files

EVENT_PREFIX = "operation."


def announce(operation: Operation) -> list[Bell]:
    """Publish ``operation.<status>`` in the caller's transaction; bells of the callback's endpoint."""
    body = json.dumps(outcome(operation), separators=(",", ":"), ensure_ascii=False).encode()
    draft = Draft(type=EVENT_PREFIX + operation.status, data=body, origin=Event.Origin.OPERATIONAL)
    (event,) = publish(operation.tenant_id, [draft])
    if operation.callback_id is None:
        return []
    _, bells = deliveries.create([(event.id, operation.callback_id)], Trigger.CALLBACK)
    return bells


def outcome(operation: Operation) -> dict[str, Any]:
    """``{"operation_id", "status", "result", "result_url" | "error"}`` of a finished operation."""
    told: dict[str, Any] = {"operation_id": operation.public_id, "status": str(operation.status)}
    if operation.status == Operation.Status.FAILED:
        return told | {"error": operation.error}
    told["result"] = operation.tally
    if link := files.result_url(operation):
        told["result_url"] = link
    return told
