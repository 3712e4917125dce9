"""``Idempotency-Key``: a request that comes again is answered and not done again.

Invariants: of requests with one key exactly one runs, because the key is claimed by an insert that commits before
the work begins. The answer is stored in the transaction of the work, so both are there or neither: a process that
is killed leaves a claim that ends with its lease, and whoever comes then does the work for the first time. A
request that outlives its lease finds another claim in place of its own, and its work is rolled back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
from django.db import connection

from webhooks.conf import conf
from webhooks.errors import ClarionError, Conflict, DecryptionFailed
from webhooks.models import IdempotencyKey

LEASE = 60  # seconds: longer than any answer takes, short enough to wait for after a crash
_PRUNE = 10_000  # rows of one statement, so that each is a short transaction
_TRIES = 3  # a claim that vanishes while it is looked at was released; three in a row are a crowd


class Running(Conflict):
    """A request with this Idempotency-Key is still running."""


class Reused(ClarionError):
    """This Idempotency-Key was used for another request."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run the request of a key, until :func:`finish` or :func:`release`."""

    digest: bytes
    token: UUID


class Answer(msgspec.Struct, frozen=True):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: str


_CLAIM = """
INSERT INTO webhooks_idempotencykey AS k (digest, fingerprint, token, leased_until, expires_at)
VALUES (%(digest)s, %(fingerprint)s, %(token)s, clock_timestamp() + make_interval(secs => %(lease)s),
        clock_timestamp() + make_interval(secs => %(keep)s))
ON CONFLICT (digest) DO UPDATE SET fingerprint = excluded.fingerprint, token = excluded.token, answer = NULL,
    leased_until = excluded.leased_until, expires_at = excluded.expires_at
WHERE k.expires_at < clock_timestamp() OR (k.answer IS NULL AND k.leased_until < clock_timestamp())
"""


def claim(key_id: UUID, tenant_id: UUID | None, key: str, request: bytes) -> Claim | Answer:
    """The claim of a key, or the answer that its request got.

    ``key_id``: the credential, whose keys are its own; ``tenant_id``: for whom it acts; ``request``: method, path
    and body. Raises :class:`Running` and :class:`Reused`.
    """
    made = Claim(_digest(key_id, tenant_id, key), uuid4())
    fingerprint = hashlib.sha256(request).digest()
    values: dict[str, Any] = {
        "digest": made.digest, "fingerprint": fingerprint, "token": made.token,
        "lease": LEASE, "keep": conf.IDEMPOTENCY_TTL,
    }  # fmt: skip
    for _ in range(_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, values)
            if cursor.rowcount:
                return made
        known = _known(made.digest)
        if known is None:
            continue
        if bytes(known.fingerprint) != fingerprint:
            raise Reused
        if known.answer is None:
            raise Running
        return msgspec.json.decode(known.answer, type=Answer)
    raise Running


def finish(claimed: Claim, answer: Answer) -> None:
    """Store the answer; call it inside the transaction of the work. Raises :class:`Running` when the lease is lost."""
    text = msgspec.json.encode(answer).decode()
    mine = IdempotencyKey.objects.filter(digest=claimed.digest, token=claimed.token, answer__isnull=True)
    if not mine.update(answer=text):
        raise Running


def release(claimed: Claim) -> None:
    """Nothing was done: the key may be used again, also with another body."""
    IdempotencyKey.objects.filter(digest=claimed.digest, token=claimed.token, answer__isnull=True).delete()


def prune() -> int:
    """Delete what has expired; how many keys that were."""
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "DELETE FROM webhooks_idempotencykey WHERE digest IN "
                "(SELECT digest FROM webhooks_idempotencykey WHERE expires_at < now() LIMIT %s)",
                [_PRUNE],
            )
            gone: int = cursor.rowcount
            deleted += gone
            if gone < _PRUNE:
                return deleted


def _known(digest: bytes) -> IdempotencyKey | None:
    try:
        return IdempotencyKey.objects.filter(digest=digest).first()
    except DecryptionFailed:
        raise Conflict("The answer to this Idempotency-Key can no longer be read; use another key.") from None


def _digest(key_id: UUID, tenant_id: UUID | None, key: str) -> bytes:
    """Attack: a key that another tenant or another credential used must tell nothing, so each has its own."""
    tenant = tenant_id.bytes if tenant_id else b""
    return hashlib.sha256(b"%b|%b|%b" % (key_id.bytes, tenant, key.encode())).digest()
