"""Who subscribes to what in the demonstration, how each receiver behaves, and so what has to happen.

Everything here is worked out from this table and the payloads alone. The matching of patterns is written a
second time on purpose: an expectation taken from the service's own code would agree with its faults.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from webhooks.management.demo.payloads import Payload

WAVES = 8  # publications, so that the demonstration looks like a day of events and not like one burst
_LARGEST_WAVE = 200  # events, about 2 MB: a batch may have 5 MB
_TIMEOUT = 5  # seconds for a request: a killed worker's lease ends about 11 seconds after it


class Fate(StrEnum):
    """What becomes of the deliveries of an endpoint in the end."""

    DELIVERED = "delivered"
    DEAD = "dead"
    GONE = "gone"  # the first is answered 410, which disables the endpoint; the others are held


# The states of a delivery in which it has met its fate.
ENDS = {Fate.DELIVERED: ("succeeded",), Fate.DEAD: ("dead",), Fate.GONE: ("dead", "held")}


@dataclass(frozen=True, slots=True)
class Part:
    """One endpoint: its subscription and the behaviour of its receiver (see ``routes.Route``).

    ``special`` endpoints depend on a small number of events and get no copies when more are asked for.
    """

    name: str
    about: str
    patterns: tuple[str, ...]
    fate: Fate = Fate.DELIVERED
    retry_policy: str = "default"
    delay: float = 0.0
    fail_first: int = 0
    status: int = 200
    special: bool = False

    @property
    def path(self) -> str:
        """The path of its receiver."""
        return f"/demo/{self.name}"

    def wants(self, event_type: str) -> bool:
        """Whether one of its patterns matches."""
        return any(_expression(pattern).fullmatch(event_type) for pattern in self.patterns)

    def webhook(self, receiver_url: str) -> dict[str, object]:
        """The body of ``POST /api/webhooks`` that makes it."""
        return {
            "url": receiver_url.rstrip("/") + self.path,
            "description": f"Demonstration: {self.about}",
            "event_types": list(self.patterns),
            "retry_policy": self.retry_policy,
            "timeout": _TIMEOUT,
        }


# The types of "flaky" are far apart in the alphabet, so they are published three waves apart, when the one
# before is through: five failures in a row would open its circuit breaker. "broken" has one event: its six tries
# take 31 seconds.
PARTS = (
    Part("healthy", "every event, answered at once", ("github.**",)),
    Part(
        "slow",
        "answers after 2 s",
        ("github.deployment.*", "github.deployment_status.*", "github.release.*", "github.package.*"),
        delay=2.0,
        special=True,
    ),
    Part(
        "flaky",
        "fails twice, then succeeds",
        ("github.branch_protection_rule.*", "github.member.*", "github.push"),
        retry_policy="fast",
        fail_first=2,
        special=True,
    ),
    Part(
        "broken",
        "always 500",
        ("github.page_build",),
        fate=Fate.DEAD,
        retry_policy="fast",
        status=500,
        special=True,
    ),
    Part("chosen", "a subset by pattern", ("github.pull_request.*", "github.issues.*")),
    Part(
        "gone",
        "answers 410",
        (
            "github.check_run.*",
            "github.check_suite.*",
            "github.team.*",
            "github.workflow_run.*",
            "github.workflow_job.*",
        ),
        fate=Fate.GONE,
        status=410,
    ),
)


@dataclass(frozen=True, slots=True)
class Publication:
    """An event to publish under the id ``id``, which becomes the ``webhook-id`` of its deliveries."""

    id: str
    payload: Payload


def plan(payloads: Sequence[Payload], count: int, run: str) -> list[list[Publication]]:
    """``count`` events in WAVES waves, more if they get too large. Ids start with ``run``: runs stay apart.

    First comes what takes longest. More events than payloads: copies of those that no special endpoint wants.
    """
    longest = [part for part in PARTS if part.fate is Fate.DEAD]
    ordered = sorted(payloads, key=lambda payload: not any(part.wants(payload.type) for part in longest))
    special = [part for part in PARTS if part.special]
    plain = [payload for payload in payloads if not any(part.wants(payload.type) for part in special)]
    chosen = ordered[:count]
    while len(chosen) < count:
        chosen += plain[: count - len(chosen)]
    publications = [
        Publication(f"{run}-{number:04d}-{payload.type.replace('.', '-')}", payload)
        for number, payload in enumerate(chosen, start=1)
    ]
    size = min(ceil(len(publications) / WAVES), _LARGEST_WAVE)
    return [publications[start : start + size] for start in range(0, len(publications), size)]


def expected(part: Part, publications: Sequence[Publication]) -> dict[str, Payload]:
    """What this endpoint has to be sent, by ``webhook-id``."""
    return {each.id: each.payload for each in publications if part.wants(each.payload.type)}


def _expression(pattern: str) -> re.Pattern[str]:
    """CONTRACT: exact, ``a.*`` (one more segment), ``a.**`` (one or more), ``*`` (all)."""
    if pattern == "*":
        return re.compile(r".*")
    if pattern.endswith(".**"):
        return re.compile(re.escape(pattern[:-3]) + r"(\.[^.]+)+")
    if pattern.endswith(".*"):
        return re.compile(re.escape(pattern[:-2]) + r"\.[^.]+")
    return re.compile(re.escape(pattern))
