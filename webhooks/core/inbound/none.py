"""No verification: whoever knows the URL can send. For providers that offer nothing, behind an allow-list."""

from __future__ import annotations

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Provider


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    return None


PROVIDER = Provider(
    "none",
    "Nothing is verified: whoever knows the URL can send",
    _verify,
    plain.read,
    secrets="none",
    options=options.MAPPING,
    sign=lambda recipe, body, now: {},
    cloudevents=True,
)
