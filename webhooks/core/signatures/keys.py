"""Secrets and key pairs: how they are made, written as text and read.

``whsec_``: standard base64 of a shared secret (Standard Webhooks 1.0). ``whsk_`` and ``whpk_``: the private and
the public half of an ed25519 key (v1a). A private key is written as seed and public key, 64 bytes; the seed
alone, 32 bytes, is read as well, because libraries differ.
"""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
SECRET_BYTES = 32  # 256 bits, the size of the hash; the specification asks for 24 to 64
KEY_BYTES = 32  # an ed25519 seed, and a public key (RFC 8032)
ALWAYS = 1 << 62  # unix seconds; later than any timestamp


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A parsed ``whsec_`` secret, in clear: never log it. ``last``: the last unix second that it signs."""

    text: bytes = field(repr=False)  # the whole string: the key of hex, github and stripe
    key: bytes = field(repr=False)  # the bytes behind whsec_: the key of standard
    last: int = ALWAYS

    @classmethod
    def parse(cls, secret: str, until: datetime | None = None) -> SharedSecret:
        """Raises ValueError for what is no secret. ``until``: when it stops to sign."""
        return cls(secret.encode(), key_of(secret), _last(until))


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A parsed ed25519 key. ``id``: its name for receivers, the ``kid`` of the JWKS and ``keyid`` of RFC 9421."""

    id: str
    private: Ed25519PrivateKey = field(repr=False)
    last: int = ALWAYS

    @classmethod
    def parse(cls, id: str, private_text: str, until: datetime | None = None) -> KeyPair:
        """Raises ValueError for what is no ``whsk_`` key."""
        return cls(id, private_key_of(private_text), _last(until))


def generate_secret() -> str:
    """A fresh secret: ``whsec_`` and the standard base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The HMAC key of a ``whsec_`` secret. Raises ValueError for anything that is not one.

    Attack: an empty or half-decoded key signs with something that anybody can guess.
    """
    return _decoded(SECRET_PREFIX, secret, "a signing secret is whsec_ and standard base64")


def generate_private_key() -> str:
    """A fresh ed25519 key: ``whsk_`` and the standard base64 of seed and public key, 64 bytes."""
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return PRIVATE_PREFIX + base64.b64encode(raw).decode()


def private_key_of(text: str) -> Ed25519PrivateKey:
    """The key of a ``whsk_`` text of 32 or 64 bytes. Raises ValueError, also when the two halves do not fit."""
    raw = _decoded(PRIVATE_PREFIX, text, "a private key is whsk_ and standard base64")
    if len(raw) not in (KEY_BYTES, 2 * KEY_BYTES):
        raise ValueError("a private key has 32 bytes, or 64 with its public key")
    private = Ed25519PrivateKey.from_private_bytes(raw[:KEY_BYTES])
    if raw[KEY_BYTES:] not in (b"", private.public_key().public_bytes_raw()):
        raise ValueError("the public half of the private key belongs to another one")
    return private


def public_key_of(text: str) -> Ed25519PublicKey:
    """The key of a ``whpk_`` text. Raises ValueError."""
    raw = _decoded(PUBLIC_PREFIX, text, "a public key is whpk_ and standard base64")
    if len(raw) != KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def public_text(private: Ed25519PrivateKey) -> str:
    """The ``whpk_`` text of a key's public half."""
    return PUBLIC_PREFIX + base64.b64encode(private.public_key().public_bytes_raw()).decode()


def jwk(id: str, public: str) -> dict[str, str]:
    """A ``whpk_`` text as JSON Web Key (RFC 8037 section 2)."""
    raw = base64.b64decode(public.removeprefix(PUBLIC_PREFIX))
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "use": "sig", "alg": "EdDSA"}


def public_key_of_jwk(key: Mapping[str, object]) -> Ed25519PublicKey:
    """The key of a JSON Web Key for ed25519 (RFC 8037 section 2). Raises ValueError for anything else."""
    x = key.get("x")
    if (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519") or not isinstance(x, str):
        raise ValueError("a key of the set is no ed25519 key (kty OKP, crv Ed25519, x)")
    raw = base64.b64decode(x + "=" * (-len(x) % 4), altchars=b"-_", validate=True)
    if len(raw) != KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def _decoded(prefix: str, text: str, fault: str) -> bytes:
    try:
        raw = base64.b64decode(text.removeprefix(prefix), validate=True)
    except ValueError as error:
        raise ValueError(fault) from error
    if not text.startswith(prefix) or not raw:
        raise ValueError(fault)
    return raw


def _last(until: datetime | None) -> int:
    """The last second that is over before ``until``: a secret that was ended now does not sign once more."""
    return ALWAYS if until is None else math.floor(until.timestamp()) - 1
