"""Slack: ``v0=`` and the hex HMAC-SHA256 of ``v0:{timestamp}:{body}``; events as JSON, interactions as forms."""

from __future__ import annotations

import hmac

from webhooks.core.inbound import form
from webhooks.core.inbound.message import Described, Recipe, Request, members, moment, text
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures.message import require_keys, require_match, require_time

SIGNATURE, TIMESTAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"
_MAX_CHALLENGE = 500  # characters


def _mac(key: bytes, timestamp: str, body: bytes) -> bytes:
    return b"v0=" + hmac.digest(key, b"v0:%b:%b" % (timestamp.encode(), body), "sha256").hex().encode()


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    require_keys(recipe.keys)
    timestamp, given = request.one(TIMESTAMP.lower()), request.one(SIGNATURE.lower()).encode()
    require_time(timestamp, now, recipe.tolerance)
    require_match([_mac(key, timestamp, request.body) for key in recipe.keys], [given])


def _read(recipe: Recipe, request: Request) -> Described:
    data = form.payload(request)
    found = members(data)
    kind = text(found, "type")
    challenge = text(found, "challenge")
    reply = {"challenge": challenge} if kind == "url_verification" and 0 < len(challenge) <= _MAX_CHALLENGE else None
    if kind == "event_callback":
        kind = text(members(bytes(found.get("event", b""))), "type") or kind
    elif not kind and "command" in form.fields(request):
        kind = "slash_command"
    return Described(
        body=request.body,
        content_type=request.content_type,
        type=kind,
        key=text(found, "event_id", "trigger_id") or form.fields(request).get("trigger_id", ""),
        at=moment(text(found, "event_time")),
        data=data,
        reply=reply,
    )


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    return {TIMESTAMP: str(now), SIGNATURE: _mac(recipe.keys[0], str(now), body).decode()}


PROVIDER = Provider(
    "slack",
    "Slack: `X-Slack-Signature`; answers the URL verification",
    _verify,
    _read,
    event_type="slack.{type}",
    sign=_sign,
    signs_time=True,
)
