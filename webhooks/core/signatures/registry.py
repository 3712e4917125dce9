"""All schemes, and how one request is signed by several of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from webhooks.core.signatures import github, plain_hex, rfc9421, standard, standard_ed25519, stripe
from webhooks.core.signatures.keys import KeyPair, SharedSecret
from webhooks.core.signatures.message import Outgoing, Scheme
from webhooks.errors import ClarionError

K = TypeVar("K", SharedSecret, KeyPair)

_SHARED: dict[str, Scheme[SharedSecret]] = {
    module.SCHEME.name: module.SCHEME for module in (standard, plain_hex, github, stripe)
}
_PAIRED: dict[str, Scheme[KeyPair]] = {module.SCHEME.name: module.SCHEME for module in (standard_ed25519, rfc9421)}

# Every scheme by name.
SCHEMES: dict[str, Scheme[SharedSecret] | Scheme[KeyPair]] = {**_SHARED, **_PAIRED}
DEFAULT = ("standard", "hex")  # schemes of an endpoint that asks for none
ASYMMETRIC = frozenset(_PAIRED)  # those for which an endpoint needs an ed25519 key


class NoSigningKey(ClarionError):
    """There is no valid key for a signature scheme of the webhook."""


class Signer:
    """Signs the requests of one endpoint; its keys are parsed once. Safe for threads.

    Keys stand newest first. During a rotation every valid one signs where a scheme has room for several
    signatures (``standard``, ``standard-ed25519``, ``stripe``, ``rfc9421``); the newest alone where it has not
    (``hex``, ``github``).
    """

    __slots__ = ("_paired", "_pairs", "_secrets", "_shared")

    def __init__(
        self, schemes: Collection[str], secrets: Sequence[SharedSecret], pairs: Sequence[KeyPair] = ()
    ) -> None:
        self._shared = tuple(scheme.sign for name, scheme in _SHARED.items() if name in schemes)
        self._paired = tuple(scheme.sign for name, scheme in _PAIRED.items() if name in schemes)
        self._secrets = tuple(secrets)
        self._pairs = tuple(pairs)

    def headers(self, request: Outgoing) -> dict[str, str]:
        """All signature headers of one request. Raises :class:`NoSigningKey`: nothing leaves unsigned."""
        made = {"webhook-id": request.id, "webhook-timestamp": str(request.timestamp)}
        if self._shared:
            secrets = _valid(self._secrets, request.timestamp)
            for sign in self._shared:
                made.update(sign(secrets, request))
        if self._paired:
            pairs = _valid(self._pairs, request.timestamp)
            for sign_paired in self._paired:
                for name, value in sign_paired(pairs, request).items():
                    made[name] = f"{made[name]} {value}" if name in made else value
        return made


def _valid(keys: Sequence[K], timestamp: int) -> list[K]:
    valid = [key for key in keys if key.last >= timestamp]
    if not valid:
        raise NoSigningKey
    return valid
