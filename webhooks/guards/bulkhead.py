"""Which drains may run in this process now: a bulkhead between tenants, and between quick and stuck endpoints.

Invariants: at most ``limit`` drains are busy at once, where one that has been waiting for an answer for longer
than ``patience`` does not count as busy (so endpoints that hang hold threads, never the process); a tenant
alone leaves a quarter of the places free, and several share them evenly, so whoever comes next finds one.
No I/O; one lock, held for microseconds.

Attack: a process short of CPU gets on so slowly that all its drains look stuck, lets in ever more of them, and
gets on more slowly still. So the time that its threads wait for their turn lengthens the patience.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from uuid import UUID

_ALONE = 0.75  # of all places, for a tenant that nobody competes with: the rest is for the next one who comes


_PULSE = 0.02  # seconds between two looks at how late a thread wakes up
_TURNS = 20  # times that a drain has to get its turn between two answers: system calls that give up the GIL


class Pulse:
    """How late threads of this process get their turn (for the GIL, for a core): a thread that sleeps and looks."""

    def __init__(self) -> None:
        self.lag = 0.0  # seconds, smoothed over about 0.1 s
        self._started = threading.Lock()

    def start(self) -> None:
        """Begin to measure, once."""
        if self._started.acquire(blocking=False):
            threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            time.sleep(_PULSE)
            self.lag += (time.monotonic() - began - _PULSE - self.lag) * 0.2


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

    def __init__(
        self, limit: int, patience: float, clock: Callable[[], float] = time.monotonic, pulse: Pulse | None = None
    ) -> None:
        self._limit = limit
        self._patience = patience
        self._pulse = pulse or Pulse()
        self._clock = clock
        self._changed = threading.Condition()
        self._running: set[Slot] = set()
        self._blocked: Counter[UUID] = Counter()  # tenants whose threads wait in enter()
        self._turned_away: OrderedDict[UUID, OrderedDict[UUID, None]] = OrderedDict()  # tenant: endpoints

    def enter(self, tenant_id: UUID, endpoint_id: UUID) -> Slot | None:
        """Wait for a free place; None when the tenant has its share already.

        Then the endpoint is remembered, and the tenant's next :meth:`leave` names it.
        """
        self._pulse.start()
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
        stuck = self._clock() - self._patience - _TURNS * self._pulse.lag
        return Counter(slot.tenant_id for slot in self._running if slot.seen > stuck)

    def _share(self, tenant_id: UUID, busy: Counter[UUID]) -> int:
        others = {tenant for tenant in (*busy, *+self._blocked) if tenant != tenant_id}
        if not others:
            return max(1, int(self._limit * _ALONE))
        return math.ceil(self._limit / (len(others) + 1))
