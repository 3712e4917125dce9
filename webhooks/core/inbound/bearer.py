"""OAuth 2.0 Bearer tokens: JWTs (RFC 7519, RFC 9068) checked with the public keys of whoever issues them.

Attacks, all of which end as one 401: ``alg`` ``none``; HMAC with the public key as its secret (only asymmetric
algorithms are known here, and each only with keys of its kind); a key that the token brings along (``jwk``, ``jku``,
``x5u`` are never looked at); a token made for another audience or by another issuer; one without an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Option, Provider
from webhooks.core.signatures import InvalidSignature, MissingSignature, StaleSignature

MAX_TOKEN = 8192  # characters; common servers refuse a request head of more than 8 to 16 KiB
LEEWAY = 60  # seconds between the clock of the issuer and ours
MIN_RSA_BITS = 2048
# Each algorithm with the type of the keys it belongs to (RFC 7518 section 3.1, RFC 8037).
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")


def verify(recipe: Recipe, request: Request, now: float) -> None:
    """Raise :class:`InvalidSignature` unless ``Authorization`` holds a token that the source's options ask for."""
    token = _token(request)
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if algorithm not in ALGORITHMS or "crit" in header or not isinstance(kid, str):
        raise InvalidSignature("The token's algorithm is not allowed, or it asks for what is not known here.")
    for key in recipe.keyring.find(kid) if recipe.keyring else ():
        if fits(key, algorithm):
            _check(_claims(token, key, algorithm, recipe.options), recipe.options)
            return
    raise InvalidSignature("The token is signed with a key that its issuer does not publish.")


def fits(key: Any, algorithm: str) -> bool:
    """Whether a published key (``jwt.PyJWK``) is one for this algorithm: by its type, its own word, and its use."""
    said: Mapping[str, Any] = key._jwk_data
    if said.get("kty") != ALGORITHMS[algorithm] or said.get("alg", algorithm) != algorithm:
        return False
    if said.get("use", "sig") != "sig":
        return False
    return not isinstance(key.key, rsa.RSAPublicKey) or key.key.key_size >= MIN_RSA_BITS


def _token(request: Request) -> str:
    given = request.one("authorization", MAX_TOKEN + 16)
    if given[:7].lower() != "bearer ":
        raise MissingSignature("There is no Bearer token.")
    token = given[7:].strip(" ")
    if len(token) > MAX_TOKEN or not _TOKEN.match(token):
        raise InvalidSignature("The token is no JWT.")
    return token


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidSignature("The token is no JWT.") from None


def _claims(token: str, key: Any, algorithm: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=[algorithm], audience=wanted["audience"], issuer=wanted["issuer"],
            leeway=LEEWAY, options={"require": ["exp", "iss", "aud"]},
        )  # fmt: skip
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise StaleSignature("The token has expired, or is not valid yet.") from None
    except jwt.InvalidAudienceError:
        raise InvalidSignature("The token is made for another audience.") from None
    except jwt.InvalidIssuerError:
        raise InvalidSignature("The token is another issuer's.") from None
    except jwt.MissingRequiredClaimError as error:
        raise InvalidSignature(f"The token has no claim {error.claim}.") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidSignature("The token's signature does not fit.") from None
    return claims


def _check(claims: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if (subject := wanted.get("subject")) and claims.get("sub") not in subject:
        raise InvalidSignature("The token belongs to another subject.")
    if scope := wanted.get("scope"):
        granted = claims.get("scope", claims.get("scp", ""))
        granted = granted.split(" ") if isinstance(granted, str) else granted
        if not isinstance(granted, list) or not set(scope.split(" ")) <= {str(one) for one in granted}:
            raise InvalidSignature("The token lacks a scope.")


OPTIONS = {
    "jwks_url": Option(options.printable, "Where the issuer publishes its keys (RFC 7517): https.", required=True),
    "issuer": Option(options.printable, "Who must have issued the token (`iss`).", required=True),
    "audience": Option(options.texts(options.printable), "Whom it must be made for (`aud`).", required=True),
    "scope": Option(options.printable, "Scopes it must have, with blanks between them."),
    "subject": Option(options.texts(options.printable), "Whose it must be (`sub`): one of these."),
}
PROVIDER = Provider(
    "oauth2",
    "OAuth 2.0: a Bearer token (JWT), checked with the issuer's keys",
    verify,
    plain.read,
    secrets="none",
    options={**OPTIONS, **options.MAPPING},
    cloudevents=True,
)
