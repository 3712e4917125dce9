"""Signatures over the bytes that are sent.

``standard``: Standard Webhooks 1.0 ``v1`` — base64 HMAC-SHA256 of ``{id}.{timestamp}.{body}``, key = the bytes
behind ``whsec_``. ``hex``: lower-case hex HMAC-SHA256 of the body, key = the whole secret string as UTF-8.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable, Sequence

SCHEMES = ("standard", "hex")
PREFIX = "whsec_"
SECRET_BYTES = 32  # 256 bits, the size of the hash; the specification asks for 24 to 64


def generate_secret() -> str:
    """A fresh secret: ``whsec_`` and the standard base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The HMAC key of a ``whsec_`` secret. Raises ValueError for anything that is not one."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        raise ValueError("a signing secret is whsec_ and standard base64") from error
    if not secret.startswith(PREFIX) or not key:
        raise ValueError("a signing secret is whsec_ and standard base64")
    return key


def sign_standard(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one ``v1,<base64>`` per key, joined by single spaces."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return " ".join(
        "v1," + binascii.b2a_base64(hmac.digest(key, content, "sha256"), newline=False).decode() for key in keys
    )


def sign_hex(secret: str, body: bytes) -> str:
    """The ``X-Webhook-Signature`` header."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def headers(
    schemes: Sequence[str], active: Sequence[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """All signature headers of one request. ``active`` holds the valid secrets, newest first.

    ``hex`` has room for one signature, so during a rotation it uses the newest secret.
    """
    made = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if "standard" in schemes:
        made["webhook-signature"] = sign_standard(map(key_of, active), message_id, timestamp, body)
    if "hex" in schemes and active:
        made["X-Webhook-Signature"] = sign_hex(active[0], body)
    return made
