"""The rows of handshakes: begun, dropped, asked for. Every function runs in the caller's transaction, after it has
locked the endpoint."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.db.models.functions import Now

from webhooks.models import Consent, Endpoint

# Why an endpoint is paused that only waits for its receiver. Whoever pauses it for another reason changes the text, so
# consent does not undo what a person did.
AWAITED = "The receiver has not consented yet (CloudEvents handshake)."


def awaits(endpoint: Endpoint) -> bool:
    """Whether consent is all that keeps the endpoint from being active."""
    return endpoint.state == Endpoint.State.PAUSED and endpoint.disabled_reason == AWAITED


def begin(endpoint: Endpoint) -> None:
    """Ask anew: whatever was granted before is void, and so are the callbacks of before."""
    fresh = {
        "status": Consent.Status.PENDING, "nonce": secrets.token_hex(16), "granted_rate": None, "detail": "",
        "tries": 0, "due_at": Now(), "asked_at": None, "answered_at": None,
    }  # fmt: skip
    Consent.objects.update_or_create(endpoint=endpoint, defaults=fresh)


def drop(endpoint: Endpoint) -> None:
    """No consent is needed any more."""
    Consent.objects.filter(endpoint=endpoint).delete()


def missing(endpoint: Endpoint) -> bool:
    """Whether the endpoint needs consent and has none."""
    if not endpoint.validation:
        return False
    return not Consent.objects.filter(endpoint=endpoint, status=Consent.Status.GRANTED).exists()


def hurry(endpoint_id: UUID) -> None:
    """Have the receiver asked now, if it still has to be asked at all."""
    pending = Consent.objects.filter(endpoint_id=endpoint_id, status=Consent.Status.PENDING)
    pending.update(due_at=Now(), tries=0)
