"""For those who receive webhooks: check a request, read its events, do the work once.

``verify(body, headers, secrets)`` is all that most receivers need. Nothing here needs Django, its settings or a
running Clarion; ``webhooks.receive.django``, ``.flask`` and ``.starlette`` fit it into these frameworks.
"""

from webhooks.core.signatures import TOLERANCE
from webhooks.receive.failures import (
    BadSecret,
    InProgress,
    MalformedBody,
    MissingSignature,
    StaleTimestamp,
    VerificationFailed,
    WrongSignature,
)
from webhooks.receive.messages import Event, events
from webhooks.receive.once import Ledger, MemoryLedger, RedisLedger, State, once
from webhooks.receive.verification import ALL, TIMED, Verified, verify

__all__ = [
    "ALL",
    "TIMED",
    "TOLERANCE",
    "BadSecret",
    "Event",
    "InProgress",
    "Ledger",
    "MalformedBody",
    "MemoryLedger",
    "MissingSignature",
    "RedisLedger",
    "StaleTimestamp",
    "State",
    "VerificationFailed",
    "Verified",
    "WrongSignature",
    "events",
    "once",
    "verify",
]
