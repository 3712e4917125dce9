"""``stripe``: ``t=<unix>,v1=<hex>``, the HMAC-SHA256 of ``{t}.{body}``.

As Stripe signs its webhooks: the key is the whole secret string, ``whsec_`` included, as UTF-8. During a rotation
there is one ``v1`` for each secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from webhooks.core.signatures.keys import SharedSecret
from webhooks.core.signatures.message import (
    TOLERANCE,
    InvalidSignature,
    Outgoing,
    Received,
    Scheme,
    require_keys,
    require_match,
    require_time,
)

HEADER = "Stripe-Signature"


def sign(keys: Iterable[bytes], timestamp: int, body: bytes) -> str:
    """The ``Stripe-Signature`` header. No blanks: Stripe's own verifiers trim none."""
    content = b"%d.%b" % (timestamp, body)
    return ",".join([f"t={timestamp}", *[f"v1={hmac.digest(key, content, 'sha256').hex()}" for key in keys]])


def verify(keys: Sequence[bytes], received: Received, now: float, tolerance: float = TOLERANCE) -> None:
    """Raise :class:`InvalidSignature` unless a ``v1`` was made with one of ``keys`` (whole secret strings).

    Other than Stripe's verifiers it refuses times ahead of ``now`` as well. Other schemes (``v0``) are passed over.
    """
    require_keys(keys)
    parts = [part.partition("=") for part in received.one(HEADER.lower()).split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1:
        raise InvalidSignature("There is no time in the signature, or more than one.")
    require_time(times[0], now, tolerance)
    content = b"%b.%b" % (times[0].encode(), received.body)
    given = [value.encode() for name, _, value in parts if name == "v1"]
    require_match([hmac.digest(key, content, "sha256").hex().encode() for key in keys], given)


def _sign(secrets: Sequence[SharedSecret], request: Outgoing) -> dict[str, str]:
    return {HEADER: sign([secret.text for secret in secrets], request.timestamp, request.body)}


SCHEME = Scheme("stripe", (HEADER,), "as Stripe signs (`Stripe-Signature`)", _sign)
