"""Many events: cut into requests of a size that Clarion takes, and one report about all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clarion._generated.models import BatchFault, BatchResult, Published
from clarion.bodies import EventFields, event_body
from clarion.errors import ApiError, InvalidInput, TooLarge

MAX_EVENTS = 1000  # of one request
MAX_BYTES = 5_000_000  # of one request; Clarion takes a little more
_HEAD, _TAIL = b'{"events":[', b"]}"
_PLACE = re.compile(r"/events/(\d+)(/.*)?\Z", re.DOTALL)


@dataclass(frozen=True)
class RefusedEvent:
    """An event that was not accepted. ``index``: its place in what was given to ``publish_batch``, from 0."""

    index: int
    errors: Sequence[BatchFault]


@dataclass
class BatchReport:
    """What became of the events.

    ``accepted``: new ones; ``duplicates``: those that were there. ``events``: both, in their order. ``errors``: the
    rest.
    """

    accepted: int = 0
    duplicates: int = 0
    events: list[Published] = field(default_factory=list)
    errors: list[RefusedEvent] = field(default_factory=list)

    def add(self, first: int, result: BatchResult) -> None:
        """Take in the answer about a part that begins at ``first``."""
        self.accepted += result.accepted
        self.duplicates += result.duplicates
        self.events += result.events
        self.errors += [RefusedEvent(first + one.index, one.errors) for one in result.errors]

    def refuse(self, part: Part, refused: ApiError) -> bool:
        """Take in a refusal of a whole part; False when it is not about its events."""
        if isinstance(refused, TooLarge) and part.count == 1:
            self.errors.append(RefusedEvent(part.first, [BatchFault(pointer="", detail=str(refused))]))
            return True
        places = [_PLACE.match(str(fault.pointer)) for fault in refused.errors]
        if not isinstance(refused, InvalidInput) or not places or not all(places):
            return False
        found: dict[int, list[BatchFault]] = {}
        for place, fault in zip(places, refused.errors, strict=True):
            if place:
                found.setdefault(int(place[1]), []).append(BatchFault(pointer=place[2] or "", detail=fault.detail))
        self.errors += [RefusedEvent(part.first + index, faults) for index, faults in sorted(found.items())]
        return True


@dataclass(frozen=True)
class Part:
    """The body of one request. ``first``: the place of its first event."""

    first: int
    count: int
    body: bytes


def parts(events: Iterable[EventFields]) -> Iterator[Part]:
    """The requests that publish the events, each with at most MAX_EVENTS and MAX_BYTES."""
    first, size = 0, len(_HEAD) + len(_TAIL)
    waiting: list[bytes] = []
    for event in events:
        body = event_body(event)
        if waiting and (len(waiting) == MAX_EVENTS or size + len(body) + 1 > MAX_BYTES):
            yield _part(first, waiting)
            first, size, waiting = first + len(waiting), len(_HEAD) + len(_TAIL), []
        waiting.append(body)
        size += len(body) + 1
    if waiting:
        yield _part(first, waiting)


def _part(first: int, bodies: Sequence[bytes]) -> Part:
    return Part(first, len(bodies), _HEAD + b",".join(bodies) + _TAIL)
