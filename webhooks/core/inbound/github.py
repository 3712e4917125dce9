"""GitHub: ``X-Hub-Signature-256`` over the raw body, which is JSON or a form with the JSON in ``payload``.

GitHub signs neither time nor headers: the delivery's id tells a repeat, and is the same when it is redelivered.
"""

from __future__ import annotations

import re

from webhooks.core.inbound import form
from webhooks.core.inbound.message import Described, Recipe, Request, members, text
from webhooks.core.inbound.provider import Provider
from webhooks.core.signatures import github

_ACTION = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    github.verify(recipe.keys, request)


def _read(recipe: Recipe, request: Request) -> Described:
    data = form.payload(request)
    event, action = request.first("x-github-event"), text(members(data), "action")
    return Described(
        body=request.body,
        content_type=request.content_type,
        type=f"{event}.{action}" if event and _ACTION.match(action) else event,
        key=request.first("x-github-delivery"),
        data=data,
    )


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    return {"X-GitHub-Event": "ping", github.HEADER: github.sign(recipe.keys[0], body)}


PROVIDER = Provider(
    "github",
    "GitHub: `X-Hub-Signature-256`; JSON or form",
    _verify,
    _read,
    secrets="generated",
    event_type="github.{type}",
    sign=_sign,
)
