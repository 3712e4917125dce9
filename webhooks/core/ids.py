"""Identifiers: UUIDv7 keys (RFC 9562 section 5.7), shown with a prefix.

The text form is ``<prefix>_<32 hex digits>``; hex because it sorts like the key and survives
case-insensitive stores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

TENANT = "ten"
WEBHOOK = "wh"
EVENT = "evt"
DELIVERY = "dlv"
ATTEMPT = "att"
DEAD_LETTER = "dl"
SOURCE = "src"
RECEIVED = "rcv"
PROCESSOR_RUN = "prr"
BATCH = "bat"
OPERATION = "op"
API_KEY = "key"
SIGNING_KEY = "sig"
OAUTH_CLIENT = "oac"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_7 = 0x7000_0000_0000_0000_0000
_VARIANT = 0x8000_0000_0000_0000
_RAND_A_MASK = 0x0FFF_0000_0000_0000_0000
_RAND_B_MASK = 0x3FFF_FFFF_FFFF_FFFF


def new_id() -> UUID:
    """Return a fresh UUIDv7: time-ordered, so an insert touches the right-hand edge of its index only."""
    return uuid7()


def show(prefix: str, value: UUID) -> str:
    """``show("evt", id)`` -> ``"evt_0199…"``."""
    return f"{prefix}_{value.hex}"


def parse(prefix: str, text: str) -> UUID | None:
    """Return the key of a prefixed id (or of a bare UUID), None for anything else."""
    bare = text.removeprefix(f"{prefix}_")
    if len(bare) not in (32, 36) or not bare.isascii():
        return None
    try:
        value = UUID(bare)
    except ValueError:
        return None
    return value if value.hex == bare.replace("-", "").lower() else None


def floor(moment: datetime) -> UUID:
    """The smallest UUIDv7-shaped key of a moment: the lower bound of a partition or of a query."""
    # whole numbers: a float of seconds misses one millisecond in a hundred by one
    return UUID(int=max(0, (moment - _EPOCH) // timedelta(milliseconds=1)) << 80)


def created_at(value: UUID) -> datetime:
    """The moment a UUIDv7 was made, in UTC with millisecond resolution."""
    return _EPOCH + timedelta(milliseconds=value.int >> 80)


def delivery_id(event_id: UUID, endpoint_id: UUID) -> UUID:
    """The one key of (event, endpoint): the event's timestamp and 74 bits of SHA-256 over both ids.

    A partitioned table can enforce uniqueness of its key only, so the key itself carries the rule
    "one delivery per event and endpoint". :data:`DELIVERY_ID_SQL` is the same function for PostgreSQL.
    """
    return _derived(event_id, event_id.bytes + endpoint_id.bytes)


def batch_id(delivery_ids: Collection[UUID]) -> UUID:
    """The key of a batch: the newest delivery's time and 74 bits of SHA-256 over all, in whatever order.

    The same deliveries make the same batch, so a receiver recognises a batch that is sent again.
    """
    return _derived(max(delivery_ids), b"".join(key.bytes for key in sorted(delivery_ids)))


def processor_run_id(received_id: UUID, processor: str) -> UUID:
    """The one key of (received message, processor): the message's timestamp and 74 bits of SHA-256 over both.

    So runs of a message lie in its day's partition, and in the one millisecond of its key.
    """
    return _derived(received_id, received_id.bytes + processor.encode())


def _derived(timed: UUID, content: bytes) -> UUID:
    digest = int.from_bytes(hashlib.sha256(content).digest()[:10])
    stamp = timed.int >> 80 << 80
    return UUID(int=stamp | _VERSION_7 | (digest & _RAND_A_MASK) | _VARIANT | (digest & _RAND_B_MASK))
