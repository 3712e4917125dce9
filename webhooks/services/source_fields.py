"""The one validation of a source's fields, whoever writes them: API, admin or library. Names are those of the API.

Answers show a mask for each secret. A client that sends the mask back at its place means "unchanged".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from webhooks.conf import conf
from webhooks.core import headers, inbound, jsonvalues, patterns, urls
from webhooks.core.schemas import UnsafeSchema, compile_schema
from webhooks.errors import FieldError, InvalidInput
from webhooks.models.sources import DEFAULT_MAX_BYTES, DEFAULT_TOLERANCE
from webhooks.net import outbound
from webhooks.services import endpoint_destination, jwks
from webhooks.services.endpoint_auth import STILL_MASKED, Refused, escape
from webhooks.services.endpoint_fields import MAX_PERIOD, MAX_RATE

MAX_NAME = 200  # characters, the column's width
MAX_SECRETS = 5  # each costs every request a comparison
MIN_SECRET, MAX_SECRET = 8, 512  # characters: shorter ones are guessed
MAX_NETWORKS = 200
MAX_TOLERANCE = 86_400  # seconds; a day: for providers that sign when they first try
READ_ONLY = ("id", "tenant_id", "url", "refused_lately", "created_at", "updated_at")
REQUIRED = ("name", "provider")


def clean(fields: Mapping[str, Any], *, partial: bool) -> dict[str, Any]:
    """Checked and normalised fields. ``partial``: only what was given (PATCH).

    Raises :class:`InvalidInput` with all faults found, each with its pointer. What depends on the provider is checked
    by :func:`check_together`.
    """
    faults: list[FieldError] = []
    cleaned: dict[str, Any] = {}
    for name, value in fields.items():
        if (check := CHECKS.get(name)) is None:
            known = "is set by Clarion; leave it out" if name in READ_ONLY else f"is not a known field; {_KNOWN}"
            faults.append(FieldError(f"/{escape(name)}", known))
            continue
        try:
            cleaned[name] = check(value)
        except Refused as refused:
            faults += [FieldError(f"/{name}{at}", detail) for at, detail in refused.faults]
    if not partial:
        faults += [FieldError(f"/{name}", "is required") for name in REQUIRED if name not in fields]
    if faults:
        raise InvalidInput(faults)
    return cleaned if partial else defaults(cleaned["provider"]) | cleaned


def defaults(provider: str) -> dict[str, Any]:
    """The value of every field that may be left out, but ``active`` and ``secrets``."""
    return {
        "verification": {},
        "allowed_ips": [],
        "rate_limit": None,
        "schema": None,
        "max_bytes": DEFAULT_MAX_BYTES,
        "tolerance": DEFAULT_TOLERANCE,
        "event_type": inbound.PROVIDERS[provider].event_type,
        "forward": True,
        "forward_to": None,
    }


def check_together(provider: str, verification: Mapping[str, Any], secrets: list[str]) -> dict[str, Any]:
    """The clean ``verification`` of a provider. Raises :class:`InvalidInput` for what contradicts it.

    ``secrets``: the texts of those in force. An empty list passes here where Clarion can make one.
    """
    known = inbound.PROVIDERS[provider]
    faults = [
        FieldError(f"/verification/{escape(name)}", _not_an_option(known))
        for name in verification
        if name not in known.options
    ]
    cleaned: dict[str, Any] = {}
    for name, option in known.options.items():
        if (value := verification.get(name)) is None:
            if option.required:
                faults.append(FieldError(f"/verification/{name}", f"is required: {option.help}"))
            elif option.default is not None:
                cleaned[name] = option.default
            continue
        try:
            cleaned[name] = option.check(value)
        except ValueError as error:
            faults.append(FieldError(f"/verification/{name}", str(error)))
    faults += [FieldError(f"/verification/{name}", detail) for name, detail in known.faults(cleaned)]
    if not faults:
        faults += [*_of_settings(known, cleaned), *_of_secrets(known, cleaned, secrets)]
    if faults:
        raise InvalidInput(faults)
    return cleaned


def _not_an_option(known: inbound.Provider) -> str:
    takes = f"it takes {', '.join(known.options)}" if known.options else "it takes none"
    return f"is no option of the provider {known.name}; {takes}"


def _of_settings(known: inbound.Provider, verification: Mapping[str, Any]) -> Iterator[FieldError]:
    if url := verification.get("jwks_url"):
        try:
            host = jwks.parse_url(url).host
        except urls.InvalidUrl as error:
            yield FieldError("/verification/jwks_url", str(error))
        else:
            if host in outbound.own_hosts():
                yield FieldError("/verification/jwks_url", "names this service itself, which issues no such tokens")
    if known.name == "mtls" and not conf.PROXY_CIDRS:
        detail = "needs WEBHOOKS_PROXY_CIDRS: without it no proxy's word on client certificates counts"
        yield FieldError("/provider", detail)


def _of_secrets(known: inbound.Provider, verification: Mapping[str, Any], secrets: list[str]) -> Iterator[FieldError]:
    kind = known.secrets_of(verification)
    if kind == "none" and secrets:
        yield FieldError("/secrets", f"are not used by the provider {known.name} with this verification; send none")
    elif kind == "given" and not secrets:
        yield FieldError("/secrets", f"takes the secret that {known.name} gives you; without one nothing is verified")
    elif verification.get("auth") == "basic" and not secrets:
        yield FieldError("/secrets", "takes user:password for auth basic")
    for n, secret in enumerate(secrets):
        try:
            known.check_secret(secret)
            if known.name == "custom":
                inbound.check_custom_key(verification, secret)
            if verification.get("auth") == "basic" and ":" not in secret:
                raise ValueError("takes user:password for auth basic")
        except ValueError as error:
            yield FieldError(f"/secrets/{n}", str(error))


# --- one check for each field: the value in, the clean value out


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise Refused(("", f"takes text of 1 to {MAX_NAME} characters, without control characters"))
    return value.strip()


def _provider(value: Any) -> str:
    if not isinstance(value, str) or value not in inbound.PROVIDERS:
        raise Refused(("", f"takes one of {', '.join(inbound.PROVIDERS)}"))
    return value


def _secrets(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_SECRETS:
        raise Refused(("", f"takes a list of at most {MAX_SECRETS} texts, newest first"))
    faults = [(f"/{n}", fault) for n, secret in enumerate(value) if (fault := secret_fault(secret))]
    if faults:
        raise Refused(*faults)
    return list(dict.fromkeys(value))


def secret_fault(secret: Any) -> str | None:
    """Why this can be no secret.

    Attacks: an empty one, with which anybody can sign; one that differs from another in trailing NULs only, which
    HMAC takes for the same (RFC 2104).
    """
    if not isinstance(secret, str) or not MIN_SECRET <= len(secret) <= MAX_SECRET:
        return f"takes text of {MIN_SECRET} to {MAX_SECRET} characters"
    if secret == headers.MASK:
        return STILL_MASKED
    if not secret.isprintable() or secret != secret.strip():
        return "cannot hold control characters, or blanks at its ends"
    return None


def _verification(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(("", "takes an object with the provider's options"))
    return dict(value)


def _allowed_ips(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_NETWORKS:
        raise Refused(("", f"takes a list of at most {MAX_NETWORKS} networks, such as 192.0.2.0/24"))
    faults, found = [], []
    for n, text in enumerate(value):
        try:
            if not isinstance(text, str) or "%" in text:
                raise ValueError("it is no text, or has a zone")
            network = ipaddress.ip_network(text.strip())
            if network.version == 6 and network.network_address.ipv4_mapped is not None:
                raise ValueError("write the IPv4 network itself")
            found.append(str(network))
        except ValueError as error:
            faults.append((f"/{n}", f"takes a network such as 192.0.2.0/24 or 2001:db8::/32: {error}"))
    if faults:
        raise Refused(*faults)
    return list(dict.fromkeys(found))


def _rate_limit(value: Any) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or "limit" not in value:
        raise Refused(("", 'takes {"limit": 600, "period": 60} (600 requests in 60 seconds), or null'))
    faults = [(f"/{escape(name)}", "is not a known field") for name in {*value} - {"limit", "period"}]
    limit, period = value["limit"], value.get("period", 1)
    if type(limit) is not int or not 1 <= limit <= MAX_RATE:
        faults.append(("/limit", f"takes a whole number of requests from 1 to {MAX_RATE}"))
    if isinstance(period, bool) or not isinstance(period, int | float) or not 1 <= period <= MAX_PERIOD:
        faults.append(("/period", f"takes a number of seconds from 1 to {MAX_PERIOD}"))
    if faults:
        raise Refused(*faults)
    return {"limit": limit, "period": period}


def _schema(value: Any) -> str | None:
    """JSON Schema as text."""
    if value is None:
        return None
    try:
        text = jsonvalues.write(value)
        compile_schema(jsonvalues.read(text), max_bytes=conf.MAX_SCHEMA_BYTES)
    except UnsafeSchema as error:
        raise Refused(*error.faults) from None
    except ValueError as error:
        raise Refused(("", str(error))) from None
    return text


def _between(low: int, high: Callable[[], int], unit: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high():
            raise Refused(("", f"takes a whole number of {unit} from {low} to {high()}"))
        return value

    return check


_TEMPLATE = re.compile(r"\{[^{}]*\}")


def _event_type(value: Any) -> str:
    if not isinstance(value, str) or any(part != "{type}" for part in _TEMPLATE.findall(value)):
        raise Refused(("", "takes an event type in which {type} may stand, such as github.{type}"))
    try:
        patterns.check_event_type(value.replace("{type}", "x"))
    except patterns.InvalidPattern as error:
        raise Refused(("", f"{error}; {{type}} may stand in it for the provider's own type")) from None
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(("", "takes true or false"))
    return value


def _forward_to(value: Any) -> dict[str, str] | None:
    return None if value is None else endpoint_destination.check(value)


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "provider": _provider,
    "secrets": _secrets,
    "verification": _verification,
    "allowed_ips": _allowed_ips,
    "rate_limit": _rate_limit,
    "schema": _schema,
    "max_bytes": _between(1, lambda: conf.MAX_RECEIVED_BYTES, "bytes"),
    "tolerance": _between(1, lambda: MAX_TOLERANCE, "seconds"),
    "event_type": _event_type,
    "forward": _boolean,
    "forward_to": _forward_to,
    "active": _boolean,
}
_KNOWN = f"known: {', '.join(CHECKS)}"
