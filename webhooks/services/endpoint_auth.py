"""Credentials of an endpoint: what each kind of ``auth`` consists of, and how it is shown and kept.

Answers and forms show a mask for secret parts. A client that sends the mask back means "unchanged".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from webhooks.core import headers
from webhooks.models import Endpoint

MAX_CREDENTIAL = 4000  # characters: with its name it still fits a request head
STILL_MASKED = "is the mask that answers show; send the value itself"

# The parts of each kind of auth, and which of them are secret.
AUTH_PARTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("name", "value"),
}
SECRET_PARTS = frozenset({"password", "token", "value"})

_FUTURE = ("oauth2", "mtls")
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")


class Refused(Exception):
    """The faults of one field: pointers are relative to it."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__()
        self.faults = faults


def shown_auth(auth: Mapping[str, Any]) -> dict[str, Any]:
    """``auth`` as answers and forms show it: secret parts masked."""
    return {name: headers.MASK if name in SECRET_PARTS else part for name, part in auth.items()}


def unmasked(fields: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """Put the stored secrets where ``fields`` repeats the mask of an answer: they stay as they are."""
    restored = dict(fields)
    auth = restored.get("auth")
    if isinstance(auth, dict) and auth.get("type") == endpoint.auth.get("type"):
        restored["auth"] = {
            name: endpoint.auth.get(name, part) if name in SECRET_PARTS and part == headers.MASK else part
            for name, part in auth.items()
        }
    custom = restored.get("headers")
    if isinstance(custom, dict):
        shown = headers.mask_headers(endpoint.headers)
        restored["headers"] = {
            name: endpoint.headers[name] if name in shown and value == shown[name] else value
            for name, value in custom.items()
        }
    return restored


def check_auth(value: Any) -> dict[str, Any]:
    """The clean value of ``auth``; raises :class:`Refused`."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise Refused(("", f'takes an object with "type": {", ".join(AUTH_PARTS)}'))
    try:
        kind = one_of(value["type"], tuple(AUTH_PARTS), _FUTURE)
    except Refused as refused:
        raise Refused(("/type", refused.faults[0][1])) from None
    parts = AUTH_PARTS[kind]
    unknown = [name for name in value if name not in ("type", *parts)]
    faults = [(f"/{escape(name)}", f"is not a part of auth {kind}") for name in unknown]
    for name in parts:
        if detail := _credential_fault(kind, name, value.get(name)):
            faults.append((f"/{name}", detail))
    if kind == "api_key" and not faults:
        found = headers.check_custom_headers({value["name"]: value["value"]})
        faults = [("/name", detail) for _, detail in found]
    if faults:
        raise Refused(*faults)
    return value


def _credential_fault(kind: str, name: str, text: Any) -> str | None:
    if text is None:
        return "is required"
    if not isinstance(text, str) or not 0 < len(text) <= MAX_CREDENTIAL:
        return f"takes text of 1 to {MAX_CREDENTIAL} characters"
    if name in SECRET_PARTS and text == headers.MASK:
        return STILL_MASKED
    if kind == "basic":
        if not text.isprintable() or (name == "username" and ":" in text):
            return "cannot hold control characters" + (" or a colon" if name == "username" else "")
    elif not _VISIBLE.match(text):
        return "takes visible ASCII characters without blanks"
    return None


def one_of(value: Any, known: Sequence[str], future: Sequence[str]) -> str:
    """``value`` when it is one of ``known``; those of ``future`` are refused with a sentence of their own."""
    if value in future:
        raise Refused(("", f"{value} is not available in this version of Clarion; use {' or '.join(known)}"))
    if not isinstance(value, str) or value not in known:
        raise Refused(("", f"takes one of {', '.join(known)}"))
    return value


def escape(name: str) -> str:
    """One token of a JSON Pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
