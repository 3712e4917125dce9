"""``github``: ``sha256=`` and the hex HMAC-SHA256 of the body; the key is the whole secret string as UTF-8.

As GitHub signs its webhooks. It signs no time and has room for one signature.
"""

from __future__ import annotations

from collections.abc import Sequence

from webhooks.core.signatures import plain_hex
from webhooks.core.signatures.keys import SharedSecret
from webhooks.core.signatures.message import Outgoing, Received, Scheme, require_keys, require_match

HEADER = "X-Hub-Signature-256"


def sign(key: bytes, body: bytes) -> str:
    """The ``X-Hub-Signature-256`` header."""
    return "sha256=" + plain_hex.sign(key, body)


def verify(keys: Sequence[bytes], received: Received) -> None:
    """Raise :class:`InvalidSignature` unless the header was made with one of ``keys`` (whole secret strings).

    The older ``X-Hub-Signature`` (SHA-1) is never looked at.
    """
    require_keys(keys)
    given = received.one(HEADER.lower()).encode()
    require_match([sign(key, received.body).encode() for key in keys], [given])


def _sign(secrets: Sequence[SharedSecret], request: Outgoing) -> dict[str, str]:
    return {HEADER: sign(secrets[0].text, request.body)}


SCHEME = Scheme("github", (HEADER,), "as GitHub signs (`X-Hub-Signature-256`)", _sign)
