"""Keys of token issuers (JWK sets, RFC 7517): fetched by the guarded client, kept by each process, bounded.

Attacks: tokens with ever new key ids make us fetch without end: one fetch in _PAUSE seconds for each URL, whatever
comes of it. A key set that is endless, or that holds a shared secret to be used as one: bytes and keys are limited,
and only public keys are kept. A slow issuer: who waits for it is bounded, and the others go on with the keys there are.
No database connection is held meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
import structlog
from django.db import connection

from webhooks.conf import conf
from webhooks.core import urls
from webhooks.errors import Unavailable
from webhooks.net import outbound

log = structlog.get_logger(__name__)

MAX_BYTES = 262_144  # 256 KiB; the sets of large issuers have some ten KiB
MAX_KEYS = 100
_TIMEOUT = 3.0  # seconds: EventBridge waits five for our answer
_PAUSE = 30.0  # seconds between two fetches of one URL: a new key is known that soon
_MAX_AGE = 3600.0  # seconds after which a set is fetched again: a key that was taken back ends then
_STALE = 86_400.0  # seconds a set is used while its issuer cannot be reached
_SIZE = 1000  # URLs that a process remembers
_KINDS = ("RSA", "EC", "OKP")


@dataclass(slots=True)
class _Set:
    """The keys of one URL. ``lock``: held by whoever fetches them."""

    keys: tuple[Any, ...] = ()
    fetched_at: float = float("-inf")  # monotonic seconds of the last success
    tried_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_sets: OrderedDict[str, _Set] = OrderedDict()
_mutex = threading.Lock()


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys behind one URL, as :class:`webhooks.core.inbound.Keyring`."""

    url: str

    def find(self, kid: str) -> Sequence[Any]:
        """Keys a token with this ``kid`` may be signed with. Raises :class:`Unavailable` when none can be had.

        A token without ``kid`` is tried with each of the first few.
        """
        known = _of(self.url)
        if time.monotonic() - known.fetched_at > _MAX_AGE or not _matching(known.keys, kid):
            _refresh(self.url, known)
        if time.monotonic() - known.fetched_at > _STALE:
            raise Unavailable("The keys of the token's issuer cannot be fetched.")
        return _matching(known.keys, kid)


def forget() -> None:
    """Forget all keys."""
    with _mutex:
        _sets.clear()


def parse_url(text: str) -> urls.CanonicalUrl:
    """The URL of a key set, by the rules of webhook URLs. Raises :class:`urls.InvalidUrl`."""
    found = urls.parse_endpoint_url(text, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())
    if "{" in found.path_and_query:
        raise urls.InvalidUrl("The URL has a placeholder, which means nothing here.")
    return found


def _matching(keys: tuple[Any, ...], kid: str) -> list[Any]:
    return [key for key in keys if key.key_id == kid] if kid else list(keys[:5])


def _of(url: str) -> _Set:
    with _mutex:
        known = _sets.setdefault(url, _Set())
        _sets.move_to_end(url)
        while len(_sets) > _SIZE:
            _sets.popitem(last=False)
        return known


def _refresh(url: str, known: _Set) -> None:
    """Fetch, unless somebody did so a moment ago. Whoever has keys does not wait for another one's fetch."""
    if not known.lock.acquire(timeout=0.0 if known.keys else _TIMEOUT):
        return
    try:
        if time.monotonic() - known.tried_at < _PAUSE:
            return
        known.tried_at = time.monotonic()
        keys = _fetch(url)
        if keys:
            known.keys, known.fetched_at = keys, time.monotonic()
    finally:
        known.lock.release()


def _fetch(url: str) -> tuple[Any, ...]:
    if not connection.in_atomic_block:
        connection.close()
    try:
        target = parse_url(url)
    except urls.InvalidUrl as error:
        log.warning("jwks_refused", detail=str(error))
        return ()
    result = outbound.client().request(
        "GET", target, headers={"Accept": "application/json"}, timeout=_TIMEOUT, pool_key=("jwks", target.url),
        body_limit=MAX_BYTES,
    )  # fmt: skip
    if result.status != 200 or result.body_truncated or result.error is not None:
        log.warning("jwks_not_fetched", host=target.host, status=result.status, detail=result.detail)
        return ()
    return read_set(result.body)


def read_set(body: bytes) -> tuple[Any, ...]:
    """The public keys of a JWK set; what is unreadable or of another kind is left out (RFC 7517 section 5)."""
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    keys = []
    for one in listed[:MAX_KEYS] if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("kty") in _KINDS and "d" not in one:
            try:
                keys.append(jwt.PyJWK(one, algorithm=one.get("alg") or _ALGORITHM.get(str(one.get("crv")), "RS256")))
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
    return tuple(keys)


_ALGORITHM = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
