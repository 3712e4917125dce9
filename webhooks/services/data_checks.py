"""Checking what is published by the schemas of its types, without asking the database first.

The statement that stores an event knows which check its type and version ask for (``check_id``), and stores nothing
that has not passed exactly that one. So a publisher of a type without a schema pays nothing; one with a schema guesses
the check that he met last time; and a schema counts in every process from the moment it is committed.

Attack: an event made to keep a process busy. All checks of one call share a budget of steps; what it does not suffice
for counts as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from webhooks.conf import conf
from webhooks.core import jsonvalues
from webhooks.core.expiring import Expiring
from webhooks.core.schemas import Schema, TooCostly, UnsafeSchema, compile_schema
from webhooks.errors import FieldError
from webhooks.models import Event, EventTypeVersion
from webhooks.services.lookups import FOREVER, after_commit

if TYPE_CHECKING:
    from webhooks.services.ingest import Draft

BATCH = 10  # times the steps of one event, for all events of one call
_READING = 8  # bytes of data that are read in the time of one step
_COMPILED = 100  # schemas that a process keeps compiled: 64 KiB of schema become about 5 MB
_GUESSES = 10_000  # of which check a type asks for


@dataclass(frozen=True, slots=True)
class _Check:
    """A schema as publishing sees it. ``fault``: why it cannot be used; such a check passes nothing."""

    label: str  # "order.created v2"
    blocks: bool
    schema: Schema | None
    fault: str = ""


_known: Expiring[UUID, _Check] = Expiring(_COMPILED)
_guesses: Expiring[tuple[UUID, str, str], UUID] = Expiring(_GUESSES)


class Checks:
    """The checks of one call of :func:`webhooks.services.ingest.publish`.

    ``passed``: place of a draft -> the check that lets it in. ``warnings``: what is wrong with it nevertheless.
    ``doubted``: there is a draft that will probably be refused.
    """

    def __init__(self, tenant_id: UUID, drafts: Sequence[Draft], places: Iterable[int]) -> None:
        self.passed: dict[int, UUID] = {}
        self.warnings: dict[int, list[FieldError]] = {}
        self._faults: dict[tuple[int, UUID], list[FieldError]] = {}
        self._tenant_id = tenant_id
        self._drafts = drafts
        self._left = conf.SCHEMA_STEPS * (1 if len(drafts) == 1 else BATCH)
        guesses: dict[tuple[str, str], UUID | None] = {}
        for n in places:
            said = drafts[n].type, drafts[n].version
            if said not in guesses:
                guesses[said] = _guesses.get(self._key(n))
            check_id = guesses[said] if drafts[n].origin != Event.Origin.OPERATIONAL else None
            if check_id is not None and (check := _known.get(check_id)) is not None:
                self._judge(n, check_id, check)
        self.doubted = len(self.passed) < len(self._faults)

    def settle(self, n: int, check_id: UUID | None) -> list[FieldError]:
        """The draft has to pass this check and has not: do it now. Returns why it never will (pointers ``/data…``)."""
        self.passed.pop(n, None)
        self.warnings.pop(n, None)
        if check_id is None:
            return []  # the schema was taken away since the guess
        if (n, check_id) not in self._faults:
            check = _known.get(check_id) or _load(check_id)
            if check is None:
                return []  # replaced since the statement: it will name another one
            self._judge(n, check_id, check)
        return [] if n in self.passed else self._faults[n, check_id]

    def count(self, stored: Iterable[int]) -> None:
        """Add the events that were let in with warnings to the counts of their versions, after the commit."""
        counts = Counter(self.passed[n] for n in stored if n in self.warnings)
        if counts:
            after_commit(_count, counts)

    def _key(self, n: int) -> tuple[UUID, str, str]:
        draft = self._drafts[n]
        return self._tenant_id, draft.type, draft.version

    def _judge(self, n: int, check_id: UUID, check: _Check) -> None:
        _guesses.put(self._key(n), check_id, FOREVER, _guesses.generation)
        faults = self._find(check, self._drafts[n].data)
        self._faults[n, check_id] = faults
        if faults and check.blocks:
            return
        self.passed[n] = check_id
        if faults:
            self.warnings[n] = faults

    def _find(self, check: _Check, data: bytes) -> list[FieldError]:
        if check.schema is None:
            return [FieldError("/data", f"cannot be checked, the schema of {check.label} is not usable: {check.fault}")]
        reading = len(data) // _READING
        allowed = min(conf.SCHEMA_STEPS, self._left)
        steps = allowed - reading
        try:
            if steps < 0:
                raise TooCostly
            faults, left = check.schema.faults(jsonvalues.read(data), steps)
        except jsonvalues.Unreadable as error:
            self._left -= reading
            return [FieldError("/data", f"cannot be checked by the schema of {check.label}: it {error}")]
        except TooCostly:
            self._left -= allowed
            return [FieldError("/data", _too_costly(check.label, allowed))]
        self._left -= allowed - left
        return [
            FieldError(f"/data{fault.pointer}", f"{fault.detail} (schema of {check.label}, rule {fault.rule or '/'})")
            for fault in faults
        ]


def _too_costly(label: str, allowed: int) -> str:
    mend = "make it smaller" if allowed == conf.SCHEMA_STEPS else "publish fewer events together"
    return f"takes more than the {allowed} steps that are left for checking it by the schema of {label}; {mend}"


def _load(check_id: UUID) -> _Check | None:
    rows = EventTypeVersion.objects.filter(check_id=check_id)
    row = rows.values_list("event_type__name", "name", "enforcement", "schema").first()
    if row is None:
        return None
    event_type, version, enforcement, text = row
    schema, fault = None, ""
    try:
        schema = compile_schema(jsonvalues.read(text or "true"), max_bytes=conf.MAX_SCHEMA_BYTES)
    except (UnsafeSchema, ValueError) as error:  # written past the services, or the limit was lowered
        fault = str(error)
    blocks = enforcement == EventTypeVersion.Enforcement.BLOCK
    check = _Check(f"{event_type} {version}", blocks, schema, fault)
    _known.put(check_id, check, FOREVER, _known.generation)
    return check


def _count(counts: Counter[UUID]) -> None:
    for check_id, events in sorted(counts.items()):
        rows = EventTypeVersion.objects.filter(check_id=check_id)
        rows.update(warned=F("warned") + events, last_warned_at=Now())
