"""Custom request headers of an endpoint, and headers as they are stored, logged and shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

MAX_HEADERS = 20
MAX_VALUE_LENGTH = 4096  # characters; common servers refuse a request head of more than 8 KiB
MASK = "********"

# RFC 9110 section 5.6.2 token; \Z, because $ would let a trailing newline through.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?\Z")

_FRAMING = "it belongs to the connection, which Clarion manages"
_ORIGIN = "it tells where a request comes from, and receivers trust it"
_SIGNED = "Clarion sets it on every delivery"
_METADATA = "it unlocks the metadata services of cloud providers"
# Lower-case name (or prefix, with the star) -> why a tenant may not set it.
_REFUSED = {
    **dict.fromkeys(
        (
            "host",
            "content-length",
            "content-encoding",
            "transfer-encoding",
            "te",
            "trailer",
            "connection",
            "keep-alive",
            "proxy-*",
            "upgrade",
            "http2-settings",
            "expect",
            "range",
            "accept-encoding",
        ),
        _FRAMING,
    ),
    **dict.fromkeys(("forwarded", "x-forwarded-*", "x-real-ip", "via"), _ORIGIN),
    **dict.fromkeys(
        (
            "webhook-*",
            "svix-*",
            "ce-*",
            "x-webhook-*",
            "x-hub-signature*",
            "stripe-signature",
            "signature*",
            "content-digest",
            "repr-digest",
            "digest",
            "idempotency-key",
            "x-correlation-id",
            "user-agent",
        ),
        _SIGNED,
    ),
    **dict.fromkeys(("metadata", "metadata-flavor", "x-aws-ec2-metadata-token*", "x-google-*"), _METADATA),
    "content-type": "use the endpoint's content_type setting",
    "cookie": "Clarion keeps no cookies; use the endpoint's auth settings",
}
_REFUSED_NAMES = {name: why for name, why in _REFUSED.items() if not name.endswith("*")}
_REFUSED_PREFIXES = {name[:-1]: why for name, why in _REFUSED.items() if name.endswith("*")}

# A value under such a name is a credential. Signature headers are not masked: a signature proves knowledge
# of the secret without telling it, is bound to one message and minute, and is compared when debugging.
_SECRET_NAMES = frozenset({"authorization", "proxy-authorization", "cookie", "cookie2", "set-cookie", "set-cookie2"})
_SECRET_PARTS = re.compile(
    r"token|secret|passw|passphrase|pwd|jwt|api[-_]?key|access[-_]?key|private[-_]?key|credential|session"
    r"|(?:^|[-_])auth(?:[-_]|$)|(?:^|[-_])key$"
)
# Keys that open nothing.
_PUBLIC_NAMES = frozenset({"idempotency-key", "surrogate-key", "cache-key", "x-cache-key", "sec-websocket-key"})
_AUTH_SCHEME = re.compile(r"(?i)(basic|bearer|digest|token|apikey) ")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_custom_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the faults of a tenant's headers as ``(name, message)``; an empty list means all are fine.

    Attack: ``Transfer-Encoding`` beside our ``Content-Length`` smuggles a second request, a line break
    forges headers, ``X-Forwarded-For`` or ``Metadata-Flavor`` borrows our place in the network, and a
    second ``webhook-signature`` confuses verifiers.
    """
    faults = []
    if len(headers) > MAX_HEADERS:
        faults.append(("", f"There are {len(headers)} headers; at most {MAX_HEADERS} are allowed."))
    seen: set[str] = set()
    for name, value in headers.items():
        fault = _fault(name, value)
        if fault is None and name.lower() in seen:
            fault = "The header is there twice; names differ by more than upper and lower case."
        if fault is not None:
            faults.append((str(name), fault))
        else:
            seen.add(name.lower())
    return faults


def mask_headers(headers: Mapping[str, str], extra_secret: Collection[str] = ()) -> dict[str, str]:
    """A copy to store or log: credentials replaced by a mask (the scheme word of Authorization stays).

    ``extra_secret``: further names, in any case, whose values are secrets (the endpoint's API key header).
    """
    extra = {name.lower() for name in extra_secret}
    return {name: _masked(value) if _is_secret(name.lower(), extra) else value for name, value in headers.items()}


def mask_pairs(headers: Iterable[tuple[str, str]], extra_secret: Collection[str] = ()) -> list[tuple[str, str]]:
    """The same for headers that came from a peer, which may hold a name several times: cookies and new tokens.

    ``extra_secret``: further names, in lower case.
    """
    return [(name, _masked(value) if _is_secret(name.lower(), extra_secret) else value) for name, value in headers]


def clean_stored(value: bytes | str, limit: int) -> str:
    """Text of a peer, fit for a database and a terminal: no controls, at most ``limit`` characters.

    Attack: NUL makes PostgreSQL refuse the row, ESC and CR rewrite a terminal or forge a log line. Bytes are
    UTF-8, else Latin-1 (which RFC 9110 calls obsolete text).
    """
    if isinstance(value, bytes):
        value = _decode(value)
    if not value.isprintable():
        value = _CONTROL.sub("", value).encode(errors="replace").decode()
    return value[:limit]


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _fault(name: object, value: object) -> str | None:
    if not isinstance(name, str) or not _NAME.match(name):
        return "The name must have 1 to 64 letters, digits, hyphens or other token characters."
    if why := _refusal(name.lower()):
        return f"{name} cannot be set: {why}."
    if not isinstance(value, str):
        return "The value must be text."
    if len(value) > MAX_VALUE_LENGTH:
        return f"The value is longer than {MAX_VALUE_LENGTH} characters."
    if not _VALUE.match(value):
        return "The value must be visible ASCII text, without line breaks and without blanks at the ends."
    return None


def _refusal(name: str) -> str | None:
    if why := _REFUSED_NAMES.get(name):
        return why
    return next((why for prefix, why in _REFUSED_PREFIXES.items() if name.startswith(prefix)), None)


def _is_secret(name: str, extra: Collection[str]) -> bool:
    if name in _SECRET_NAMES or name in extra:
        return True
    return name not in _PUBLIC_NAMES and _SECRET_PARTS.search(name) is not None


def _masked(value: str) -> str:
    scheme = _AUTH_SCHEME.match(value)
    return f"{scheme[0]}{MASK}" if scheme else MASK
