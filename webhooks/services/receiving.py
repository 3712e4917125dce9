"""Taking in what a source sends: verified, checked, and stored by one statement.

Invariants: when :func:`store` returns, the messages are committed; one (source, key) is one message, however many
requests with it come at once, because the key and its message are inserted by the same statement and only who has
inserted the key inserts the message; a repeat gets the answer of the first. A message that was rejected does not keep
its key for ever: the same one gives way to one that passes, as after the schema was mended.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import structlog
from django.db import connection
from django.utils import timezone

from webhooks.conf import conf
from webhooks.core import ids, inbound, jsontext, jsonvalues
from webhooks.core.headers import clean_stored, mask_pairs
from webhooks.core.schemas import Schema, TooCostly, UnsafeSchema
from webhooks.core.signatures import InvalidSignature
from webhooks.errors import FieldError, Unavailable
from webhooks.guards import receive_rate
from webhooks.models import ReceivedMessage
from webhooks.services import source_lookup
from webhooks.services.binding import binding_cursor
from webhooks.services.source_lookup import Known

log = structlog.get_logger(__name__)
Status = ReceivedMessage.Status

ACCEPTED, REJECTED = 202, 422  # HTTP statuses of the answers that are stored
MAX_HEADERS = 100  # of a message that are kept
MAX_HEADER_BYTES = 16_384  # characters of all of them
REFUSED_BODY = 16_384  # bytes that are kept of a refused request
_BATCH = 10  # times the steps of one message, for all messages of one request
_READING = 8  # bytes of a body that are read in the time of one step of its schema


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to a source. ``address``: of the client, empty when it is not known."""

    request: inbound.Request
    address: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a message: its id, and the answer to give (``{"status", "body"}``)."""

    id: UUID
    answer: Mapping[str, Any]
    duplicate: bool = False
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """A message on its way to the table."""

    id: UUID
    described: inbound.Described
    key: str
    errors: list[FieldError] = field(default_factory=list)

    @property
    def answer(self) -> dict[str, Any]:
        body: dict[str, Any] = {"received_id": ids.show(ids.RECEIVED, self.id)}
        if not self.errors:
            return {"status": ACCEPTED, "body": body}
        return {"status": REJECTED, "body": body | {"errors": [fault.as_dict() for fault in self.errors]}}


def admits(source: Known, address: str) -> bool:
    """Whether the address is one of the source's; any is when the source lists none.

    Attack: an IPv4 address written as IPv6 (``::ffff:…``) is judged as what it is; without an address nobody is in.
    """
    if not source.networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in source.networks)


def verified(source: Known, request: inbound.Request, now: float) -> list[inbound.Described]:
    """The messages of a genuine request. Raises :class:`InvalidSignature`, :class:`Unavailable`."""
    recipe = source.recipe(now)
    inbound.verify(source.provider.name, recipe, request, now)
    return inbound.read(source.provider.name, recipe, request)


def store(source: Known, incoming: Incoming, messages: Sequence[inbound.Described]) -> list[Stored]:
    """Keep the messages and return what became of each, in order. Those that fail the schema are kept as rejected."""
    if not messages:
        return []
    check = _Check(source, len(messages))
    rows = [_Row(ids.new_id(), described, _key(described), check.faults(described)) for described in messages]
    kept = _execute(_STORE, source, incoming, rows)
    found: dict[UUID, Stored] = {}
    missing = [row for row in rows if row.id not in kept]
    if missing:
        freed = [row for row in missing if not row.errors]
        kept |= _execute(_TAKE_OVER, source, incoming, freed) if freed else set()
        found = _already_there(source, [row for row in missing if row.id not in kept])
    if any(row.id not in kept and row.id not in found for row in rows):
        raise Unavailable("A message with this id is just being deleted; send it again.")
    return [found.get(row.id) or Stored(row.id, row.answer, errors=tuple(row.errors)) for row in rows]


def refuse(source: Known, incoming: Incoming, word: str, reason: str, *, taken: bool) -> None:
    """Count a request that was not let in, and keep some of them, so that the owner can see why.

    Attack: refused requests without end that fill the table. REFUSED_KEPT of a source are kept in an hour; without
    Redis, which counts them, none. ``word``: how its verification went; ``taken``: it has passed the rate limit.
    """
    log.info("received_refused", source=ids.show(ids.SOURCE, source.id), word=word, reason=reason)
    count = receive_rate.refused(source.id, incoming.address, source.limit, taken=taken)
    if count is None or count > conf.REFUSED_KEPT:
        return
    now = timezone.now()
    ReceivedMessage.objects.create(
        tenant_id=source.tenant_id,
        source_id=source.id,
        headers=shown_headers(source, incoming.request),
        content_type=clean_stored(incoming.request.content_type, 200),
        body=incoming.request.body[:REFUSED_BODY],
        remote_address=incoming.address or None,
        status=Status.REFUSED,
        verification=word,
        reason=reason[:500],
        received_at=now,
        processed_at=now,
    )


def shown_headers(source: Known, request: inbound.Request) -> list[tuple[str, str]]:
    """The headers as they are kept: bounded, without control characters, credentials masked."""
    kept: list[tuple[str, str]] = []
    left = MAX_HEADER_BYTES
    for name, value in mask_pairs([(name, _text(value)) for name, value in request.headers], source.secret_headers):
        clean = clean_stored(name, 128), clean_stored(value, 4096)
        left -= len(clean[0]) + len(clean[1])
        if left < 0 or len(kept) == MAX_HEADERS:
            break
        kept.append(clean)
    return kept


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _key(described: inbound.Described) -> str:
    return inbound.storable_key(described.key) if described.key else inbound.content_key(described.body)


class _Check:
    """The source's schema for the messages of one request, which share a budget of steps.

    Attack: a batch of messages made to keep a process busy, each within the budget of one.
    """

    def __init__(self, source: Known, count: int) -> None:
        self._schema: Schema | None = None
        self._fault = ""
        self._left = conf.SCHEMA_STEPS * (1 if count == 1 else _BATCH)
        try:
            self._schema = source_lookup.schema_of(source) if source.has_schema else None
        except (UnsafeSchema, ValueError) as error:  # written past the services, or the limit was lowered
            self._fault = f"cannot be checked, the source's schema is not usable: {error}"[:500]

    def faults(self, described: inbound.Described) -> list[FieldError]:
        """Why a message is rejected: it is none of its kind, or its content fails the schema."""
        if described.faults or (self._schema is None and not self._fault):
            return list(described.faults)
        if self._schema is None:
            return [FieldError("", self._fault)]
        self._left -= len(described.data) // _READING
        try:
            if self._left < 0:
                raise TooCostly
            jsontext.check(described.data, max_depth=conf.MAX_JSON_DEPTH)
            steps = min(conf.SCHEMA_STEPS, self._left)
            faults, left = self._schema.faults(jsonvalues.read(described.data), steps)
        except jsontext.JSONFault as fault:
            return [FieldError(fault.pointer, fault.detail)]
        except jsonvalues.Unreadable as error:
            return [FieldError("", str(error))]
        except ValueError:
            return [FieldError("", "is not JSON, which the source's schema asks for")]
        except TooCostly:
            self._left -= conf.SCHEMA_STEPS
            return [FieldError("", f"takes more than the {conf.SCHEMA_STEPS} steps of checking there are for it")]
        self._left -= steps - left
        return [FieldError(fault.pointer, f"{fault.detail} (rule {fault.rule or '/'})") for fault in faults]


_GIVEN = """given AS (
    SELECT * FROM ROWS FROM (
        json_to_recordset(%(rows)s) AS (
            id uuid, key text, fingerprint text, type text, event_type text, content_type text, status text,
            reason text, answer jsonb
        ),
        unnest(%(bodies)b::bytea[])
    ) AS g(id, key, fingerprint, type, event_type, content_type, status, reason, answer, body)
)"""
_INSERT = """
INSERT INTO webhooks_receivedmessage (id, tenant_id, source_id, key, type, event_type, headers, content_type, body,
                                      remote_address, status, verification, reason, answer, received_at, processed_at)
SELECT id, %(tenant)s, %(source)s, key, type, event_type, %(headers)s::jsonb, content_type, body, %(address)s::inet,
       status, %(word)s, reason, answer, now(), CASE WHEN status = 'rejected' THEN now() END
FROM given WHERE id IN (SELECT received_id FROM taken)
RETURNING id
"""
# In the order of the keys, so that two batches with the same ones wait for each other and not both for ever.
_STORE = f"""
WITH {_GIVEN}, taken AS (
    INSERT INTO webhooks_receivedkey (source_id, key, received_id, fingerprint)
    SELECT %(source)s, key, id, decode(fingerprint, 'hex') FROM given ORDER BY key
    ON CONFLICT (source_id, key) DO NOTHING
    RETURNING received_id
) {_INSERT}
"""
# Race: two that pass come for one that was rejected. The second waits for the first one's update of the key, finds
# that it no longer belongs to what was rejected, and is a duplicate.
_TAKE_OVER = f"""
WITH {_GIVEN}, taken AS (
    UPDATE webhooks_receivedkey k SET received_id = g.id, fingerprint = decode(g.fingerprint, 'hex')
    FROM given g, webhooks_receivedmessage m
    WHERE k.source_id = %(source)s AND k.key = g.key AND m.id = k.received_id AND m.status = 'rejected'
    RETURNING k.received_id
) {_INSERT}
"""
_HOLDERS = """
SELECT k.key, k.received_id, m.answer FROM webhooks_receivedkey k
LEFT JOIN webhooks_receivedmessage m ON m.id = k.received_id
WHERE k.source_id = %s AND k.key = ANY(%s)
"""


def _execute(statement: str, source: Known, incoming: Incoming, rows: Sequence[_Row]) -> set[UUID]:
    """Insert what can be; return the ids of it."""
    parameters = {
        "tenant": source.tenant_id,
        "source": source.id,
        "headers": msgspec.json.encode(shown_headers(source, incoming.request)).decode(),
        "address": incoming.address or None,
        "word": "none" if source.provider.name == "none" else "verified",
        "rows": msgspec.json.encode([_record(source, row) for row in rows]).decode(),
        "bodies": [row.described.body for row in rows],
    }
    with binding_cursor() as cursor:
        cursor.execute(statement, parameters)
        return {received_id for (received_id,) in cursor.fetchall()}


def _record(source: Known, row: _Row) -> dict[str, Any]:
    described, fault = row.described, next(iter(row.errors), None)
    type_ = clean_stored(described.type, 200)
    return {
        "id": row.id,
        "key": row.key,
        "fingerprint": hashlib.sha256(described.body).hexdigest(),
        "type": type_,
        "event_type": inbound.event_type(source.event_type, type_),
        "content_type": clean_stored(described.content_type, 200),
        "status": Status.REJECTED if fault else Status.RECEIVED,
        "reason": f"{fault.pointer or 'The body'}: {fault.detail}"[:500] if fault else "",
        "answer": row.answer,
    }


def _already_there(source: Known, rows: Sequence[_Row]) -> dict[UUID, Stored]:
    """What the first message with each key was answered."""
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, [source.id, [row.key for row in rows]])
        holders = {key: (received_id, answer) for key, received_id, answer in cursor.fetchall()}
    found = {}
    for row in rows:
        if row.key in holders:
            received_id, answer = holders[row.key]
            answer = msgspec.json.decode(answer) if isinstance(answer, str) else answer
            answer = answer or {"status": ACCEPTED, "body": {"received_id": ids.show(ids.RECEIVED, received_id)}}
            found[row.id] = Stored(received_id, answer, duplicate=True)
    return found


__all__ = ["Incoming", "InvalidSignature", "Known", "Stored", "admits", "refuse", "store", "verified"]
