"""How an endpoint is doing: one word for the list, the whole picture for its page."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.related import prefetch
from webhooks.errors import DecryptionFailed
from webhooks.models import Consent, DeadLetter, Delivery, Endpoint, EndpointSecret, Mailbox, SigningKey

COUNTED = 1000  # unfinished deliveries and open dead letters are counted up to here
RECENT = 10  # newest deliveries on the page

_BLOCKS = {
    "breaker": "breaker open",
    "rate_limit": "rate limit",
    "retry_after": "asked to wait",
    "task_failure": "its task fails",
}


def health(mailbox: Mailbox) -> SafeString:
    """Blocked (and by what), failing, well, refusing everything (4xx says nothing of its health) or unused."""
    now = datetime.now(UTC)
    if mailbox.blocked_until and mailbox.blocked_until > now:
        why = _BLOCKS.get(mailbox.blocked_reason, mailbox.blocked_reason or "blocked")
        return format_html(
            "{} <small>{}</small>", markup.badge("blocked", why), markup.since(mailbox.blocked_until, now)
        )
    if mailbox.consecutive_failures:
        return markup.badge("failing")
    if mailbox.last_success_at:
        return markup.badge("succeeded", "well")
    if mailbox.latency_ms:
        return markup.badge("waiting", "no success yet")
    return markup.badge("unused", "no traffic yet")


def overview(endpoint: Endpoint) -> dict[str, Any]:
    """The panel above the form. Every number is bounded, so the page costs the same at any backlog."""
    unfinished = (
        Delivery.objects.filter(pk__in=Delivery.objects.filter(endpoint_id=endpoint.pk, state__in=Delivery.UNFINISHED)
        .order_by("pk").values("pk")[: COUNTED + 1])
        .values_list("state")
        .annotate(count=Count("pk"))
    )  # fmt: skip
    counts = dict(unfinished)
    dead = DeadLetter.objects.filter(endpoint_id=endpoint.pk, resolution=DeadLetter.Resolution.OPEN)
    mailbox = Mailbox.objects.filter(pk=endpoint.pk).first()
    return {
        "mailbox": mailbox,
        "health": health(mailbox) if mailbox else None,
        "blocked": mailbox and mailbox.blocked_until and mailbox.blocked_until > datetime.now(UTC),
        "unfinished": [(state, counts[state]) for state in Delivery.UNFINISHED if state in counts],
        "unfinished_more": sum(counts.values()) > COUNTED,
        "dead": dead.order_by()[: COUNTED + 1].count(),
        "counted": COUNTED,
        "secrets": secrets(endpoint),
        "consent": Consent.objects.filter(pk=endpoint.pk).first() if endpoint.validation else None,
        "signing_keys": SigningKey.objects.in_force().filter(endpoint=endpoint),
        "recent": list(
            Delivery.objects.filter(endpoint_id=endpoint.pk)
            .order_by("-pk")
            .prefetch_related(*prefetch("event"))[:RECENT]
        ),
    }


def secrets(endpoint: Endpoint) -> list[dict[str, Any]]:
    """Each secret by a fingerprint (the first 8 hex digits of its SHA-256) and its validity, newest first."""
    now = datetime.now(UTC)
    rows = []
    for secret in EndpointSecret.objects.filter(endpoint=endpoint).defer("value").order_by("-valid_from")[:20]:
        try:
            fingerprint = hashlib.sha256(secret.value.encode()).hexdigest()[:8]
        except DecryptionFailed:
            fingerprint = "cannot be decrypted"
        signs = secret.valid_from <= now and (secret.valid_until is None or secret.valid_until > now)
        rows.append({"fingerprint": fingerprint, "row": secret, "signs": signs})
    return rows
