"""Which drains may run in this process now: a bulkhead between tenants, and between quick and stuck endpoints.

Invariants: at most ``limit`` drains are busy at once, where one that has been waiting for an answer for longer
than ``patience`` does not count as busy (so endpoints that hang hold threads, never the process); a tenant
alone leaves a quarter of the places free, and several share them evenly, so whoever comes next finds one.
No I/O; one lock, held for microseconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from uuid import UUID

_ALONE = 0.75  # of all places, for a tenant that nobody competes with: the rest is for the next one who comes


class Slot:
    """A drain that runs. Call :meth:`beat` whenever it gets on."""

    __slots__ = ("_clock", "endpoint_id", "seen", "tenant_id")

    def __init__(self, tenant_id: UUID, endpoint_id: UUID, clock: Callable[[], float]) -> None:
        self.tenant_id = tenant_id
        self.endpoint_id = endpoint_id
        self._clock = clock
        self.seen = clock()

    def beat(self) -> None:
        """The drain got an answer; it is busy again."""
        self.seen = self._clock()


class Bulkhead:
    """``limit``: busy drains at once; ``patience``: seconds without a beat until a drain counts as stuck."""

    def __init__(self, limit: int, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._patience = patience
        self._clock = clock
        self._changed = threading.Condition()
        self._running: set[Slot] = set()
        self._blocked: Counter[UUID] = Counter()  # tenants whose threads wait in enter()
        self._turned_away: OrderedDict[UUID, OrderedDict[UUID, None]] = OrderedDict()  # tenant: endpoints

    def enter(self, tenant_id: UUID, endpoint_id: UUID) -> Slot | None:
        """Wait for a free place; None when the tenant has its share already.

        Then the endpoint is remembered, and the tenant's next :meth:`leave` names it.
        """
        with self._changed:
            while True:
                busy = self._busy()
                if busy[tenant_id] >= self._share(tenant_id, busy):
                    self._turned_away.setdefault(tenant_id, OrderedDict())[endpoint_id] = None
                    return None
                if busy.total() < self._limit:
                    slot = Slot(tenant_id, endpoint_id, self._clock)
                    self._running.add(slot)
                    return slot
                self._blocked[tenant_id] += 1
                self._changed.wait(self._patience)  # a stuck drain frees its place by time alone
                self._blocked[tenant_id] -= 1

    def leave(self, slot: Slot) -> UUID | None:
        """The drain has ended; return an endpoint of the same tenant that was turned away, to be rung."""
        with self._changed:
            self._running.discard(slot)
            self._changed.notify_all()
            waiting = self._turned_away.get(slot.tenant_id)
            if not waiting:
                return None
            endpoint_id, _ = waiting.popitem(last=False)
            if not waiting:
                del self._turned_away[slot.tenant_id]
            return endpoint_id

    def _busy(self) -> Counter[UUID]:
        stuck = self._clock() - self._patience
        return Counter(slot.tenant_id for slot in self._running if slot.seen > stuck)

    def _share(self, tenant_id: UUID, busy: Counter[UUID]) -> int:
        others = {tenant for tenant in (*busy, *+self._blocked) if tenant != tenant_id}
        if not others:
            return max(1, int(self._limit * _ALONE))
        return math.ceil(self._limit / (len(others) + 1))
