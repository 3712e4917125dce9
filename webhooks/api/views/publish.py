"""Publishing: from bytes to durable rows with nothing in between that is not needed.

The answer is written when the transaction has committed. The doorbell is a hint and rings after the answer, so a
broker that hangs keeps nobody waiting who has published.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies
from webhooks.api.authentication import caller
from webhooks.api.rendering import reply
from webhooks.conf import conf
from webhooks.core import envelope
from webhooks.errors import Conflict, FieldError, InvalidInput
from webhooks.services import ingest, ingest_json

_TAKEN = "another event with other content has this id"


class _Ringing(HttpResponse):
    """The answer to new events: the server closes it when it is sent, and then the fan-out is rung."""

    def close(self) -> None:
        super().close()  # gives the database connection back first
        doorbells.ring_fan_out()


def publish_one(request: Request) -> HttpResponse:
    """202 for a new event, 200 for one that was there with the same content; else a problem."""
    tenant_id = caller(request).tenant()
    raw = bodies.read(request._request, conf.MAX_EVENT_BYTES)
    draft = ingest_json.parse_event(raw, correlation_id=_request_id(request))
    try:
        (published,) = ingest.publish(tenant_id, [draft])
    except InvalidInput as error:
        raise InvalidInput(
            [FieldError(fault.pointer.removeprefix("/0"), fault.detail) for fault in error.errors]
        ) from None
    if published.conflict:
        raise Conflict(f"{published.public_id}: {_TAKEN}.")
    if published.duplicate:
        return reply(_shown(published))
    return reply(_shown(published), 202, {"Location": f"/api/events/{published.public_id}"}, _Ringing)


def publish_batch(request: Request) -> HttpResponse:
    """202 when all events were accepted, 207 when some were, 422 when none was."""
    tenant_id = caller(request).tenant()
    raw = bodies.read(request._request, conf.MAX_BATCH_BYTES)
    items = ingest_json.parse_batch(raw, correlation_id=_request_id(request))
    drafts = {n: item for n, item in enumerate(items) if isinstance(item, ingest.Draft)}
    refused = {n: item for n, item in enumerate(items) if isinstance(item, list)}
    published = _publish(tenant_id, drafts, refused)
    if not published:
        raise InvalidInput(
            [FieldError(f"/events/{n}{fault.pointer}", fault.detail) for n in sorted(refused) for fault in refused[n]]
        )
    duplicates = sum(one.duplicate for one in published.values())
    body = {
        "accepted": len(published) - duplicates,
        "duplicates": duplicates,
        "events": [_shown(published[n]) for n in sorted(published)],
        "errors": [{"index": n, "errors": [fault.as_dict() for fault in refused[n]]} for n in sorted(refused)],
    }
    kind = _Ringing if duplicates < len(published) else HttpResponse
    return reply(body, 207 if refused else 202, kind=kind)


def _publish(
    tenant_id: UUID, drafts: dict[int, ingest.Draft], refused: dict[int, list[FieldError]]
) -> dict[int, ingest.Published]:
    """Store the drafts; those that cannot be are added to ``refused``."""
    try:
        made = dict(zip(drafts, ingest.publish(tenant_id, list(drafts.values())), strict=True)) if drafts else {}
    except InvalidInput as error:
        # Unregistered types: the pointers begin with the place in the list, and nothing was stored.
        places = list(drafts)
        for fault in error.errors:
            place, _, rest = fault.pointer.removeprefix("/").partition("/")
            refused.setdefault(places[int(place)], []).append(FieldError(f"/{rest}", fault.detail))
        return _publish(tenant_id, {n: draft for n, draft in drafts.items() if n not in refused}, refused)
    for n in [n for n, one in made.items() if one.conflict]:
        refused[n] = [FieldError("/id", _TAKEN)]
        del made[n]
    return made


def _shown(published: ingest.Published) -> dict[str, Any]:
    warnings = [fault.as_dict() for fault in published.warnings]
    return {
        "id": published.public_id,
        "type": published.type,
        "created_at": envelope.timestamp(published.created_at),
        "version": published.version,
        "duplicate": published.duplicate,
        **({"warnings": warnings} if warnings else {}),
    }


def _request_id(request: Request) -> str:
    return str(getattr(request._request, "request_id", ""))
