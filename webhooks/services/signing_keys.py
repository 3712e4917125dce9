"""The ed25519 keys of endpoints: making them, and publishing their public halves as JWKS (RFC 7517, RFC 8037)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from webhooks.core import ids, signatures
from webhooks.models import Endpoint, SigningKey

MAX_PUBLISHED = 1000  # keys of one set: some 200 KB, which clients keep in memory


def ensure(endpoint: Endpoint) -> None:
    """Make a key when the endpoint's schemes need one and it has none. The caller holds the endpoint's row.

    A scheme that is taken away leaves the key: whoever pinned it still has the right one when it comes back.
    """
    if not signatures.ASYMMETRIC & set(endpoint.signature_schemes):
        return
    if not endpoint.signing_keys.filter(valid_until=None).exists():
        make(endpoint, timezone.now())


def make(endpoint: Endpoint, valid_from: datetime) -> SigningKey:
    """A fresh key of the endpoint."""
    private = signatures.generate_private_key()
    public = signatures.public_text(signatures.private_key_of(private))
    return SigningKey.objects.create(endpoint=endpoint, private_key=private, public_key=public, valid_from=valid_from)


def published(endpoint_id: UUID | None = None) -> dict[str, Any]:
    """The valid keys of one endpoint, or the newest MAX_PUBLISHED of all; ``truncated`` says that there are more.

    Those of deleted endpoints are not valid: nothing is sent by them.
    """
    keys = SigningKey.objects.in_force().filter(endpoint__deleted_at=None)
    if endpoint_id is not None:
        keys = keys.filter(endpoint_id=endpoint_id)
    rows = list(keys.order_by("-id").values_list("id", "public_key")[: MAX_PUBLISHED + 1])
    shown = [signatures.jwk(ids.show(ids.SIGNING_KEY, key), public) for key, public in rows[:MAX_PUBLISHED]]
    return {"keys": shown} if len(rows) <= MAX_PUBLISHED else {"keys": shown, "truncated": True}
