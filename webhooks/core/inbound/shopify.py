"""Shopify: ``X-Shopify-Hmac-Sha256``, the base64 HMAC-SHA256 of the raw body; the key is the app's client secret.

The newer events have the same headers without ``X-``. Shopify signs no time. One action in a shop can make events of
several topics that share an event id, so the topic is part of what tells a repeat.
"""

from __future__ import annotations

import binascii
import hmac

from webhooks.core.inbound.message import Described, Recipe, Request, moment
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures.message import require_keys, require_match

HEADER = "X-Shopify-Hmac-Sha256"


def _mac(key: bytes, body: bytes) -> bytes:
    return binascii.b2a_base64(hmac.digest(key, body, "sha256"), newline=False)


def _prefix(request: Request) -> str:
    """Attack: the signature in one family of headers, topic and id in the other. All are read from one of them."""
    old = any(name.lower() == HEADER.lower() for name, _ in request.headers)
    new = any(name.lower() == "shopify-hmac-sha256" for name, _ in request.headers)
    return "shopify-" if new and not old else "x-shopify-"


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    require_keys(recipe.keys)
    given = request.one(f"{_prefix(request)}hmac-sha256").encode()
    require_match([_mac(key, request.body) for key in recipe.keys], [given])


def _read(recipe: Recipe, request: Request) -> Described:
    prefix = _prefix(request)
    topic = request.first(f"{prefix}topic")
    key = request.first(f"{prefix}event-id", f"{prefix}webhook-id")
    return Described(
        body=request.body,
        content_type=request.content_type,
        type=topic,
        key=f"{key}:{topic}" if key else "",
        at=moment(request.first(f"{prefix}triggered-at")),
        data=request.body,
    )


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    return {"X-Shopify-Topic": "orders/create", HEADER: _mac(recipe.keys[0], body).decode()}


PROVIDER = Provider(
    "shopify", "Shopify: `X-Shopify-Hmac-Sha256`", _verify, _read, event_type="shopify.{type}", sign=_sign
)
