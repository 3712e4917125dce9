"""What was in flight at each fault: the rows that may legitimately be sent twice."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from uuid import UUID

from tests.faults.world import World

Try = tuple[UUID, int]  # a delivery and the number of its attempt

_SENDING = "SELECT id, attempt_count FROM webhooks_delivery WHERE state = 'sending' AND tenant_id = %s"
_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'clarion'
AND state LIKE 'idle in transaction%%' AND state_change < clock_timestamp() - %s * interval '1 second'
"""
AFTERMATH = 0.3  # seconds until PostgreSQL has run what a killed client had already sent


@dataclass(slots=True)
class Fault:
    """One fault: what, from when to when (unix seconds), and the tries that were under way.

    ``exact``: all of them were in flight. Else some belong to workers that the fault did not touch and end as
    usual; then those count that end as *lost*, and those of ``held``, which are known to be the victim's: thawed before
    its lease is taken from it, it may record a timeout of what the receiver has taken.
    """

    what: str
    began: float
    ended: float = 0.0
    sending: set[Try] = field(default_factory=set)
    held: set[Try] = field(default_factory=set)
    exact: bool = False


class Ledger:
    """The faults of one scenario, for one tenant."""

    def __init__(self, world: World, tenant: UUID) -> None:
        self._world = world
        self._tenant = tenant
        self.faults: list[Fault] = []

    def note(self, what: str) -> Fault:
        """A fault begins (and, unless told otherwise, ends) now."""
        fault = Fault(what, time.time(), time.time())
        self.faults.append(fault)
        return fault

    def look(self, fault: Fault) -> None:
        """Add to a fault what is being sent right now."""
        fault.sending |= self.sending()

    def look_twice(self, fault: Fault) -> None:
        """The same for a client that was just killed: the database may still run its last statement."""
        self.look(fault)
        time.sleep(AFTERMATH)
        self.look(fault)

    def sending(self) -> set[Try]:
        """Deliveries that are claimed now, with the number of the attempt."""
        return set(self._world.rows(_SENDING, [self._tenant]))

    def undecided(self, seconds: float) -> bool:
        """Whether some process has said nothing for so long in the middle of a transaction.

        What it has claimed there is seen by nobody, and committed when it goes on, perhaps with its lease run out.
        """
        return bool(self._world.rows(_WAITING, [seconds])[0][0])

    @property
    def struck(self) -> set[Try]:
        """Every try that was certainly in flight at some fault."""
        return set().union(*(fault.sending for fault in self.faults if fault.exact))

    @property
    def held(self) -> set[Try]:
        """Every try that a frozen worker certainly held."""
        return set().union(*(fault.held for fault in self.faults))

    @property
    def exposed(self) -> set[Try]:
        """Every try that was under way at some fault."""
        return set().union(*(fault.sending for fault in self.faults))
