"""Client certificates of endpoints with mutual TLS: PEM texts, checked as a whole and written canonically."""

from __future__ import annotations

import re
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from webhooks.errors import ClarionError

MAX_PEM = 32_768  # characters: a chain of a few certificates with RSA keys of 4096 bits
MAX_CHAIN = 10  # certificates; OpenSSL follows about as many
MIN_RSA_BITS = 2048  # what OpenSSL's default security level still takes is less, and too little

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_KINDS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)
_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class UnusableCertificate(ClarionError):
    """The certificate cannot be used; the message is a sentence and holds nothing of the texts."""


class UnusableKey(ClarionError):
    """The private key cannot be used; the message is a sentence and holds nothing of the texts."""


def read_chain(text: str, now: datetime) -> tuple[str, x509.Certificate]:
    """The chain as canonical PEM, and its first certificate, which is the client's own.

    Attack: a private key pasted below the certificate, which answers and forms show.
    Raises :class:`UnusableCertificate`.
    """
    if len(text) > MAX_PEM:
        raise UnusableCertificate(f"has more than {MAX_PEM} characters")
    kinds = _BLOCK.findall(text)
    if any("PRIVATE KEY" in kind for kind in kinds):
        raise UnusableCertificate("holds a private key; it belongs into private_key, which is kept secret")
    if not kinds or set(kinds) != {"CERTIFICATE"}:
        raise UnusableCertificate("takes PEM text: -----BEGIN CERTIFICATE----- and so on, the client's own first")
    if len(kinds) > MAX_CHAIN:
        raise UnusableCertificate(f"holds {len(kinds)} certificates; at most {MAX_CHAIN} are allowed")
    try:
        chain = x509.load_pem_x509_certificates(text.encode())
        own, *issuers = chain
        _check_chain(own, issuers)
        _check_own(own, now)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableCertificate("is not a readable X.509 certificate in PEM") from None
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in chain), own


def read_key(text: str, certificate: x509.Certificate | None) -> str:
    """The key as canonical PEM (PKCS #8, unencrypted); None as ``certificate``: whatever it belongs to.

    Raises :class:`UnusableKey`, also for a key that is not the certificate's.
    """
    if len(text) > MAX_PEM:
        raise UnusableKey(f"has more than {MAX_PEM} characters")
    if len(_BLOCK.findall(text)) != 1:
        raise UnusableKey("takes one private key as PEM text: -----BEGIN PRIVATE KEY----- and so on")
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise UnusableKey("is encrypted; send it without a passphrase, it is encrypted where it is stored") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("is not a readable private key in PEM") from None
    _check_kind(key)
    if certificate is not None and key.public_key().public_bytes(*_SPKI) != certificate.public_key().public_bytes(
        *_SPKI
    ):
        raise UnusableKey("does not belong to the certificate, whose first one must be the client's own")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def _check_chain(own: x509.Certificate, issuers: list[x509.Certificate]) -> None:
    for subject, issuer in zip([own, *issuers], issuers, strict=False):
        if subject.issuer != issuer.subject:
            raise UnusableCertificate("is not in order: each certificate must be followed by the one that issued it")


def _check_own(own: x509.Certificate, now: datetime) -> None:
    if now >= own.not_valid_after_utc:
        raise UnusableCertificate(f"expired on {own.not_valid_after_utc:%Y-%m-%d}")
    if now < own.not_valid_before_utc:
        raise UnusableCertificate(f"is not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    try:
        usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage):
        raise UnusableCertificate("is not made for clients: its extended key usage lacks clientAuth")


def _check_kind(key: PrivateKeyTypes) -> None:
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise UnusableKey(f"is too weak: RSA keys have at least {MIN_RSA_BITS} bits")
    if not isinstance(key, _KINDS):
        raise UnusableKey("is of a kind that TLS does not use; RSA, EC, Ed25519 and Ed448 are possible")
