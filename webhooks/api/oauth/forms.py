"""What a request to the authorization server holds: one form, and one way to say who the client is."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus, urlencode

from django.http import HttpRequest

from webhooks.api.oauth.errors import Refusal

MAX_BYTES = 8192  # of a form; the largest that makes sense has a tenth of this
MEDIA_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 32
_READ = ("grant_type", "scope", "token", "token_type_hint")  # all others are ignored, as the RFC wants it


@dataclass(frozen=True, slots=True)
class Form:
    """``body``: the fields that count. ``client``: id and secret, None when they are missing or cannot be read."""

    body: str
    client: tuple[str, str] | None


def read(request: HttpRequest) -> Form:
    """The form of a request. Raises :class:`Refusal`.

    Attack: secrets in the URL end in logs and in the history of proxies, so a query string is refused as a whole.
    """
    if request.META.get("QUERY_STRING"):
        raise Refusal("invalid_request", "send the parameters in the body, none in the URL")
    if request.content_type != MEDIA_TYPE:
        raise Refusal("invalid_request", f"the Content-Type must be {MEDIA_TYPE}")
    body = _body(request)
    try:
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:  # also UnicodeDecodeError
        raise Refusal("invalid_request", "the body is no form in UTF-8") from None
    known = _once(fields)
    return Form(urlencode({name: known[name] for name in _READ if name in known}), _client(request, known))


def _body(request: HttpRequest) -> str:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()) or int(length[:20]) > MAX_BYTES:
        raise Refusal("invalid_request", f"at most {MAX_BYTES} bytes are read here", status=413)
    try:
        return request.body.decode("ascii")
    except UnicodeDecodeError:
        raise Refusal("invalid_request", "the body is no form in UTF-8") from None


def _once(fields: list[tuple[str, str]]) -> dict[str, str]:
    """RFC 6749 section 3.2: parameters without a value count as absent, and none may be there twice."""
    found: dict[str, str] = {}
    for name, value in fields:
        if name in found:
            raise Refusal("invalid_request", "a parameter is there twice")
        if "\0" in value:
            raise Refusal("invalid_request", "a parameter holds the character U+0000")
        if value:
            found[name] = value
    return found


def _client(request: HttpRequest, fields: dict[str, str]) -> tuple[str, str] | None:
    """By the header (client_secret_basic) or in the body (client_secret_post), never both: section 2.3."""
    named, secret = fields.get("client_id"), fields.get("client_secret")
    scheme, _, sent = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not scheme:
        return (named, secret) if named and secret else None
    if secret is not None:
        raise Refusal("invalid_request", "send the secret in the header or in the body, not in both")
    client = _basic(sent.strip()) if scheme.lower() == "basic" else None
    if client and named is not None and named != client[0]:
        raise Refusal("invalid_request", "client_id differs from the one in the header")
    return client


def _basic(sent: str) -> tuple[str, str] | None:
    """Both halves are encoded as in a form before they are joined: section 2.3.1."""
    try:
        text = base64.b64decode(sent, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    name, colon, secret = text.partition(":")
    return (unquote_plus(name), unquote_plus(secret)) if colon else None
