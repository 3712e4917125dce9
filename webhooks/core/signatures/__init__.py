"""Signatures over the bytes that are sent, one file for each scheme; ``SCHEMES`` is the one list of their names."""

from webhooks.core.signatures.keys import (
    KeyPair,
    SharedSecret,
    generate_private_key,
    generate_secret,
    jwk,
    key_of,
    private_key_of,
    public_key_of,
    public_key_of_jwk,
    public_text,
)
from webhooks.core.signatures.message import (
    TOLERANCE,
    InvalidSignature,
    MissingSignature,
    Outgoing,
    Received,
    StaleSignature,
)
from webhooks.core.signatures.registry import ASYMMETRIC, DEFAULT, SCHEMES, NoSigningKey, Signer

__all__ = [
    "ASYMMETRIC",
    "DEFAULT",
    "SCHEMES",
    "TOLERANCE",
    "InvalidSignature",
    "KeyPair",
    "MissingSignature",
    "NoSigningKey",
    "Outgoing",
    "Received",
    "SharedSecret",
    "Signer",
    "StaleSignature",
    "generate_private_key",
    "generate_secret",
    "jwk",
    "key_of",
    "private_key_of",
    "public_key_of",
    "public_key_of_jwk",
    "public_text",
]
