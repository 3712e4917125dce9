"""Receiving: how each provider signs and what its messages say. Pure; one small file for each provider.

``PROVIDERS`` is the one list of their names. Bytes are verified before anything of them is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from webhooks.core.inbound import (
    api_key,
    bearer,
    cloudevents,
    custom,
    eventbridge,
    github,
    mtls,
    none,
    plain_hex,
    shopify,
    slack,
    standard,
    stripe,
)
from webhooks.core.inbound.custom import check_key as check_custom_key
from webhooks.core.inbound.message import (
    Described,
    Keyring,
    Recipe,
    Request,
    content_key,
    event_type,
    storable_key,
)
from webhooks.core.inbound.provider import Option, Provider

PROVIDERS: dict[str, Provider] = {
    module.PROVIDER.name: module.PROVIDER
    for module in (
        github, stripe, shopify, slack, standard, plain_hex, eventbridge, api_key, bearer, mtls, custom, none,
    )
}  # fmt: skip
MAX_MESSAGES = 1000  # of one batch, as many as the API takes events at once


def verify(provider: str, recipe: Recipe, request: Request, now: float) -> None:
    """Raise :class:`webhooks.core.signatures.InvalidSignature` unless the request is the provider's.

    ``now``: unix seconds. What was wrong is for the source's owner; whoever sent it learns nothing.
    """
    PROVIDERS[provider].verify(recipe, request, now)


def read(provider: str, recipe: Recipe, request: Request) -> list[Described]:
    """The messages of a verified request; several (or none) for a batch of CloudEvents."""
    known = PROVIDERS[provider]
    if known.cloudevents:
        events = cloudevents.read(request, MAX_MESSAGES)
        if events is not None:
            return events
    return [known.read(recipe, request)]


def read_stored(
    provider: str, options: dict[str, Any], headers: Iterable[Sequence[str]], content_type: str, body: bytes
) -> Described:
    """What a stored message says: the same as when it came in (its type, key, time and the data of its event)."""
    pairs = [(name, value) for name, value in headers]
    return read(provider, Recipe(options=options), Request(pairs, body, content_type=content_type))[0]


__all__ = [
    "MAX_MESSAGES",
    "PROVIDERS",
    "Described",
    "Keyring",
    "Option",
    "Provider",
    "Recipe",
    "Request",
    "check_custom_key",
    "content_key",
    "event_type",
    "read",
    "read_stored",
    "storable_key",
    "verify",
]
