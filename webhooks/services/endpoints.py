"""Endpoints: making, changing, pausing and deleting them, and their secrets.

Invariants: a change of state marks the mailbox as unsettled in the same transaction, so deliveries follow it
even when nobody rings; every change moves ``updated_at``, which tells workers to read the endpoint again.
An endpoint that needs its receiver's consent and has none is never active: whatever would make it active makes it
wait (see :mod:`consents`). Rows are locked endpoint first, mailbox second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Coalesce, Greatest, Least, Now
from django.utils import timezone

from webhooks.core import signatures
from webhooks.errors import Conflict, FieldError, InvalidInput, NotFound
from webhooks.guards import gate
from webhooks.models import Endpoint, EndpointSecret, Mailbox, Subscription, Tenant
from webhooks.services import (
    audit,
    consents,
    endpoint_auth,
    endpoint_conflicts,
    endpoint_fields,
    signing_keys,
    version_pins,
)

MAX_OVERLAP = 7 * 86_400  # seconds: after a week an old secret is a risk, not a convenience
MAX_OLD_SECRETS = 4  # each valid one adds a signature of 48 characters to every request
State = Endpoint.State

_ENCRYPTED = ("headers", "auth", "destination")

# Fields of the API that live in Subscription rows.
_ROUTING = ("event_types", "filter", "channels")
SECRET_FIELDS = ("auth", "headers", "destination")  # of which the audit log says no more than that they were changed
_MOVED = {State.PAUSED: "webhook.paused", State.DISABLED: "webhook.disabled"}


@dataclass(frozen=True, slots=True)
class Created:
    """A new endpoint. ``secret`` is shown to its owner now and never again."""

    id: UUID
    secret: str


def create(tenant_id: UUID, fields: Mapping[str, Any]) -> Created:
    """Make an endpoint with its secret, mailbox and subscriptions.

    Raises :class:`InvalidInput` with pointers, :class:`NotFound` for an unknown tenant.
    """
    cleaned = endpoint_fields.clean(fields, partial=False)
    if not Tenant.objects.filter(id=tenant_id).exists():
        raise NotFound("There is no such tenant.")
    routing = {name: cleaned.pop(name) for name in _ROUTING}
    version_pins.check(tenant_id, cleaned["version"], routing["event_types"])
    active = cleaned.pop("active", True)
    endpoint = Endpoint(tenant_id=tenant_id, **cleaned)
    if not active:
        endpoint.state, endpoint.disabled_reason = State.DISABLED, _SWITCHED_OFF
    elif endpoint.validation:
        endpoint.state, endpoint.disabled_reason = State.PAUSED, consents.AWAITED
    secret = signatures.generate_secret()
    with transaction.atomic():
        endpoint.save(force_insert=True)
        EndpointSecret.objects.create(endpoint=endpoint, value=secret)
        signing_keys.ensure(endpoint)
        Mailbox.objects.create(endpoint=endpoint, tenant_id=tenant_id)
        _subscribe(endpoint, routing)
        if endpoint.validation:
            consents.begin(endpoint)
        shown = audit.changed({}, {"url": endpoint.url, "active": active, **routing})
        audit.record(
            "webhook.created", "webhook", [endpoint.id], tenant_id=tenant_id, label=endpoint.url, changes=shown
        )
        _revealed(endpoint)
    return Created(endpoint.id, secret)


_SWITCHED_OFF = "active was set to false"


def update(tenant_id: UUID | None, endpoint_id: UUID, fields: Mapping[str, Any], replace: bool = False) -> None:
    """Change the given fields; with ``replace`` reset the others to their defaults (all but ``active``).

    ``tenant_id`` None: whosever it is. A repeated mask (see :mod:`endpoint_auth`) keeps the stored secret.
    Raises :class:`InvalidInput`, :class:`NotFound`.
    """
    with transaction.atomic():
        endpoint = locked(endpoint_id, tenant_id, whole=True)
        if endpoint.destination and _takes_away(fields):
            raise InvalidInput(FieldError("/url", endpoint_fields.REQUIRED["url"]))
        given = endpoint_auth.unmasked(fields, endpoint)
        cleaned = endpoint_fields.clean(given, partial=not replace)
        stored = {name: getattr(endpoint, name) for name in endpoint_conflicts.TOGETHER}
        endpoint_conflicts.check_together(stored | cleaned)
        routing = {name: cleaned.pop(name) for name in _ROUTING if name in cleaned}
        if "version" in cleaned or "event_types" in routing:
            wanted = routing.get("event_types") or endpoint.subscriptions.values_list("pattern", flat=True)
            version_pins.check(endpoint.tenant_id, cleaned.get("version", endpoint.version), list(wanted))
        active = cleaned.pop("active", None)
        moved = "url" in cleaned and cleaned["url"] != endpoint.url
        validated = endpoint.validation
        before = {name: getattr(endpoint, name) for name in cleaned} | (_routing(endpoint) if routing else {})
        for name, value in cleaned.items():
            setattr(endpoint, name, value)
        signing_keys.ensure(endpoint)
        endpoint.save()
        if routing:
            _subscribe(endpoint, routing)
        if moved:
            _fresh_start(endpoint_id)
        if changes := audit.changed(before, cleaned | routing, SECRET_FIELDS):
            _record("webhook.updated", endpoint, changes=changes)
        if endpoint.validation and (moved or not validated):
            require_consent(endpoint)
        elif validated and not endpoint.validation:
            _without_consent(endpoint)
        if active is not None and active != (endpoint.state == State.ACTIVE):
            _set_state(endpoint, State.ACTIVE if active else State.DISABLED, "" if active else _SWITCHED_OFF)


def _takes_away(fields: Mapping[str, Any]) -> bool:
    """No destination is wanted any more, and no URL in its place."""
    wanted = fields.get("destination", fields), fields.get("url"), fields.get("webhook_url")
    return wanted == (None, None, None)


def delete(endpoint_id: UUID) -> None:
    """Delete an endpoint; its unfinished deliveries are cancelled. The row stays: attempts name it."""
    with transaction.atomic():
        endpoint = locked(endpoint_id)
        endpoint.deleted_at = timezone.now()
        endpoint.save(update_fields=["deleted_at", "updated_at"])
        _unsettle(endpoint_id)
        _record("webhook.deleted", endpoint)


def pause(endpoint_id: UUID, reason: str = "") -> None:
    """Hold deliveries until :func:`resume`. Raises :class:`Conflict` for a disabled endpoint."""
    _move(endpoint_id, State.PAUSED, reason, refused=State.DISABLED)


def resume(endpoint_id: UUID) -> None:
    """Undo :func:`pause`; held deliveries are sent. Raises :class:`Conflict` for a disabled endpoint."""
    _move(endpoint_id, State.ACTIVE, "", refused=State.DISABLED)


def enable(endpoint_id: UUID) -> None:
    """Make an endpoint active from any state, with a clean record; held deliveries are sent."""
    _move(endpoint_id, State.ACTIVE, "")


def disable(endpoint_id: UUID, reason: str = "") -> None:
    """Hold deliveries until :func:`enable`; ``reason`` is one sentence its owner reads.

    Nothing happens to an endpoint that is gone or disabled: workers call this for what they saw a while ago.
    """
    try:
        _move(endpoint_id, State.DISABLED, reason)
    except NotFound:
        return


def require_consent(endpoint: Endpoint) -> None:
    """Begin the handshake of a locked endpoint; one that was active waits for it, and deliveries are held."""
    consents.begin(endpoint)
    if endpoint.state == State.ACTIVE:
        _set_state(endpoint, State.PAUSED, consents.AWAITED)
    else:
        endpoint.save(update_fields=["updated_at"])


def consent_given(endpoint: Endpoint) -> None:
    """A locked endpoint's receiver has consented: it becomes active unless somebody has stopped it."""
    if consents.awaits(endpoint):
        _set_state(endpoint, State.ACTIVE, "")
    else:
        endpoint.save(update_fields=["updated_at"])


def _without_consent(endpoint: Endpoint) -> None:
    consents.drop(endpoint)
    if consents.awaits(endpoint):
        _set_state(endpoint, State.ACTIVE, "")


def rotate_secret(endpoint_id: UUID, overlap_seconds: int = 86_400) -> str:
    """Make a new secret and return it; the present ones keep signing for ``overlap_seconds`` more.

    The same for the ed25519 key of an endpoint that has one: it gets a new one as well.
    Raises :class:`InvalidInput` unless 0 <= overlap_seconds <= MAX_OVERLAP.
    """
    if type(overlap_seconds) is not int or not 0 <= overlap_seconds <= MAX_OVERLAP:
        raise InvalidInput(FieldError("/overlap_seconds", f"takes a whole number of seconds from 0 to {MAX_OVERLAP}"))
    secret = signatures.generate_secret()
    with transaction.atomic():
        endpoint = locked(endpoint_id)
        now = timezone.now()
        end = now + timedelta(seconds=overlap_seconds)
        _end(endpoint.secrets.all(), now, end)
        EndpointSecret.objects.create(endpoint=endpoint, value=secret, valid_from=now)
        if _end(endpoint.signing_keys.all(), now, end):
            signing_keys.make(endpoint, now)
        endpoint.save(update_fields=["updated_at"])
        _record("secret.rotated", endpoint, changes={"secret": audit.CHANGED}, detail={"overlap": overlap_seconds})
        _revealed(endpoint)
    return secret


def _end(keys: models.QuerySet[Any], now: datetime, end: datetime) -> int:
    """Let the valid ones end at ``end``, the oldest of too many now. How many there were."""
    valid = keys.filter(models.Q(valid_until=None) | models.Q(valid_until__gt=now))
    kept = valid.order_by("-valid_from", "-id").values_list("id", flat=True)[:MAX_OLD_SECRETS]
    ended = valid.exclude(id__in=list(kept)).update(valid_until=now)
    return ended + valid.update(valid_until=Least(Coalesce("valid_until", end), end))


def defer(endpoint_id: UUID, seconds: float, reason: str = "") -> None:
    """Leave an endpoint alone for a while: nothing is sent to it before, and it is due again afterwards.

    Not an attempt of any delivery. Without ``reason`` (all its slots are busy) others may still send to it. Of two
    reasons the one that lasts longer stays: whoever takes a pause back must not end another's.
    """
    until = Now() + models.Value(timedelta(seconds=seconds))
    later = {"next_due_at": Greatest("next_due_at", until)} if reason else {"next_due_at": until}
    longer = models.Case(models.When(blocked_until__gt=until, then="blocked_reason"), default=models.Value(reason))
    blocked = {"blocked_until": Greatest("blocked_until", until), "blocked_reason": longer} if reason else {}
    Mailbox.objects.filter(endpoint_id=endpoint_id).exclude(next_due_at=None).update(**later, **blocked)


def locked(endpoint_id: UUID, tenant_id: UUID | None = None, *, whole: bool = False) -> Endpoint:
    """The row, locked until the end of the transaction. Raises :class:`NotFound`.

    Unless ``whole``, without the encrypted columns: an endpoint whose key is lost can still be stopped, deleted
    and given a new secret.
    """
    rows = Endpoint.objects.existing().for_tenant(tenant_id).select_for_update(no_key=True)
    endpoint = (rows if whole else rows.defer(*_ENCRYPTED)).filter(id=endpoint_id).first()
    if endpoint is None:
        raise NotFound
    return endpoint


def _move(endpoint_id: UUID, state: str, reason: str, refused: str | None = None) -> None:
    with transaction.atomic():
        endpoint = locked(endpoint_id)
        if endpoint.state == refused:
            raise Conflict(f"The webhook is {refused}; enable it first.")
        if endpoint.state != state or consents.awaits(endpoint):
            _set_state(endpoint, state, reason)


def _set_state(endpoint: Endpoint, state: str, reason: str) -> None:
    before = {"state": endpoint.state, "disabled_reason": endpoint.disabled_reason}
    if state == State.ACTIVE and consents.missing(endpoint):
        state, reason = State.PAUSED, consents.AWAITED
        consents.hurry(endpoint.id)
    started = "webhook.resumed" if endpoint.state == State.PAUSED else "webhook.enabled"
    endpoint.state, endpoint.disabled_reason = state, reason[:200]
    endpoint.state_changed_at = timezone.now()
    endpoint.save(update_fields=["state", "disabled_reason", "state_changed_at", "updated_at"])
    if state == State.ACTIVE:
        _fresh_start(endpoint.id)
    _unsettle(endpoint.id)
    after = {"state": str(state), "disabled_reason": endpoint.disabled_reason}
    _record(_MOVED.get(State(state), started), endpoint, changes=audit.changed(before, after))


def _record(action: str, endpoint: Endpoint, **more: Any) -> None:
    audit.record(action, "webhook", [endpoint.id], tenant_id=endpoint.tenant_id, label=endpoint.url, **more)


def _revealed(endpoint: Endpoint) -> None:
    """Whoever acts gets a new secret to see."""
    _record("secret.revealed", endpoint)


def _routing(endpoint: Endpoint) -> dict[str, Any]:
    """The subscriptions under the API's names, as they are."""
    rows = list(endpoint.subscriptions.order_by("id"))
    first = rows[0] if rows else None
    return {
        "event_types": [row.pattern for row in rows],
        "filter": first.filter if first else None,
        "channels": first.channels if first else [],
    }


def _unsettle(endpoint_id: UUID) -> None:
    Mailbox.objects.filter(endpoint_id=endpoint_id).update(unsettled=True)


def _fresh_start(endpoint_id: UUID) -> None:
    """Its owner says it is well: forget failures and the breaker, and look at once for what is due.

    Due now is always safe: a drain that finds nothing sets the time right. The breaker is forgotten after
    the commit, because a drain in between could only open it for the old state.
    """
    Mailbox.objects.filter(endpoint_id=endpoint_id).update(
        blocked_until=None, blocked_reason="", consecutive_failures=0, failing_since=None, next_due_at=Now()
    )
    transaction.on_commit(partial(gate.reset, endpoint_id))


def _subscribe(endpoint: Endpoint, routing: Mapping[str, Any]) -> None:
    """Make the endpoint's subscriptions those of ``routing``; what is absent from it stays as it is."""
    present = list(endpoint.subscriptions.order_by("id"))
    first = present[0] if present else None
    wanted = routing.get("event_types", [subscription.pattern for subscription in present])
    condition = routing.get("filter", first.filter if first else None)
    channels = routing.get("channels", first.channels if first else [])
    endpoint.subscriptions.exclude(pattern__in=wanted).delete()
    changes = {name: routing[name] for name in ("filter", "channels") if name in routing}
    if changes:
        endpoint.subscriptions.update(**changes)
    known = {subscription.pattern for subscription in present}
    Subscription.objects.bulk_create(
        Subscription(
            endpoint=endpoint,
            tenant_id=endpoint.tenant_id,
            pattern=pattern,
            filter=condition,
            channels=channels,
        )
        for pattern in wanted
        if pattern not in known
    )
