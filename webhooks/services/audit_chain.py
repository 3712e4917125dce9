"""The chain of the audit log: entries get their place in it, it is verified, and its old end is removed.

Invariants: whoever changes the chain holds one advisory lock for its transaction, and reads the head after it has it,
so there is one chain without forks; the unique ``sequence`` would refuse a fork all the same. Writers of entries never
take that lock. Removing the beginning is an entry of the chain itself (``audit.pruned``, with the last place removed
and its hash): what is kept must begin exactly there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from webhooks.conf import conf
from webhooks.core.chain import Broken, Head, Walk, link_hash
from webhooks.models import AuditEntry
from webhooks.services import audit

log = structlog.get_logger(__name__)

PRUNED = "audit.pruned"
_LOCK = 7_226_418  # any fixed number, another one than the partitions'
_BATCH = 1000  # entries of one step: some 20 ms
_PLACE = """
UPDATE webhooks_auditentry AS e SET sequence = n.sequence, previous = n.previous, hash = n.hash
FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[], %s::bytea[]) AS n(id, sequence, previous, hash)
WHERE e.id = n.id AND e.sequence IS NULL
"""
_ALLOW_DELETION = "SELECT set_config('clarion.audit_retention', 'on', true)"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk found. ``waiting``: entries without a place yet. ``first``: the first place that is kept."""

    count: int
    waiting: int
    first: int
    head: Head
    broken: Broken | None


def seal() -> int:
    """Give committed entries their place in the chain; return how many. 0 while somebody else does it."""
    sealed = 0
    while AuditEntry.objects.filter(sequence=None).exists():
        with transaction.atomic():
            done = _seal_batch() if _locked(wait=False) else 0
        sealed += done
        if done < _BATCH:
            break
    return sealed


def head() -> Head:
    """The end of the chain. Kept elsewhere, it shows later that nothing before it was cut off or made anew."""
    row = AuditEntry.objects.exclude(sequence=None).order_by("-sequence").values_list("sequence", "hash").first()
    return Head(row[0], bytes(row[1])) if row and row[0] and row[1] else Head()


def verify(expected: Head | None = None) -> Verdict:
    """Walk through the whole chain. ``expected``: a head that was kept elsewhere, which the chain must hold.

    One snapshot, so that retention running meanwhile is no fault. Changes nothing.
    """
    with transaction.atomic():
        if not connection.savepoint_ids:  # inside another transaction, the isolation is that one's
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        first = AuditEntry.objects.exclude(sequence=None).order_by("sequence").first()
        before = Head((first.sequence or 1) - 1, bytes(first.previous or b"")) if first else Head()
        walk = Walk(before if before.sequence else Head())
        pruned, met = "", expected is None or expected == before
        for batch in _batches():
            if not walk.follow(entry.link() for entry in batch):
                break
            for entry in batch:
                pruned = entry.detail.get("through", "") if entry.action == PRUNED else pruned
                met = met or (expected is not None and entry.hash == expected.hashed)
        waiting = AuditEntry.objects.filter(sequence=None).count()
    broken = walk.broken or _beginning(before, pruned) or (None if met or expected is None else _end(walk, expected))
    return Verdict(walk.count, waiting, before.sequence + 1, walk.head, broken)


def prune() -> int:
    """Remove entries older than AUDIT_RETENTION_DAYS (0: none) from the beginning of the chain; return how many."""
    if not conf.AUDIT_RETENTION_DAYS:
        return 0
    oldest = timezone.now() - timedelta(days=conf.AUDIT_RETENTION_DAYS)
    if not AuditEntry.objects.filter(sequence__gt=0, at__lt=oldest).order_by("sequence")[:1].exists():
        return 0
    with transaction.atomic():
        _locked(wait=True)
        while _seal_batch() == _BATCH:
            pass
        kept = AuditEntry.objects.filter(sequence__gt=0, at__gte=oldest).order_by("sequence").first()
        upto = (kept.sequence or 1) - 1 if kept else head().sequence
        last = AuditEntry.objects.filter(sequence=upto).first()
        if last is None:
            return 0
        count = AuditEntry.objects.filter(sequence__lte=upto).count()
        audit.record(PRUNED, count=count, detail={"through": str(Head(upto, bytes(last.hash or b"")))})
        _seal_batch()
        with connection.cursor() as cursor:
            cursor.execute(_ALLOW_DELETION)
            cursor.execute("DELETE FROM webhooks_auditentry WHERE sequence <= %s", [upto])
            cursor.execute("SELECT set_config('clarion.audit_retention', '', true)")
    log.info("audit_pruned", count=count, through=upto)
    return count


def tell_head() -> Head:
    """Write the head into the log, which is kept elsewhere as a rule."""
    found = head()
    log.info("audit_head", head=str(found))
    return found


def _locked(*, wait: bool) -> bool:
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _seal_batch() -> int:
    """The caller holds the lock. Entries get their places in the order of their ids, as far as they are committed."""
    last = head()
    ids, sequences, befores, hashes = [], [], [], []
    for entry in AuditEntry.objects.filter(sequence=None).order_by("id")[:_BATCH]:
        sequence = last.sequence + 1
        hashed = link_hash(sequence, last.hashed, entry.content())
        ids.append(entry.id)
        sequences.append(sequence)
        befores.append(last.hashed)
        hashes.append(hashed)
        last = Head(sequence, hashed)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_PLACE, [ids, sequences, befores, hashes])
    return len(ids)


def _batches() -> Iterator[list[AuditEntry]]:
    """The chain in order, a portion at a time."""
    place = 0
    while batch := list(AuditEntry.objects.filter(sequence__gt=place).order_by("sequence")[:_BATCH]):
        yield batch
        place = batch[-1].sequence or 0


def _beginning(before: Head, pruned: str) -> Broken | None:
    """Whether retention removed what is missing at the beginning, as the chain itself says."""
    if not before.sequence and not pruned:
        return None
    if pruned == str(before):
        return None
    if not pruned:
        return Broken(1, f"Entries 1 to {before.sequence} are missing, and no entry says that retention removed them.")
    through = pruned.partition(":")[0]
    return Broken(
        before.sequence + 1,
        f"The entries begin after {before.sequence}, but retention removed those up to {through} and no others.",
    )


def _end(walk: Walk, expected: Head) -> Broken:
    return Broken(
        walk.head.sequence + 1,
        f"The chain ends at entry {walk.head.sequence} and does not hold the head {expected}: entries were cut off "
        "at its end, or all of it was made anew, or retention has removed that entry.",
    )
