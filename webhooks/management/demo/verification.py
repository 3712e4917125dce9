"""Are the signatures of a request right? Asked of the official library, not of Clarion's own code."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def fault_of(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> str:
    """Empty when ``webhook-signature`` (Standard Webhooks v1) and ``X-Webhook-Signature`` are both right.

    ``headers`` have lower-case names. Otherwise says in a few words what is wrong. During a rotation several
    ``secrets`` are valid and any of them will do.
    """
    faults = [_standard_fault(secret, headers, body) for secret in secrets]
    if not faults:
        return "no secret is known for this path"
    if all(faults):
        return f"webhook-signature: {faults[0]}"
    signature = headers.get("x-webhook-signature")
    if signature is None:
        return "X-Webhook-Signature is missing"
    if not any(hmac.compare_digest(_hex(secret, body), signature.encode()) for secret in secrets):
        return "X-Webhook-Signature does not match"
    return ""


def _standard_fault(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # the library lets ValueError out for garbage
        return str(error) or type(error).__name__
    return ""


def _hex(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
