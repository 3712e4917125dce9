"""The CloudEvents handshake: ask a receiver for its consent, and take it when it comes.

Invariants: the receiver is asked outside every transaction by whoever moved ``due_at`` on (a conditional UPDATE), so
once at a time; an answer counts only while the nonce is the one it was asked with, so what an old URL says is void.
A lost doorbell costs seconds: :func:`due` finds what nobody asked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from webhooks.conf import conf
from webhooks.core import consent as core
from webhooks.core.outcome import PERMANENT_ERRORS, RETRYABLE_STATUSES
from webhooks.errors import Conflict, NotFound
from webhooks.models import Consent, Endpoint
from webhooks.net.result import HttpResult
from webhooks.services import audit, endpoints
from webhooks.services.exchange import exchange
from webhooks.services.target import config_of, origin

# Seconds between two tries at a receiver that cannot be reached. One that has answered is not asked again: it may
# still call back, and its owner may start anew.
PAUSES = (10, 60, 300, 1800, 7200, 28_800)
_LEASE = 30.0  # seconds on top of the endpoint's timeout until a try counts as lost
_DUE = 500  # handshakes rung for at a time
_SALT = "webhooks.consent"


def due(among: Collection[UUID] | None = None) -> list[UUID]:
    """Endpoints (of ``among``; None: of all) whose receiver is to be asked now."""
    rows = Consent.objects.filter(due_at__lte=Now(), endpoint__deleted_at=None)
    if among is not None:
        rows = rows.filter(endpoint_id__in=among)
    return list(rows.order_by("due_at").values_list("endpoint_id", flat=True)[:_DUE])


def ask(endpoint_id: UUID) -> str:
    """Ask one receiver, if that is due; one word about it for the log."""
    endpoint = Endpoint.objects.existing().filter(id=endpoint_id).exclude(validation="").first()
    nonce = _claim(endpoint) if endpoint else None
    if endpoint is None or nonce is None:
        return "not due"
    config = config_of(endpoint)
    if config.url is None:
        return _note(endpoint_id, nonce, core.Consent(False, config.url_fault), again=False)
    headers = config.headers | {
        core.REQUEST_RATE: str(asked_rate(endpoint)),
        core.REQUEST_CALLBACK: f"{conf.PUBLIC_URL}/api/consents/{_token(endpoint_id, nonce)}",
    }
    if not connection.in_atomic_block:
        connection.close()  # back to the pool: nothing holds a connection during HTTP
    result = exchange("OPTIONS", endpoint_id, config, config.url, headers=headers, timeout=endpoint.timeout)
    if result.status is None:
        answer = core.Consent(False, result.detail)
    else:
        allowed = result.header(core.ALLOWED_ORIGIN), result.header(core.ALLOWED_RATE)
        answer = core.judge(origin(), *allowed, result.status)
    return _note(endpoint_id, nonce, answer, again=_may_pass(result))


def restart(endpoint_id: UUID) -> None:
    """Begin the handshake again; deliveries are held until consent arrives. The caller rings.

    Raises :class:`Conflict` for an endpoint without validation, :class:`NotFound`.
    """
    with transaction.atomic():
        endpoint = endpoints.locked(endpoint_id)
        if not endpoint.validation:
            raise Conflict('The webhook asks for no consent; set its validation to "cloudevents" first.')
        audit.record(
            "webhook.consent_requested", "webhook", [endpoint_id], tenant_id=endpoint.tenant_id, label=endpoint.url
        )
        endpoints.require_consent(endpoint)


def take_callback(token: str, rate: str | None) -> UUID:
    """Consent by the callback URL; the endpoint it is for. ``rate``: the granted one, None for the one asked for.

    Attack: a guessed or an old URL. Raises :class:`NotFound` for both, ValueError for a rate that is none.
    """
    try:
        text, _, nonce = signing.Signer(salt=_SALT).unsign(token).partition(".")
        endpoint_id = UUID(hex=text)
    except (signing.BadSignature, ValueError):
        raise NotFound("There is no such request for consent.") from None
    endpoint = Endpoint.objects.existing().filter(id=endpoint_id).first()
    if endpoint is None or not Consent.objects.filter(endpoint_id=endpoint_id, nonce=nonce).exists():
        raise NotFound("There is no such request for consent.")
    granted = asked_rate(endpoint) if rate is None else core.parse_rate(rate)
    _note(endpoint_id, nonce, core.Consent(True, "The receiver has consented by the callback.", granted), again=False)
    return endpoint_id


def asked_rate(endpoint: Endpoint) -> int:
    """Requests a minute to ask for: the endpoint's own limit, or CONSENT_RATE."""
    own = endpoint.rate_limit
    return core.asked_rate(own["limit"], own.get("period", 1)) if own else conf.CONSENT_RATE


def _claim(endpoint: Endpoint) -> str | None:
    """The nonce to ask with, None when it is somebody else's turn or nobody's."""
    now = Now()
    lease = now + timedelta(seconds=endpoint.timeout + _LEASE)
    rows = Consent.objects.filter(endpoint=endpoint, due_at__lte=now, status=Consent.Status.PENDING)
    with transaction.atomic():
        if not rows.update(due_at=lease, tries=F("tries") + 1, asked_at=now):
            return None
        return str(Consent.objects.values_list("nonce", flat=True).get(endpoint=endpoint))


def _note(endpoint_id: UUID, nonce: str, answer: core.Consent, *, again: bool) -> str:
    """Write down what came of it, unless the handshake was begun anew meanwhile."""
    with transaction.atomic():
        endpoint = endpoints.locked(endpoint_id)
        row = Consent.objects.filter(endpoint_id=endpoint_id, nonce=nonce, status=Consent.Status.PENDING).first()
        if row is None:
            return "void"
        row.detail, row.due_at = answer.why[:200], None
        if answer.granted:
            row.status, row.granted_rate, row.answered_at = Consent.Status.GRANTED, answer.rate, Now()
        elif again and row.tries <= len(PAUSES):
            row.due_at = Now() + timedelta(seconds=PAUSES[row.tries - 1])
        row.save()
        if answer.granted:
            endpoints.consent_given(endpoint)
    return "granted" if answer.granted else "pending"


def _may_pass(result: HttpResult) -> bool:
    """Whether asking again may get another answer: nobody answered, or only an overloaded somebody."""
    if result.status is None:
        return result.error not in PERMANENT_ERRORS
    return result.status >= 500 or result.status in RETRYABLE_STATUSES


def _token(endpoint_id: UUID, nonce: str) -> str:
    return signing.Signer(salt=_SALT).sign(f"{endpoint_id.hex}.{nonce}")
