"""Publishing at a steady pace while things break, and remembering what the API said of each event."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.clients import Api, Reply, Unanswered

LARGEST_BATCH = 40  # events of one call; more when the whole load is more than 25 of these and they come fast
MAX_BATCH = 1000  # events of one call that the API takes
_STEADY = 2.0  # seconds of the load in one call at most, so that one of hours does not come in bursts
PERSEVERE = 120.0  # seconds a publisher tries one batch again
_PAUSE = 0.3  # seconds before a refused batch is tried again
TYPES = ("load.a", "load.b", "load.c", "load.d")


@dataclass(slots=True)
class Spoken:
    """What the API said. ``accepted``: id -> type. ``refused``: ids of calls that were answered with 503 only."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unanswered: list[set[str]] = field(default_factory=list)  # calls given up without an answer: accepted or not
    refusals: list[Reply] = field(default_factory=list)
    slowest: float = 0.0  # seconds until the slowest answer
    statuses: Counter[int] = field(default_factory=Counter)


def largest_batch(count: int, pace: float) -> int:
    """Events of one call at most, of ``count`` that come every ``pace`` seconds (0: as fast as they are taken)."""
    steady = int(_STEADY / pace) if pace else MAX_BATCH
    return max(LARGEST_BATCH, min(count // 25, steady, MAX_BATCH))


class Load:
    """One publisher: batches of random size, one after the other, ``count`` events in about ``seconds``.

    ``insist``: a call that was refused or not answered is made again with the same ids until it is accepted,
    as the documentation tells publishers to do. Without, its events are given up.
    """

    def __init__(
        self,
        api: Api,
        name: str,
        count: int,
        seconds: float,
        seed: str,
        *,
        insist: bool = True,
        types: Sequence[str] = TYPES,
    ) -> None:
        self.spoken = Spoken()
        self._api = api
        self._name = name
        self._count = count
        self._pace = seconds / max(count, 1)
        self._random = random.Random(seed)
        self._insist = insist
        self._types = types
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"load {name}", daemon=True)
        self._hurry = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def finish(self, timeout: float = 300.0) -> None:
        """Publish what is left without pauses and wait for the end. Raises what went wrong in the thread."""
        self._hurry.set()
        self.join(timeout)

    def join(self, timeout: float = 300.0) -> None:
        """Wait for the end at the given pace."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise AssertionError(f"the publisher of {self._name} is not done after {timeout:g} s")
        self._api.close()
        if self._failure is not None:
            raise self._failure

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            began, number = time.monotonic(), 0
            largest = largest_batch(self._count, self._pace)
            while number < self._count:
                size = min(self._random.randint(1, largest), self._count - number)
                self._publish([self._event(n) for n in range(number, number + size)])
                number += size
                self._hurry.wait(max(0.0, began + number * self._pace - time.monotonic()))
        except BaseException as error:  # told by finish(), in the thread that asks
            self._failure = error

    def _event(self, number: int) -> dict[str, Any]:
        return {
            "id": f"{self._name}-{number}",
            "type": self._random.choice(self._types),
            "data": {"n": number, "pad": "x" * self._random.randint(0, 300)},
        }

    def _publish(self, events: list[dict[str, Any]]) -> None:
        ids = {event["id"] for event in events}
        deadline = time.monotonic() + PERSEVERE
        unknown = False
        while True:
            try:
                reply = self._api.call("POST", "/events/batch", {"events": events})
            except Unanswered:
                unknown = True
            else:
                self.spoken.statuses[reply.status] += 1
                self.spoken.slowest = max(self.spoken.slowest, reply.seconds)
                if reply.status == 202:
                    self.spoken.accepted |= {event["id"]: event["type"] for event in events}
                    return
                if reply.status != 503:
                    raise AssertionError(f"publishing was answered with {reply.status}: {str(reply.body)[:300]}")
                self.spoken.refusals.append(reply)
            if not self._insist or time.monotonic() > deadline:
                if unknown:
                    self.spoken.unanswered.append(ids)
                else:
                    self.spoken.refused |= ids
                return
            time.sleep(_PAUSE)
