"""Stripe: ``Stripe-Signature`` with a time; several ``v1`` while a secret is rolled."""

from __future__ import annotations

from webhooks.core.inbound import plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures import stripe


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    stripe.verify(recipe.keys, request, now, recipe.tolerance)


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    return {stripe.HEADER: stripe.sign(recipe.keys[:1], now, body)}


PROVIDER = Provider(
    "stripe",
    "Stripe: `Stripe-Signature`",
    _verify,
    plain.by_members(("type",), ("id",), ("created",)),
    event_type="stripe.{type}",
    sign=_sign,
    signs_time=True,
)
