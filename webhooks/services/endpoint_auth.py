"""Credentials of an endpoint: what each kind of ``auth`` consists of, and how it is shown and kept.

Answers and forms show a mask for secret parts. A client that sends the mask back means "unchanged".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from webhooks.conf import conf
from webhooks.core import certificates, destinations, headers, oauth2, urls
from webhooks.models import Endpoint
from webhooks.net import outbound, tls

MAX_CREDENTIAL = 4000  # characters: with its name it still fits a request head
MAX_SCOPE = 1000  # characters
STILL_MASKED = "is the mask that answers show; send the value itself"
MOVED = "has to be sent itself when token_url changes, because it would go to another server"

# The parts of each kind of auth, and which of them are secret.
AUTH_PARTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "basic": ("username", "password"),
    "bearer": ("token",),
    "api_key": ("name", "value"),
    "oauth2": ("token_url", "client_id", "client_secret", "scope", "token_endpoint_auth_method"),
    "mtls": ("certificate", "private_key"),
}
OPTIONAL_PARTS = frozenset({"scope", "token_endpoint_auth_method"})
SECRET_PARTS = frozenset({"password", "token", "value", "client_secret", "private_key"})

_VSCHAR = re.compile(r"[\x20-\x7e]+\Z")  # RFC 6749 appendix A
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*\Z")  # section 3.3
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
            name: endpoint.auth.get(name, part)
            if name in SECRET_PARTS and part == headers.MASK and not _goes_elsewhere(auth, endpoint.auth)
            else part
            for name, part in auth.items()
        }
    destination = restored.get("destination")
    if isinstance(destination, dict) and endpoint.destination is not None:
        restored["destination"] = destinations.unmasked(destination, endpoint.destination)
    custom = restored.get("headers")
    if isinstance(custom, dict):
        shown = headers.mask_headers(endpoint.headers)
        restored["headers"] = {
            name: endpoint.headers[name] if name in shown and value == shown[name] else value
            for name, value in custom.items()
        }
    return restored


def _goes_elsewhere(auth: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Attack: who may change a webhook but never saw its client secret has it sent to a token_url of their own."""
    return auth.get("type") == "oauth2" and auth.get("token_url") != stored.get("token_url")


def check_auth(value: Any) -> dict[str, Any]:
    """The clean value of ``auth``; raises :class:`Refused`."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise Refused(("", f'takes an object with "type": {", ".join(AUTH_PARTS)}'))
    try:
        kind = one_of(value["type"], tuple(AUTH_PARTS))
    except Refused as refused:
        raise Refused(("/type", refused.faults[0][1])) from None
    parts = AUTH_PARTS[kind]
    unknown = [name for name in value if name not in ("type", *parts)]
    faults = [(f"/{escape(name)}", f"is not a part of auth {kind}") for name in unknown]
    faults += [
        (f"/{name}", detail)
        for name in parts
        if (detail := _part_fault(kind, name, value.get(name))) and not (detail == MISSING and name in OPTIONAL_PARTS)
    ]
    if faults:
        raise Refused(*faults)
    return _TOGETHER.get(kind, dict)(value)


MISSING = "is required"


def _part_fault(kind: str, name: str, part: Any) -> str | None:
    if part is None:
        return MISSING
    if kind == "oauth2":
        return _oauth2_fault(name, part)
    if kind == "mtls":
        if not isinstance(part, str) or not part.strip():
            return "takes PEM text"
        return STILL_MASKED if name in SECRET_PARTS and part == headers.MASK else None
    return _credential_fault(kind, name, part)


def _credential_fault(kind: str, name: str, text: Any) -> str | None:
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


def _oauth2_fault(name: str, text: Any) -> str | None:
    if name == "token_endpoint_auth_method":
        return None if text in oauth2.METHODS else f"takes {' or '.join(oauth2.METHODS)}"
    if not isinstance(text, str):
        return "takes text"
    if name == "scope":
        fits = text == "" or (len(text) <= MAX_SCOPE and _SCOPE.match(text))
        return None if fits else f"takes scopes with one blank between them, {MAX_SCOPE} characters at most"
    if name == "token_url":
        return _url_fault(text)
    if name in SECRET_PARTS and text == headers.MASK:
        return f"{STILL_MASKED}. It {MOVED}."
    if not 0 < len(text) <= MAX_CREDENTIAL or not _VSCHAR.match(text):
        return f"takes 1 to {MAX_CREDENTIAL} printable ASCII characters"
    return None


def _url_fault(text: str) -> str | None:
    try:
        parsed = parse_token_url(text)
    except urls.InvalidUrl as error:
        return str(error)
    if parsed.host in outbound.own_hosts():
        return "The URL names this service itself, which gives no tokens to its own webhooks."
    return None


def parse_token_url(text: str) -> urls.CanonicalUrl:
    """The one reading of a token URL, when it is stored and before it is used; raises :class:`InvalidUrl`.

    Attack: a token URL is a second target that Clarion can be sent to, and is judged like the first.
    """
    if "{" in text:
        raise urls.InvalidUrl("The URL cannot hold placeholders; tokens are not asked for per event.")
    return urls.parse_endpoint_url(text, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())


def _api_key(value: dict[str, Any]) -> dict[str, Any]:
    found = headers.check_custom_headers({value["name"]: value["value"]})
    if found:
        raise Refused(*(("/name", detail) for _, detail in found))
    return value


def _oauth2(value: dict[str, Any]) -> dict[str, Any]:
    """With the URL in its canonical form, and the parts that say something."""
    clean = {name: part for name, part in value.items() if part not in (None, "")}
    return clean | {"token_url": parse_token_url(value["token_url"]).url}


def _mtls(value: dict[str, Any]) -> dict[str, Any]:
    faults, chain, own, key = [], "", None, ""
    try:
        chain, own = certificates.read_chain(value["certificate"], datetime.now(UTC))
    except certificates.UnusableCertificate as error:
        faults.append(("/certificate", str(error)))
    try:
        key = certificates.read_key(value["private_key"], own)
    except certificates.UnusableKey as error:
        faults.append(("/private_key", str(error)))
    if not faults and not tls.usable(tls.ClientCertificate(chain, key)):
        faults.append(("/certificate", "is refused by OpenSSL; it may be signed by an outdated algorithm"))
    if faults:
        raise Refused(*faults)
    return {"type": "mtls", "certificate": chain, "private_key": key}


_TOGETHER: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "api_key": _api_key, "oauth2": _oauth2, "mtls": _mtls,
}  # fmt: skip


def one_of(value: Any, known: Sequence[str]) -> str:
    """``value`` when it is one of ``known``."""
    if not isinstance(value, str) or value not in known:
        raise Refused(("", f"takes one of {', '.join(known)}"))
    return value


def escape(name: str) -> str:
    """One token of a JSON Pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
