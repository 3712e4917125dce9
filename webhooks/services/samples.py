"""A real example of what a provider sends, signed with the source's own secret and taken in like any other request."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from webhooks.core import inbound
from webhooks.core.signatures import InvalidSignature
from webhooks.errors import Conflict, NotFound
from webhooks.models import Source
from webhooks.services import audit, receiving, source_lookup
from webhooks.services.receiving import Incoming, Stored

_JSON = "application/json"


def send(source_id: UUID) -> Stored:
    """Make an example, sign it, verify it and store it; what became of it. The caller rings for its processing.

    All that is left out is the network: the list of addresses and the rate limit. Raises :class:`NotFound` and
    :class:`Conflict` for a source that is off, and for a provider that nobody else can sign for.
    """
    if not Source.objects.existing().filter(id=source_id).exists():
        raise NotFound("There is no such source.")
    source = source_lookup.find(source_id)
    if source is None:
        raise Conflict("The source is off, so it takes nothing.")
    now = time.time()
    request = _request(source, now)
    try:
        messages = receiving.verified(source, request, now)
    except InvalidSignature as error:
        raise Conflict(f"The example is not accepted: {error}") from None
    (stored,) = receiving.store(source, Incoming(request), messages)
    with transaction.atomic():
        audit.record("source.sampled", "source", [source_id], tenant_id=source.tenant_id)
    return stored


def _request(source: receiving.Known, now: float) -> inbound.Request:
    provider, recipe = source.provider, source.recipe(now)
    if provider.sign is None or (provider.secrets_of(source.options) == "none" and provider.name != "none"):
        raise Conflict(f"Only {provider.name} itself can send what this source accepts.")
    token = secrets.token_hex(12)
    headers, content = _EXAMPLES.get(provider.name, _plain)(token, int(now))
    body = json.dumps(content, separators=(",", ":")).encode()
    try:
        signed = provider.sign(recipe, body, int(now))
    except (ValueError, LookupError, InvalidSignature) as error:
        raise Conflict(f"No example can be signed for this source: {error}") from None
    pairs = {"User-Agent": "Clarion-Sample", "Content-Type": _JSON, **headers, **signed}
    return inbound.Request(list(pairs.items()), body, method="POST", content_type=_JSON)


Example = Callable[[str, int], tuple[dict[str, str], dict[str, Any]]]  # (random token, unix seconds)


def _github(token: str, now: int) -> tuple[dict[str, str], dict[str, Any]]:
    delivery = f"{token[:8]}-{token[8:12]}-11ee-8000-{token[:12]}"
    repository = {"id": 1296269, "name": "Hello-World", "full_name": "octocat/Hello-World", "private": False}
    hook = {"type": "Repository", "id": 1, "name": "web", "active": True, "events": ["push"]}
    return {"X-GitHub-Delivery": delivery, "X-GitHub-Hook-ID": "1"}, {
        "zen": "Speak like a human.", "hook_id": 1, "hook": hook, "repository": repository,
        "sender": {"login": "octocat", "id": 1},
    }  # fmt: skip


def _stripe(token: str, now: int) -> tuple[dict[str, str], dict[str, Any]]:
    charge = {"id": f"ch_{token}", "object": "charge", "amount": 2000, "currency": "eur", "paid": True}
    return {}, {
        "id": f"evt_{token}", "object": "event", "api_version": "2025-08-27.basil", "created": now,
        "type": "charge.succeeded", "livemode": False, "data": {"object": charge},
    }  # fmt: skip


def _shopify(token: str, now: int) -> tuple[dict[str, str], dict[str, Any]]:
    headers = {"X-Shopify-Event-Id": token, "X-Shopify-Shop-Domain": "example.myshopify.com"}
    return headers, {"id": 820982911946154508, "email": "jon@example.com", "total_price": "403.00", "currency": "EUR"}


def _slack(token: str, now: int) -> tuple[dict[str, str], dict[str, Any]]:
    event = {"type": "app_mention", "user": "U061F7AUR", "text": "is it everything a river should be?"}
    return {}, {
        "type": "event_callback", "team_id": "T123ABC", "api_app_id": "A0MDYCDME", "event": event,
        "event_id": f"Ev{token}", "event_time": now,
    }  # fmt: skip


def _plain(token: str, now: int) -> tuple[dict[str, str], dict[str, Any]]:
    return {}, {"id": token, "type": "order.created", "data": {"order": 42, "amount": 1999, "currency": "EUR"}}


_EXAMPLES: dict[str, Example] = {"github": _github, "stripe": _stripe, "shopify": _shopify, "slack": _slack}
