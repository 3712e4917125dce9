"""Standard Webhooks 1.0: ``v1`` with ``whsec_`` secrets, ``v1a`` with ``whpk_`` public keys, both in one header.

Svix sends the same headers under names that begin with ``svix-``. All three are taken from one family.
"""

from __future__ import annotations

import secrets

from webhooks.core.inbound.message import Described, Recipe, Request, members, moment, text
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures import InvalidSignature, key_of, public_key_of, standard, standard_ed25519
from webhooks.core.signatures.keys import PUBLIC_PREFIX
from webhooks.core.signatures.message import Received, require_keys

_NAMES = ("id", "timestamp", "signature")


def _family(request: Request) -> str:
    own = {f"webhook-{name}" for name in _NAMES}
    return "webhook-" if any(name.lower() in own for name, _ in request.headers) else "svix-"


def _renamed(request: Request) -> Received:
    """The request as Standard Webhooks names its headers."""
    if _family(request) == "webhook-":
        return request
    headers = [("webhook-" + name.lower().removeprefix("svix-"), value) for name, value in request.headers]
    return Received(headers, request.body)


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    require_keys(recipe.secrets)
    received = _renamed(request)
    shared = [key_of(secret) for secret in recipe.secrets if not secret.startswith(PUBLIC_PREFIX)]
    public = [public_key_of(secret) for secret in recipe.secrets if secret.startswith(PUBLIC_PREFIX)]
    if shared:
        try:
            return standard.verify(shared, received, now, recipe.tolerance)
        except InvalidSignature:
            if not public:
                raise
    return standard_ed25519.verify(public, received, now, recipe.tolerance)


def _read(recipe: Recipe, request: Request) -> Described:
    found = members(request.body)
    return Described(
        body=request.body,
        content_type=request.content_type,
        type=text(found, "type", "event_type"),
        key=request.first(f"{_family(request)}id"),
        at=moment(text(found, "timestamp", "created_at")),
        data=request.body,
    )


def _check_secret(secret: str) -> None:
    if secret.startswith(PUBLIC_PREFIX):
        public_key_of(secret)
    elif len(key_of(secret)) < 16:
        raise ValueError("has fewer than 16 bytes behind whsec_")


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    message_id = f"msg_{secrets.token_hex(12)}"
    keys = [key_of(secret) for secret in recipe.secrets if not secret.startswith(PUBLIC_PREFIX)][:1]
    require_keys(keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": standard.sign(keys, message_id, now, body),
    }


PROVIDER = Provider(
    "standard",
    "Standard Webhooks and Svix: `webhook-signature`, `whsec_` secrets and `whpk_` public keys",
    _verify,
    _read,
    secrets="generated",
    check_secret=_check_secret,
    sign=_sign,
    signs_time=True,
    cloudevents=True,
)
