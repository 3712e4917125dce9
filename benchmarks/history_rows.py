"""Rows of the past, in PostgreSQL's binary COPY format, as the engine would have left them.

A row is a template of bytes with holes for what differs from row to row; filling one takes a microsecond.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from webhooks.core import ids

# One field of a row: None is NULL, a number is a hole of so many bytes.
Field = Sequence[bytes | int] | None

_PG_EPOCH_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # signature, flags, length of the header's extension
TRAILER = b"\xff\xff"
_ID: Field = (16,)
_MOMENT: Field = (8,)
_NO_CHANNELS = bytes(8) + (1043).to_bytes(4, "big")  # an array without dimensions, of varchar

COLUMNS = {
    "webhooks_event": (
        "id, tenant_id, key, type, version, data, metadata, channels, correlation_id, origin, created_at, "
        "fanned_out_at, matched, routing"
    ),
    "webhooks_delivery": (
        "id, tenant_id, event_id, endpoint_id, state, trigger, attempt_count, next_attempt_at, lease_until, "
        "lease_token, response_status, reason, created_at, finished_at, dead_lettered_at"
    ),
    "webhooks_attempt": (
        "id, tenant_id, delivery_id, endpoint_id, number, trigger, outcome, started_at, request_url, request_headers, "
        "response_status, response_headers, response_body, error, detail, timings, address, worker"
    ),
    "webhooks_deadletter": (
        "id, tenant_id, endpoint_id, delivery_id, event_id, event_type, reason, response_status, attempt_count, "
        "resolution, resolved_at, created_at"
    ),
    "webhooks_eventkey": "tenant_id, key, event_id, fingerprint",
}
# Type and share of all events in a million. The last ones are what a filter has to dig for.
TYPES = {
    "order.created": 400_000, "order.updated": 200_000, "order.paid": 120_000, "order.shipped": 90_000,
    "customer.created": 60_000, "customer.updated": 50_000, "invoice.sent": 40_000, "invoice.paid": 25_000,
    "order.refunded": 12_000, "customer.deleted": 2_500, "invoice.disputed": 450, "order.flagged": 50,
}  # fmt: skip
RETRY_AT = (0, 10, 40, 130, 400, 1210)  # seconds after the first attempt, by the default policy
_REPLAY_AFTER = 7_200  # seconds
_ERRORS: dict[int | None, tuple[str, str]] = {None: ("timeout", "The endpoint did not answer within 15 s.")}
_RECEIVER_HEADERS = (
    b'[["Content-Type", "application/json"], ["Content-Length", "17"], ["Server", "nginx"], '
    b'["Date", "Mon, 02 Nov 2026 08:15:30 GMT"]]'
)


@dataclass(frozen=True, eq=False)  # compared by identity: they are keys of caches
class Kind:
    """How a delivery went. ``answers``: status of each attempt (0: what this receiver answers to all is well)."""

    share: int  # of a thousand
    state: str
    answers: tuple[int | None, ...]
    reason: str = ""
    trigger: str = "event"


KINDS = (
    Kind(966, "succeeded", (0,)),
    Kind(14, "succeeded", (503, 0)),
    Kind(6, "succeeded", (None, 500, 0)),
    Kind(2, "succeeded", (0,), trigger="replay"),
    Kind(4, "dead", (500,) * 6, "no retries left after 6 attempts: HTTP 500"),
    Kind(4, "dead", (404,), "HTTP 404"),
    Kind(1, "dead", (410,), "HTTP 410"),
    Kind(3, "cancelled", (503,), "cancelled by hand"),
)
LONGEST = (_REPLAY_AFTER + RETRY_AT[-1] + 60) * 1000  # milliseconds from an event to its last row


@dataclass(frozen=True, eq=False)
class Subscriber:
    """An endpoint that gets a share of the past."""

    tenant_id: UUID
    endpoint_id: UUID
    url: str
    share: int
    well: int = 200  # what it answers when all is well


@dataclass
class Rows:
    """A chunk of COPY data for each table, and how many rows it holds."""

    data: dict[str, bytearray] = field(default_factory=lambda: {table: bytearray() for table in COLUMNS})
    count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))

    def add(self, table: str, row: bytes) -> None:
        self.data[table] += row
        self.count[table] += 1


# --- templates


def _row(*fields: Field) -> bytes:
    """A template for ``%``: the number of fields, then each with its length in front (-1: NULL)."""
    out = [len(fields).to_bytes(2, "big")]
    for pieces in fields:
        if pieces is None:
            out.append(b"\xff\xff\xff\xff")
            continue
        length = sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)
        out.append(length.to_bytes(4, "big").replace(b"%", b"%%"))
        out += [b"%b" if isinstance(piece, int) else piece.replace(b"%", b"%%") for piece in pieces]
    return b"".join(out)


def _text(value: str) -> Field:
    return (value.encode(),)


def _uuid(value: UUID) -> Field:
    return (value.bytes,)


def _small(value: int | None) -> Field:
    return None if value is None else (value.to_bytes(2, "big"),)


def _json(*pieces: bytes | int) -> Field:
    return (b"\x01", *pieces)  # the version of jsonb's binary form


@lru_cache(maxsize=10_000)
def _event_form(tenant: UUID, kind: str, keyed: bool, matched: int) -> bytes:
    """Holes: id, [key], data x 3, order in the metadata, correlation id, moment x 2."""
    data = (
        b'{"order_id":"ord_', 12, b'","customer_id":"cus_', 12, b'","amount":', 4, b'.50,"currency":"EUR","items":['
        b'{"product_id":"prod_123","quantity":2,"price":50.00},{"product_id":"prod_456","quantity":1,"price":25.50}],'
        b'"placed_at":"2026-10-02T08:15:30Z","channel":"web","note":"left at the door"}',
    )  # fmt: skip
    return _row(
        _ID, _uuid(tenant), (b"order-", 20) if keyed else None, _text(kind), _text(""), data,
        _json(b'{"order": "', 12, b'", "source": "web", "region": "eu-central-1"}'), (_NO_CHANNELS,), (b"evt_", 32),
        _text("api"), _MOMENT, _MOMENT, (matched.to_bytes(4, "big"),), _json(b"[]"),
    )  # fmt: skip


@lru_cache(maxsize=10_000)
def _delivery_form(to: Subscriber, kind: Kind) -> bytes:
    """Holes: id, event id, moment of creation, of the end, [of its dead letter]."""
    last = kind.answers[-1]
    return _row(
        _ID, _uuid(to.tenant_id), _ID, _uuid(to.endpoint_id), _text(kind.state), _text(kind.trigger),
        _small(len(kind.answers)), None, None, None, _small(last or to.well), _text(kind.reason), _MOMENT, _MOMENT,
        _MOMENT if kind.state == "dead" else None,
    )  # fmt: skip


@lru_cache(maxsize=10_000)
def _attempt_form(to: Subscriber, kind: Kind, number: int, event_type: str) -> bytes:
    """Holes: id, delivery id, moment, delivery id and event id twice in hex, then id, seconds, two signatures."""
    answer = kind.answers[number - 1]
    status = to.well if answer == 0 else answer
    error, detail = _ERRORS.get(answer, ("", ""))
    sent = (
        b'{"Content-Type": "application/json", "X-Webhook-Event": "', event_type.encode(),
        b'", "X-Webhook-Delivery": "dlv_', 32, b'", "X-Webhook-Attempt": "', b"%d" % number,
        b'", "X-Correlation-ID": "evt_', 32, b'", "webhook-id": "evt_', 32, b'", "webhook-timestamp": "', 10,
        b'", "webhook-signature": "v1,', 43, b'=", "X-Webhook-Signature": "', 64, b'"}',
    )  # fmt: skip
    return _row(
        _ID, _uuid(to.tenant_id), _ID, _uuid(to.endpoint_id), _small(number),
        _text("retry" if number > 1 else kind.trigger), _text("succeeded" if answer == 0 else "failed"), _MOMENT,
        _text(to.url), _json(*sent), _small(status), _json(_RECEIVER_HEADERS if status else b"[]"),
        (b'{"received":true}' if status else b"",), _text(error), _text(detail),
        _json(b'{"dns": 0.41, "tls": 18.22, "total": 52.37, "connect": 9.08, "first_byte": 24.51}'),
        _text("203.0.113.17" if status else ""), _text("delivery-1@worker"),
    )  # fmt: skip


@lru_cache(maxsize=10_000)
def _letter_form(to: Subscriber, kind: Kind, event_type: str, resolution: str) -> bytes:
    """Holes: id, delivery id, event id, [moment it was resolved], moment of death."""
    return _row(
        _ID, _uuid(to.tenant_id), _uuid(to.endpoint_id), _ID, _ID, _text(event_type), _text(kind.reason),
        _small(kind.answers[-1] or None), _small(len(kind.answers)), _text(resolution),
        None if resolution == "open" else _MOMENT, _MOMENT,
    )  # fmt: skip


def _key_form(tenant: UUID) -> bytes:
    """Holes: key, event id, fingerprint."""
    return _row(_uuid(tenant), (b"order-", 20), _ID, (32,))


def _key(milliseconds: int, noise: bytes) -> bytes:
    """A UUIDv7 of that moment from 10 random bytes."""
    version, variant = 0x70 | noise[0] & 15, 0x80 | noise[2] & 63
    return milliseconds.to_bytes(6, "big") + bytes((version, noise[1], variant)) + noise[3:10]


def _moment(milliseconds: int) -> bytes:
    return ((milliseconds - _PG_EPOCH_MS) * 1000).to_bytes(8, "big")


# --- the past


def make(
    subscribers: Sequence[Subscriber], start: int, end: int, events: int, seed: str, chunk: int = 20_000
) -> Iterator[Rows]:
    """``events`` events evenly over [start, end), in milliseconds since 1970, with all that came of them, in chunks.

    No row lies beyond ``end``: events too near to it were delivered at once. A publisher's own key goes with every
    tenth event. One event in a hundred matched nobody, and another one two endpoints of its tenant.
    """
    draw = random.Random(seed)
    weights = [to.share for to in subscribers]
    neighbours = {to: [other for other in subscribers if other.tenant_id == to.tenant_id] for to in subscribers}
    owed = 0  # deliveries of events that matched nobody: another event has two
    for first in range(0, events, chunk):
        count = min(chunk, events - first)
        rows = Rows()
        chosen = draw.choices(subscribers, weights, k=count)
        types = draw.choices(list(TYPES), list(TYPES.values()), k=count)
        kinds = draw.choices(KINDS, [kind.share for kind in KINDS], k=count)
        for n in range(count):
            at = start + (end - start) * (first + n) // events
            turn, targets = (first + n) % 100, [chosen[n]]
            if turn == 50:
                targets, owed = [], owed + 1
            elif owed and len(others := neighbours[chosen[n]]) > 1:
                targets, owed = draw.sample(others, 2), owed - 1
            kind = kinds[n] if at + LONGEST < end else KINDS[0]
            _event(rows, draw, chosen[n].tenant_id, types[n], at, kind, targets, keyed=turn % 10 == 0)
        yield rows


def _event(
    rows: Rows, draw: random.Random, tenant: UUID, event_type: str, at: int, kind: Kind,
    targets: Sequence[Subscriber], *, keyed: bool,
) -> None:  # fmt: skip
    noise = draw.randbytes(17)
    key = _key(at, noise)
    shown = key.hex().encode()
    data = shown[20:], noise[10:16].hex().encode(), b"%04d" % (1000 + noise[16])
    moment = _moment(at)
    form = _event_form(tenant, event_type, keyed, len(targets))
    name = (shown[:12] + noise[10:14].hex().encode(),) if keyed else ()
    rows.add("webhooks_event", form % (key, *name, *data, data[0], shown, moment, _moment(at + 20)))
    if keyed:
        rows.add("webhooks_eventkey", _key_form(tenant) % (*name, key, shown))
    for to in targets:
        _delivery(rows, draw, key, event_type, at, kind, to)


def _delivery(
    rows: Rows, draw: random.Random, event: bytes, event_type: str, at: int, kind: Kind, to: Subscriber
) -> None:
    begun = at + 20
    key = ids.delivery_id(UUID(bytes=event), to.endpoint_id).bytes
    if kind.trigger == "replay":
        begun += _REPLAY_AFTER * 1000
        key = _key(begun, draw.randbytes(10))
    shown, of_event = key.hex().encode(), event.hex().encode()
    for number in range(1, len(kind.answers) + 1):
        sent = begun + RETRY_AT[number - 1] * 1000 + 15
        form = _attempt_form(to, kind, number, event_type)
        signatures = shown + of_event[:11], of_event + shown
        holes = _key(sent + 60, draw.randbytes(10)), key, _moment(sent), shown, of_event, of_event
        rows.add("webhooks_attempt", form % (*holes, b"%d" % (sent // 1000), *signatures))
    ended = begun + RETRY_AT[len(kind.answers) - 1] * 1000 + 80
    moments = [_moment(begun), _moment(ended)]
    if kind.state == "dead":
        moments.append(_moment(ended + 10))
        resolution = draw.choice(("open", "replayed", "discarded"))
        form = _letter_form(to, kind, event_type, resolution)
        resolved = () if resolution == "open" else (_moment(ended + 3_600_000),)
        letter = _key(ended + 10, draw.randbytes(10))
        rows.add("webhooks_deadletter", form % (letter, key, event, *resolved, _moment(ended + 10)))
    rows.add("webhooks_delivery", _delivery_form(to, kind) % (key, event, *moments))
