"""``standard``: Standard Webhooks 1.0 ``v1``.

Base64 of the HMAC-SHA256 of ``{id}.{timestamp}.{body}``; the key is the bytes behind ``whsec_``.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Iterable, Sequence

from webhooks.core.signatures.keys import SharedSecret
from webhooks.core.signatures.message import (
    TOLERANCE,
    Outgoing,
    Received,
    Scheme,
    require_keys,
    require_match,
    standard_content,
)

HEADER = "webhook-signature"


def sign(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one ``v1,<base64>`` per key, joined by single spaces."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join(["v1," + _mac(key, content).decode() for key in keys])


def verify(keys: Sequence[bytes], received: Received, now: float, tolerance: float = TOLERANCE) -> None:
    """Raise :class:`InvalidSignature` unless a ``v1`` token was made with one of ``keys`` within ``tolerance`` seconds.

    ``now``: unix seconds. Tokens of other versions are passed over, and so is what is no token.
    """
    require_keys(keys)
    content, tokens = standard_content(received, now, tolerance)
    given = [token[3:].encode() for token in tokens if token.startswith("v1,")]
    require_match([_mac(key, content) for key in keys], given)


def _mac(key: bytes, content: bytes) -> bytes:
    return binascii.b2a_base64(hmac.digest(key, content, "sha256"), newline=False)


def _sign(secrets: Sequence[SharedSecret], request: Outgoing) -> dict[str, str]:
    return {HEADER: sign([secret.key for secret in secrets], request.id, request.timestamp, request.body)}


SCHEME = Scheme("standard", (HEADER,), "Standard Webhooks v1, HMAC-SHA256 (`webhook-signature`)", _sign)
