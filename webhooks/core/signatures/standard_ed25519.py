"""``standard-ed25519``: Standard Webhooks 1.0 ``v1a``.

Base64 of the ed25519 signature (RFC 8032) of ``{id}.{timestamp}.{body}``. It stands in the same header as ``v1``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence

from cryptography import exceptions
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from webhooks.core.signatures.keys import KeyPair
from webhooks.core.signatures.message import (
    MAX_CANDIDATES,
    TOLERANCE,
    InvalidSignature,
    Outgoing,
    Received,
    Scheme,
    require_keys,
    standard_content,
)
from webhooks.core.signatures.standard import HEADER


def sign(keys: Iterable[Ed25519PrivateKey], message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one ``v1a,<base64>`` per key, joined by single spaces."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join(["v1a," + binascii.b2a_base64(key.sign(content), newline=False).decode() for key in keys])


def verify(keys: Sequence[Ed25519PublicKey], received: Received, now: float, tolerance: float = TOLERANCE) -> None:
    """Raise :class:`InvalidSignature` unless a ``v1a`` token was made by one of ``keys`` within ``tolerance`` seconds.

    ``keys`` are those the receiver trusts; none is ever taken from the request.
    """
    require_keys(keys)
    content, tokens = standard_content(received, now, tolerance)
    given = [token[4:] for token in tokens if token.startswith("v1a,")]
    if len(given) > MAX_CANDIDATES:
        raise InvalidSignature(f"There are more than {MAX_CANDIDATES} signatures.")
    for raw in map(signature_bytes, given):
        if raw is not None and any(fits(key, raw, content) for key in keys):
            return
    raise InvalidSignature


def signature_bytes(text: str) -> bytes | None:
    """The 64 bytes of a signature in base64; None for anything else.

    Attack: base64 with other filling bits is another text for the same bytes, which passes for a new request
    where signatures are remembered. Only the canonical text counts.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if len(raw) == 64 and base64.b64encode(raw).decode() == text else None


def fits(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether ``signature`` is that of ``key`` over ``content``."""
    try:
        key.verify(signature, content)
    except exceptions.InvalidSignature:
        return False
    return True


def _sign(pairs: Sequence[KeyPair], request: Outgoing) -> dict[str, str]:
    return {HEADER: sign([pair.private for pair in pairs], request.id, request.timestamp, request.body)}


SCHEME = Scheme(
    "standard-ed25519",
    (HEADER,),
    "Standard Webhooks v1a, ed25519 (`webhook-signature`), to be checked with the public key in `signing_keys`",
    _sign,
)
