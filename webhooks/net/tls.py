"""TLS settings: always verified, TLS 1.2 or later, optionally with a client certificate of the endpoint."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache

import certifi


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Certificate (chain) and unencrypted private key of an mTLS endpoint, both PEM."""

    certificate: str
    private_key: str = field(repr=False)


class TlsContexts:
    """One context for all endpoints without a client certificate, and one for each certificate in use.

    Contexts are shared by threads; nobody may change one after it was made, verification least of all.
    """

    # A context holds the parsed CA bundle, about 1 MB.
    MAX_CONTEXTS = 64

    def __init__(self, ca_bundle: str = "") -> None:
        self._ca_bundle = ca_bundle or certifi.where()
        self._get = lru_cache(maxsize=self.MAX_CONTEXTS)(self._make)

    def get(self, identity: ClientCertificate | None = None) -> ssl.SSLContext:
        """The context for ``identity``. ssl.SSLError or ValueError when its PEM texts are no good."""
        return self._get(identity)

    def _make(self, identity: ClientCertificate | None) -> ssl.SSLContext:
        context = verifying(self._ca_bundle)
        context.set_alpn_protocols(["http/1.1"])
        if identity is not None:
            _load_identity(context, identity)
        return context


def verifying(ca_bundle: str = "") -> ssl.SSLContext:
    """A new context that checks certificates against names. ``ca_bundle``: a PEM file, "" for certifi's."""
    context = ssl.create_default_context(cafile=ca_bundle or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def usable(identity: ClientCertificate) -> bool:
    """Whether OpenSSL takes the certificate and its key, under the rules it will be used with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        _load_identity(context, identity)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _load_identity(context: ssl.SSLContext, identity: ClientCertificate) -> None:
    """OpenSSL reads the key from a file only: a nameless one in memory where the system has it."""
    pem = f"{identity.certificate}\n{identity.private_key}\n".encode()
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("identity")
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # mode 0600
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name, password=_no_password)


def _no_password() -> str:
    """Without this, OpenSSL would ask for an encrypted key's password on the terminal of the worker."""
    return ""
