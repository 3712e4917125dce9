"""Requests signed by Clarion's own code, for those who verify them."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from webhooks.core import signatures
from webhooks.core.signatures import KeyPair, Outgoing, SharedSecret, Signer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAIR = KeyPair.parse("sig_01", signatures.generate_private_key())
PUBLIC = signatures.public_text(PAIR.private)
JWKS = {"keys": [{"kty": "RSA", "kid": "other", "n": "AQAB"}, signatures.jwk(PAIR.id, PUBLIC)]}
URL = "https://receiver.example/hook?a=1"
BODY = (
    b'{"id":"evt_1","type":"order.created","created_at":"2025-09-10T15:30:45Z","version":"v1",'
    b'"data":{"amount":42.10,"name":"\\u00e9"},"metadata":{"tenant_id":"ten_1"}}'
)


@dataclass
class Request:
    """A signed request as its receiver sees it."""

    headers: dict[str, str]
    body: bytes = field(default=BODY)


def request(
    schemes: Collection[str] = tuple(signatures.SCHEMES),
    body: bytes = BODY,
    *,
    secrets: Collection[str] = (SECRET,),
    at: float | None = None,
    id: str = "evt_1",
) -> Request:
    """Signed by all ``secrets``, newest first, and by PAIR. ``at``: unix seconds; now when absent."""
    timestamp = int(time.time() if at is None else at)
    signer = Signer(schemes, [SharedSecret.parse(secret) for secret in secrets], [PAIR])
    made = signer.headers(Outgoing(id, timestamp, body, URL))
    fixed = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "X-Webhook-Event": "order.created",
    }
    return Request({**fixed, **made}, body)
