"""An API destination of Amazon EventBridge: an API key, HTTP Basic or a Bearer token; the body is the envelope.

It sends ``Range: bytes=0-1048575`` with everything, which is ignored, and gives up on any 4xx but 429.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webhooks.core.inbound import api_key, bearer, options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Option, Provider

KINDS = ("api_key", "basic", "oauth2")


def _kind(recipe: Recipe) -> str:
    return str(recipe.options.get("auth", "api_key"))


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    check = {"api_key": api_key.verify, "basic": api_key.verify_basic, "oauth2": bearer.verify}[_kind(recipe)]
    check(recipe, request, now)


def _faults(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    kind = given.get("auth", "api_key")
    needed = [name for name, option in bearer.OPTIONS.items() if option.required]
    if kind == "oauth2":
        return [(name, "is required for auth oauth2") for name in needed if name not in given]
    return [(name, "belongs to auth oauth2") for name in bearer.OPTIONS if name in given]


PROVIDER = Provider(
    "eventbridge",
    "Amazon EventBridge API destination: API key, Basic or OAuth",
    _verify,
    plain.by_members(("detail-type",), ("id",), ("time",)),
    secrets="generated",
    event_type="eventbridge.{type}",
    options={
        "auth": Option(options.one_of(KINDS), "The connection's kind of authorization.", default="api_key"),
        "header": api_key.HEADER_OPTION,
        "prefix": api_key.PREFIX_OPTION,
        **{name: Option(option.check, option.help) for name, option in bearer.OPTIONS.items()},
    },
    faults=_faults,
    secret_headers=(api_key.HEADER.lower(), "authorization"),
    cloudevents=True,
)
