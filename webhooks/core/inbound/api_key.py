"""An API key in a header. It signs nothing: whoever sees one request can make others."""

from __future__ import annotations

import base64
import hashlib
import hmac

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Option, Provider
from webhooks.core.signatures import InvalidSignature
from webhooks.core.signatures.message import require_keys

HEADER = "X-Api-Key"
MAX_GIVEN = 4096  # characters of the header


def verify(recipe: Recipe, request: Request, now: float) -> None:
    """Raise :class:`InvalidSignature` unless the header holds one of the secrets."""
    name = recipe.options.get("header") or HEADER
    given = request.one(name.lower(), MAX_GIVEN)
    require_one_of(recipe.secrets, _without(recipe.options.get("prefix", ""), given))


def verify_basic(recipe: Recipe, request: Request, now: float) -> None:
    """The same for HTTP Basic (RFC 7617): each secret is ``user:password``."""
    given = request.one("authorization", MAX_GIVEN)
    expected = [base64.b64encode(secret.encode()).decode() for secret in recipe.secrets]
    require_one_of(expected, _without("Basic ", given))


def require_one_of(expected: list[str] | tuple[str, ...], given: str) -> None:
    """Attack: the time of a comparison tells how long a key is, and how much of a guess is right. Digests, of the
    same length whatever they are made of, are compared, all of them.
    """
    require_keys(expected)
    digest = hashlib.sha256(given.encode()).digest()
    matches = [hmac.compare_digest(hashlib.sha256(one.encode()).digest(), digest) for one in expected]
    if not any(matches):
        raise InvalidSignature("The key is none of the source's.")


def _without(prefix: str, given: str) -> str:
    """The scheme's word in front of a key, whose case does not matter (RFC 9110 section 11.1)."""
    if given[: len(prefix)].lower() != prefix.lower():
        raise InvalidSignature(f"The header does not begin with {prefix.strip()}.")
    return given[len(prefix) :]


def sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    """The header with the newest key."""
    name = recipe.options.get("header") or HEADER
    return {name: recipe.options.get("prefix", "") + recipe.secrets[0]}


HEADER_OPTION = Option(options.header_name, "The header that holds the key.", default=HEADER)
PREFIX_OPTION = Option(options.printable, "What stands in front of the key, such as `Bearer ` with its blank.")

PROVIDER = Provider(
    "api_key",
    "An API key in a header",
    verify,
    plain.read,
    secrets="generated",
    options={"header": HEADER_OPTION, "prefix": PREFIX_OPTION, **options.MAPPING},
    sign=sign,
    secret_headers=(HEADER.lower(),),
    cloudevents=True,
)
