"""OAuth 2.0 client credentials (RFC 6749 section 4.4): the request for a token, and a strict reading of its answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from webhooks.core.urls import CanonicalUrl
from webhooks.errors import ClarionError

# How the client says who it is at the token endpoint: the names of RFC 7591 section 2. Basic is what every server
# must support (RFC 6749 section 2.3.1); the other way is never tried unasked, because two log-ins with one wrong
# secret lock accounts.
BASIC, POST = "client_secret_basic", "client_secret_post"
METHODS = (BASIC, POST)

MAX_TOKEN = 8192  # characters; common servers refuse a request head of more than 8 to 16 KiB
MAX_LIFETIME = 86_400  # seconds a token is used at most, whatever the server promises
DEFAULT_LIFETIME = 300  # seconds, when the server does not say
BODY_LIMIT = 65_536  # bytes of the answer; a token with everything around it is far smaller

# Section 5.2. Of a refusal nothing else is repeated: its texts are the server's, and could echo the secret.
_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")  # appendix A.12 without the blank, which would end the credentials


class TokenRefused(ClarionError):
    """The token endpoint gave no usable token; the message is a sentence that holds nothing of its answer."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who asks for a token, where, and what for. ``method``: one of METHODS."""

    token_url: CanonicalUrl
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    method: str = BASIC

    @property
    def fingerprint(self) -> str:
        """Changes with every part, so that a token of before a change is not used after it."""
        parts = [self.token_url.url, self.client_id, self.client_secret, self.scope, self.method]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the seconds it is good for."""

    value: str = field(repr=False)
    lifetime: float


def request(credentials: ClientCredentials) -> tuple[dict[str, str], bytes]:
    """Headers and body of the token request (sections 4.4.2 and 2.3.1)."""
    fields = {"grant_type": "client_credentials"}
    if credentials.scope:
        fields["scope"] = credentials.scope
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if credentials.method == POST:
        fields |= {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    else:
        # Both are form-encoded first, so a colon or a percent sign in them keeps its meaning.
        pair = f"{quote_plus(credentials.client_id)}:{quote_plus(credentials.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers, urlencode(fields).encode()


def read_answer(status: int, body: bytes, *, whole: bool) -> Token:
    """The token of an answer (section 5.1); raises :class:`TokenRefused`. ``whole``: the body was not cut off.

    Attack: a server whose token ends the header and begins another, whose lifetime never ends, or whose error
    text repeats the secret it was sent.
    """
    if status != 200:
        raise TokenRefused(_refusal(status, body))
    if not whole:
        raise TokenRefused(f"Its answer is not complete, or longer than {BODY_LIMIT} bytes.")
    answer = _object(body)
    if answer is None:
        raise TokenRefused("Its answer is not a JSON object.")
    value, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(value, str) or not _TOKEN.match(value) or len(value) > MAX_TOKEN:
        raise TokenRefused(f"Its answer has no access_token of 1 to {MAX_TOKEN} visible ASCII characters.")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenRefused("Its answer has no token_type Bearer.")
    return Token(value, _lifetime(answer.get("expires_in")))


def _lifetime(seconds: Any) -> float:
    """``expires_in``; some servers write the number as text."""
    if seconds is None:
        return DEFAULT_LIFETIME
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,12}", seconds):
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise TokenRefused("Its answer has an expires_in that is no positive number of seconds.")
    return float(min(seconds, MAX_LIFETIME))


def _refusal(status: int, body: bytes) -> str:
    if 300 <= status < 400:
        return f"It answered with a redirect (HTTP {status}), which is not followed."
    error = (_object(body) or {}).get("error") if status in (400, 401) else None
    known = f", {error}" if isinstance(error, str) and error in _ERRORS else ""
    return f"It answered HTTP {status}{known}."


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Attack: two access tokens in one object, of which readers take different ones."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _no_constant(text: str) -> float:
    raise ValueError(text)
