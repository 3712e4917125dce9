"""Access tokens of OAuth 2.0 endpoints: kept until shortly before they expire, asked for once by all.

Invariant: for one endpoint and one set of credentials at most one token request is under way: threads of a process
share a flight, processes a lock in Redis whose holder's time has not run out. Whoever waits gets what the others got,
failures included. Without Redis the invariant holds for each process.

Tokens are kept in the memory of the process and, encrypted with WEBHOOKS_ENCRYPTION_KEYS, in Redis. Losing either
costs one request. No database here: nothing holds a connection while the token endpoint is asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from uuid import UUID, uuid4

from webhooks.core import oauth2
from webhooks.core.oauth2 import ClientCredentials, TokenRefused
from webhooks.errors import DecryptionFailed
from webhooks.guards import tokens
from webhooks.models.fields import decrypt, encrypt
from webhooks.net import outbound
from webhooks.net.deadline import Deadline
from webhooks.net.result import ErrorClass, ExchangeFailed, HttpResult

_EARLY = 30.0  # seconds before its end that a token is not used any more: the clocks and the request take some
_EARLY_SHARE = 0.1  # of its lifetime, when that is less
# Attack on the token endpoint: a receiver that answers 401 to everything. A token that was asked for because of a 401
# is not replaced because of another one for so long.
RENEWAL_PAUSE = 60.0  # seconds
_FAILURE_KEPT = 5.0  # seconds a failure is there for those who waited for it in other processes
_LOOK = 0.05  # seconds between two looks at what another process got
_LOCK_MARGIN = 1.0  # seconds on top of the time that the holder of the lock has left
_REMEMBERED = 10_000  # endpoints whose token a process keeps; as many as it keeps the configuration of


@dataclass(frozen=True, slots=True)
class _Entry:
    """A token, or why there was none (``error`` and ``detail``). Times are unix seconds.

    ``renewal``: it was asked for because the receiver refused the one before.
    """

    fingerprint: str
    at: float
    token: str = field(default="", repr=False)
    usable_until: float = 0.0
    renewal: bool = False
    error: str = ""
    detail: str = ""

    def serves(self, credentials: ClientCredentials, rejected: str) -> bool:
        fits = self.fingerprint == credentials.fingerprint and self.token not in ("", rejected)
        return fits and time.time() < self.usable_until


class _Flight:
    """A token request that several threads wait for."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.entry: _Entry | None = None


_remembered: OrderedDict[UUID, _Entry] = OrderedDict()
_flights: dict[tuple[UUID, str], _Flight] = {}
_mutex = threading.Lock()


def get(endpoint_id: UUID, credentials: ClientCredentials, seconds: float, rejected: str = "") -> str:
    """A token for the endpoint, within ``seconds``; raises :class:`ExchangeFailed` with a sentence for its owner.

    ``rejected``: the token that the receiver has just refused; another one is wanted.
    """
    deadline = Deadline(seconds)
    known = _recall(endpoint_id)
    if known and known.serves(credentials, rejected):
        return known.token
    key = (endpoint_id, credentials.fingerprint)
    while True:
        flight, mine = _board(key)
        if mine:
            try:
                flight.entry = _obtain(endpoint_id, credentials, deadline, rejected)
                _remember(endpoint_id, flight.entry)
            finally:
                _land(key, flight)
        elif not flight.landed.wait(max(0.0, deadline.remaining())):
            raise _late()
        entry = flight.entry
        if entry is None:
            raise ExchangeFailed(ErrorClass.INTERNAL_ERROR, "Clarion failed while asking for a token; see its log.")
        if entry.error:
            raise ExchangeFailed(ErrorClass(entry.error), entry.detail)
        if mine or entry.token != rejected:
            return entry.token
        # A flight that had begun before the receiver refused its token: once more.


def forget(endpoint_id: UUID | None = None) -> None:
    """Forget what this process remembers (of one endpoint)."""
    with _mutex:
        if endpoint_id is None:
            _remembered.clear()
        else:
            _remembered.pop(endpoint_id, None)


def _recall(endpoint_id: UUID) -> _Entry | None:
    with _mutex:
        return _remembered.get(endpoint_id)


def _remember(endpoint_id: UUID, entry: _Entry) -> None:
    if not entry.token:
        return
    with _mutex:
        _remembered[endpoint_id] = entry
        _remembered.move_to_end(endpoint_id)
        while len(_remembered) > _REMEMBERED:
            _remembered.popitem(last=False)


def _board(key: tuple[UUID, str]) -> tuple[_Flight, bool]:
    """The flight under way, or a new one that is the caller's to carry out."""
    with _mutex:
        known = _flights.get(key)
        if known is not None:
            return known, False
        _flights[key] = flight = _Flight()
        return flight, True


def _land(key: tuple[UUID, str], flight: _Flight) -> None:
    with _mutex:
        del _flights[key]
    flight.landed.set()


def _obtain(endpoint_id: UUID, credentials: ClientCredentials, deadline: Deadline, rejected: str) -> _Entry:
    """The token that another process has got, or a new one."""
    began, owner = time.time(), str(uuid4())
    while True:
        shared = _shared(endpoint_id, credentials)
        if shared and (shared.serves(credentials, rejected) or (shared.error and shared.at >= began)):
            return shared
        if rejected and (refusal := _too_soon(endpoint_id, shared, rejected)):
            return refusal
        if tokens.lock(endpoint_id, owner, max(0.0, deadline.remaining()) + _LOCK_MARGIN):
            break
        if deadline.remaining() <= _LOOK:
            raise _late()
        time.sleep(_LOOK)
    try:
        shared = _shared(endpoint_id, credentials)  # it may have come between the look and the lock
        if shared and shared.serves(credentials, rejected):
            return shared
        entry = _ask(credentials, deadline, renewal=bool(rejected))
        kept = entry.usable_until - entry.at if entry.token else _FAILURE_KEPT
        tokens.keep(endpoint_id, encrypt(json.dumps(asdict(entry))), kept)
        return entry
    finally:
        tokens.unlock(endpoint_id, owner)


def _shared(endpoint_id: UUID, credentials: ClientCredentials) -> _Entry | None:
    text = tokens.read(endpoint_id)
    if text is None:
        return None
    try:
        entry = _Entry(**json.loads(decrypt(text)))
    except (DecryptionFailed, ValueError, TypeError):
        return None  # of other keys or another version: as good as lost
    return entry if entry.fingerprint == credentials.fingerprint else None


def _too_soon(endpoint_id: UUID, shared: _Entry | None, rejected: str) -> _Entry | None:
    """Why a refused token is not replaced: it was itself the replacement, a moment ago."""
    for entry in (shared, _recall(endpoint_id)):
        if entry and entry.token == rejected and entry.renewal and time.time() - entry.at < RENEWAL_PAUSE:
            detail = f"The token was renewed less than {RENEWAL_PAUSE:g} seconds ago for the same reason."
            return _Entry(entry.fingerprint, time.time(), error=ErrorClass.TOKEN_ERROR, detail=detail)
    return None


def _ask(credentials: ClientCredentials, deadline: Deadline, *, renewal: bool) -> _Entry:
    """One request to the token endpoint, by the client that makes all requests."""
    asked_at = time.time()
    headers, body = oauth2.request(credentials)
    result = outbound.client().post(
        credentials.token_url, body=body, headers=headers, timeout=max(0.001, deadline.remaining()),
        pool_key=("token", credentials.fingerprint), body_limit=oauth2.BODY_LIMIT,
    )  # fmt: skip
    try:
        token = _read(result)
    except TokenRefused as refused:
        host = credentials.token_url.display_host
        detail = f"No access token from {host}. {refused}"
        return _Entry(credentials.fingerprint, time.time(), error=ErrorClass.TOKEN_ERROR, detail=detail)
    early = min(_EARLY, token.lifetime * _EARLY_SHARE)
    usable_until = asked_at + token.lifetime - early
    return _Entry(credentials.fingerprint, asked_at, token.value, usable_until, renewal)


def _read(result: HttpResult) -> oauth2.Token:
    if result.status is None:
        raise TokenRefused(result.detail)
    whole = not result.body_truncated and result.error is None
    return oauth2.read_answer(result.status, result.body, whole=whole)


def _late() -> ExchangeFailed:
    return ExchangeFailed(ErrorClass.TOKEN_ERROR, "There was no access token within the webhook's timeout.")
