"""Plain hex: ``X-Webhook-Signature``, the lower-case hex HMAC-SHA256 of the raw body."""

from __future__ import annotations

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures import plain_hex


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    plain_hex.verify(recipe.keys, request)


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    return {plain_hex.HEADER: plain_hex.sign(recipe.keys[0], body)}


PROVIDER = Provider(
    "hex",
    "Hex HMAC-SHA256 of the body: `X-Webhook-Signature`",
    _verify,
    plain.read,
    secrets="generated",
    options=options.MAPPING,
    sign=_sign,
    cloudevents=True,
)
