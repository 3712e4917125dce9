"""``verify``: does this request come from the sender, and is it of now?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from webhooks.core.signatures import (
    TOLERANCE,
    InvalidSignature,
    Received,
    StaleSignature,
    github,
    plain_hex,
    rfc9421,
    standard,
    standard_ed25519,
    stripe,
)
from webhooks.core.signatures import MissingSignature as NoSignature
from webhooks.receive.failures import BadSecret, MissingSignature, StaleTimestamp, VerificationFailed, WrongSignature
from webhooks.receive.headers import Headers, Text, first, pairs
from webhooks.receive.keys import Keys, Secrets
from webhooks.receive.messages import Event, events, head

_KEY_ID = re.compile(r'keyid="([^"]{1,64})"')


@dataclass(frozen=True, slots=True)
class Verified:
    """A request whose signature fits.

    ``id``: what to recognise duplicates by. ``type``: of the event, ``webhook.batch`` for several. ``timestamp``: when
    it was signed, unix seconds; None where the scheme signs no time. ``unsigned``: those of the names ``id`` and
    ``type`` that stand in a header which this scheme does not cover, so that whoever recorded a request may have
    changed them.
    """

    id: str
    type: str
    timestamp: int | None
    scheme: str
    unsigned: frozenset[str]
    body: bytes = field(repr=False)
    headers: Sequence[tuple[str, Text]] = field(repr=False)

    def events(self) -> list[Event]:
        """The events in the body. Raises :class:`MalformedBody`."""
        return events(self.body, self.headers)


class _Check(NamedTuple):
    """``has_key``: whether the keys are of the kind this scheme needs. ``run`` returns the signed time, if any."""

    header: str
    has_key: Callable[[Keys], bool]
    run: Callable[[Keys, Received, float, float], int | None]
    signs_id: bool


def _standard(keys: Keys, received: Received, now: float, tolerance: float) -> int:
    standard.verify(keys.decoded, received, now, tolerance)
    return int(received.one("webhook-timestamp"))


def _standard_ed25519(keys: Keys, received: Received, now: float, tolerance: float) -> int:
    standard_ed25519.verify([*keys.public, *keys.named.values()], received, now, tolerance)
    return int(received.one("webhook-timestamp"))


def _rfc9421(keys: Keys, received: Received, now: float, tolerance: float) -> int:
    """Keys without a name are tried under each name that the request gives."""
    if keys.named:
        try:
            return rfc9421.verify(keys.named, received, now, tolerance)
        except InvalidSignature:
            if not keys.public:
                raise
    names = set(_KEY_ID.findall(received.one(rfc9421.INPUT.lower(), rfc9421.MAX_LIST)))
    for key in keys.public[:-1]:
        try:
            return rfc9421.verify(dict.fromkeys(names, key), received, now, tolerance)
        except InvalidSignature:
            continue
    return rfc9421.verify(dict.fromkeys(names, keys.public[-1]), received, now, tolerance)


def _stripe(keys: Keys, received: Received, now: float, tolerance: float) -> int:
    stripe.verify(keys.texts, received, now, tolerance)
    parts = (part.partition("=") for part in received.one("stripe-signature").split(","))
    return next(int(value) for name, _, value in parts if name == "t")


def _hex(keys: Keys, received: Received, _now: float, _tolerance: float) -> None:
    plain_hex.verify(keys.texts, received)


def _github(keys: Keys, received: Received, _now: float, _tolerance: float) -> None:
    github.verify(keys.texts, received)


def _has_text(keys: Keys) -> bool:
    return bool(keys.texts)


def _has_public(keys: Keys) -> bool:
    return bool(keys.public or keys.named)


_CHECKS = {
    "standard": _Check("webhook-signature", lambda keys: bool(keys.decoded), _standard, signs_id=True),
    "standard-ed25519": _Check("webhook-signature", _has_public, _standard_ed25519, signs_id=True),
    "rfc9421": _Check("signature-input", _has_public, _rfc9421, signs_id=True),
    "stripe": _Check("stripe-signature", _has_text, _stripe, signs_id=False),
    "hex": _Check("x-webhook-signature", _has_text, _hex, signs_id=False),
    "github": _Check("x-hub-signature-256", _has_text, _github, signs_id=False),
}
ALL = tuple(_CHECKS)
TIMED = ("standard", "standard-ed25519", "rfc9421", "stripe")  # schemes that sign the time of the request


def verify(
    body: bytes,
    headers: Headers,
    secrets: Secrets,
    *,
    schemes: Collection[str] | None = None,
    tolerance: float = TOLERANCE,
    now: float | None = None,
    method: str = "POST",
    url: str = "",
) -> Verified:
    """The request, if one of ``schemes`` proves that it was signed with one of ``secrets``.

    ``body``: the raw bytes as they arrived, never a body that was parsed and written again. ``headers``: a mapping, or
    pairs. ``secrets``: one or several of ``whsec_…``, ``whpk_…`` (a public key) and JWKS documents (mappings); during a
    rotation, the old and the new one. ``schemes``: names out of ``ALL``; without it those of ``TIMED``.
    ``tolerance``: seconds that the time may differ from ``now`` (unix seconds; the clock). ``url``: the URL that the
    webhook was registered with, for ``rfc9421`` only, which is left out without it.

    Raises :class:`VerificationFailed`: MissingSignature, WrongSignature or StaleTimestamp. Raises :class:`BadSecret`
    (a ValueError) when the secrets are none: that is the receiver's own fault, not the sender's.

    Attack: a recorded request, sent again without the signature that has a time. So ``hex`` and ``github``, which sign
    none, count only where they are asked for by name.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError("verify() needs the raw bytes of the body")
    chosen = _chosen(schemes, url)
    keys = Keys.parse(secrets, decode="standard" in chosen)
    usable = [name for name in chosen if _CHECKS[name].has_key(keys)]
    if not usable:
        raise BadSecret(f"None of the secrets is of the kind that {' or '.join(chosen)} needs.")
    lines = pairs(headers)
    received = Received(lines, bytes(body), method, url)
    at = time.time() if now is None else now
    failures: list[tuple[str, InvalidSignature]] = []
    for name in usable:
        if not any(key == _CHECKS[name].header for key, _ in lines):
            continue
        try:
            return _verified(name, received, _CHECKS[name].run(keys, received, at, tolerance))
        except InvalidSignature as error:
            failures.append((name, error))
    raise _failure(failures, usable)


def _chosen(schemes: Collection[str] | None, url: str) -> list[str]:
    if schemes is None:
        return [name for name in TIMED if url or name != "rfc9421"]
    names = [schemes] if isinstance(schemes, str) else list(schemes)
    if unknown := [name for name in names if name not in _CHECKS]:
        raise ValueError(f"there is no scheme {unknown[0]!r}; known are {', '.join(ALL)}")
    if "rfc9421" in names and not url:
        raise ValueError("rfc9421 needs url: the URL that the webhook was registered with")
    return names


def _failure(failures: Sequence[tuple[str, InvalidSignature]], tried: Sequence[str]) -> VerificationFailed:
    """The kind that says most: a right signature of another time, a wrong one, none at all."""
    if not failures:
        names = dict.fromkeys(_CHECKS[name].header for name in tried)
        return MissingSignature(f"None of the headers {', '.join(names)} is there.")
    message = " ".join(f"{name}: {error}" for name, error in failures)
    errors = [error for _, error in failures]
    if any(isinstance(error, StaleSignature) for error in errors):
        return StaleTimestamp(message)
    if all(isinstance(error, NoSignature) for error in errors):
        return MissingSignature(message)
    return WrongSignature(message)


def _verified(scheme: str, received: Received, timestamp: int | None) -> Verified:
    """Id and type out of what is signed, as far as it says them."""
    lines, body = received.headers, received.body
    signed = head(body)
    unsigned = set()
    id, type = (first(lines, "webhook-id") if _CHECKS[scheme].signs_id else signed.id), signed.type
    if not id:
        id = first(lines, "webhook-id")
        unsigned.add("id")
    if not type:
        type = first(lines, "x-webhook-event") or first(lines, "ce-type")
        unsigned.add("type")
    return Verified(id, type, timestamp, scheme, frozenset(unsigned), body, lines)
