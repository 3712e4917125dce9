"""``hex``: the lower-case hex HMAC-SHA256 of the body; the key is the whole secret string as UTF-8.

It signs no time, so a recorded request can be sent again: whoever relies on it alone has to remember ids.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from webhooks.core.signatures.keys import SharedSecret
from webhooks.core.signatures.message import Outgoing, Received, Scheme, require_keys, require_match

HEADER = "X-Webhook-Signature"


def sign(key: bytes, body: bytes) -> str:
    """The ``X-Webhook-Signature`` header, 64 characters."""
    return hmac.digest(key, body, "sha256").hex()


def verify(keys: Sequence[bytes], received: Received) -> None:
    """Raise :class:`InvalidSignature` unless the header was made with one of ``keys`` (whole secret strings)."""
    require_keys(keys)
    given = received.one(HEADER.lower()).encode()
    require_match([sign(key, received.body).encode() for key in keys], [given])


def _sign(secrets: Sequence[SharedSecret], request: Outgoing) -> dict[str, str]:
    return {HEADER: sign(secrets[0].text, request.body)}


SCHEME = Scheme("hex", (HEADER,), "hex HMAC-SHA256 of the body (`X-Webhook-Signature`)", _sign)
