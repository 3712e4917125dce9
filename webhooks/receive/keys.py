"""What a receiver trusts: shared secrets, public keys, and sets of public keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhooks.core import signatures
from webhooks.receive.failures import BadSecret

Secret: TypeAlias = str | Mapping[str, Any]
Secrets: TypeAlias = Secret | Sequence[Secret]

_SHARED, _PUBLIC, _PRIVATE = "whsec_", "whpk_", "whsk_"


@dataclass(slots=True)
class Keys:
    """Parsed secrets. ``texts``: whole secret strings; ``decoded``: the bytes behind whsec_; ``named``: by ``kid``."""

    texts: list[bytes] = field(default_factory=list, repr=False)
    decoded: list[bytes] = field(default_factory=list, repr=False)
    public: list[Ed25519PublicKey] = field(default_factory=list)
    named: dict[str, Ed25519PublicKey] = field(default_factory=dict)

    @classmethod
    def parse(cls, secrets: Secrets, *, decode: bool = True) -> Keys:
        """Raises :class:`BadSecret`. ``decode``: ``whsec_`` has to be followed by base64, as Clarion's secrets are.

        Attack: an empty secret, of a setting that was forgotten, verifies what anybody has signed.
        """
        given = [secrets] if isinstance(secrets, str | Mapping) else list(secrets)
        if not given:
            raise BadSecret("There is no secret to check the signature with.")
        keys = cls()
        for secret in given:
            if isinstance(secret, Mapping):
                keys._add_set(secret)
            else:
                keys._add_text(secret, decode)
        return keys

    def _add_text(self, secret: str, decode: bool) -> None:
        if not secret or secret != secret.strip():
            raise BadSecret("A secret is empty, or has a blank or a line break at one of its ends.")
        if secret.startswith(_PRIVATE):
            raise BadSecret("A private key (whsk_) is the sender's: a receiver needs the public one (whpk_).")
        try:
            if secret.startswith(_PUBLIC):
                self.public.append(signatures.public_key_of(secret))
                return
            self.texts.append(secret.encode())
            if decode and secret.startswith(_SHARED):
                self.decoded.append(signatures.key_of(secret))
        except ValueError as error:
            raise BadSecret(f"A secret cannot be used: {error}.") from None

    def _add_set(self, document: Mapping[str, Any]) -> None:
        """A JWKS document. Keys of other kinds are passed over; one without an ed25519 key is refused."""
        listed = document.get("keys")
        if not isinstance(listed, Sequence):
            raise BadSecret("A JWKS document has a list of keys.")
        try:
            found = {str(key["kid"]): signatures.public_key_of_jwk(key) for key in listed if _is_ed25519(key)}
        except ValueError as error:
            raise BadSecret(f"A key of the JWKS document cannot be used: {error}.") from None
        if not found:
            raise BadSecret("The JWKS document holds no ed25519 key with a kid.")
        self.named.update(found)


def _is_ed25519(key: object) -> bool:
    return isinstance(key, Mapping) and key.get("crv") == "Ed25519" and isinstance(key.get("kid"), str)
