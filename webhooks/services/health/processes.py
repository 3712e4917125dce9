"""Workers, beat and the sweep: who lives, who listens to what, whose clock is off.

Two witnesses: heartbeats in the database, which need no broker, and the workers' own answers over the broker.
A worker that has one and not the other lives, and hears nothing or writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

import webhooks
from webhooks.models.heartbeats import SILENT_AFTER
from webhooks.services import heartbeats
from webhooks.services.health.broker import Seen
from webhooks.services.health.database import skewed
from webhooks.services.health.finding import Finding, age, failed, graded, listed, ok, warning

_SWEEP_AGE = (20.0, 60.0)  # seconds; it runs each second and writes each fifth
_START = "Start it again: `celery -A {} worker -P threads -Q {} …` (see Processes in docs/operations.md)."
_START_BEAT = "Start it: `celery -A {} beat`."
_LOOK_AT_LOG = "Look at its log; if it stays so, restart it."


@dataclass(frozen=True, slots=True)
class Process:
    """A heartbeat. ``silent``: seconds since. ``skew``: seconds that its clock is ahead of the database's."""

    name: str
    kind: str
    queues: list[str]
    version: str
    silent: float
    skew: float

    @property
    def alive(self) -> bool:
        return self.silent < SILENT_AFTER


def known() -> list[Process]:
    """The workers and beats that have told of themselves within an hour."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, kind, queues, version, EXTRACT(EPOCH FROM clock_timestamp() - seen_at)::float, "
            "EXTRACT(EPOCH FROM told_at - seen_at)::float FROM webhooks_heartbeat "
            "WHERE kind <> 'sweep' AND seen_at > clock_timestamp() - %s * interval '1 second' ORDER BY name",
            [heartbeats.FORGET],
        )
        return [Process(*row) for row in cursor.fetchall()]


def queues(wanted: Sequence[str], processes: Sequence[Process], seen: Seen) -> Finding:
    """Whether each queue has a worker that listens, and how much waits."""
    heard = _listened(processes, seen)
    deaf = [queue for queue in wanted if queue not in heard]
    if not deaf:
        waiting = sum(seen.waiting.values())
        return ok("queues", f"all {len(wanted)} have a worker; {waiting} messages wait")
    counts = [f"{queue} ({seen.waiting[queue]} wait)" if seen.waiting.get(queue) else queue for queue in deaf]
    return failed("queues", f"no worker listens to {listed(counts, 10)}", _START.format(_app(), ",".join(deaf)))


def _listened(processes: Sequence[Process], seen: Seen) -> set[str]:
    if seen.consumers is not None:
        return {queue for told in seen.consumers.values() for queue in told}
    return {queue for process in processes if process.alive for queue in process.queues}


def workers(processes: Sequence[Process], seen: Seen) -> Finding:
    """The two witnesses against each other."""
    mine = [process for process in processes if process.kind == "worker"]
    alive = [process.name for process in mine if process.alive]
    answering = alive if seen.consumers is None else list(seen.consumers)
    if not alive and not answering:
        return failed("workers", "none is alive: nothing is delivered", _START.format(_app(), "…"))
    deaf = [name for name in alive if name not in answering]
    mute = [name for name in answering if name not in alive]
    gone = [f"{process.name} (for {age(process.silent)})" for process in mine if not process.alive]
    gone = [name for name in gone if name.split(" ")[0] not in answering]
    if deaf:
        return warning("workers", f"{listed(deaf)} writes heartbeats and does not answer over the broker", _LOOK_AT_LOG)
    if mute:
        return warning("workers", f"{listed(mute)} answers over the broker and writes no heartbeats", _LOOK_AT_LOG)
    if gone:
        return warning("workers", f"{len(alive)} alive; silent: {listed(gone)}", "Start it again, if it is missed.")
    return ok("workers", f"{len(alive)} alive: {listed(sorted(alive), 8)}")


def versions(processes: Sequence[Process]) -> Finding:
    others = [f"{p.name} ({p.version})" for p in processes if p.alive and p.version != webhooks.__version__]
    if others:
        advice = f"Restart them after an upgrade; this is {webhooks.__version__}."
        return warning("versions", f"of another release: {listed(others)}", advice)
    return ok("versions", f"all run {webhooks.__version__}")


def beat(processes: Sequence[Process]) -> Finding:
    """The process that rings for the sweep."""
    clocks = [process for process in processes if process.kind == "beat"]
    if not clocks:
        return failed("beat", "no beat has told of itself within an hour", _START_BEAT.format(_app()))
    last = min(clocks, key=lambda process: process.silent)
    found = f"{last.name}, heard {age(last.silent)} ago"
    return graded("beat", last.silent, (SILENT_AFTER, SILENT_AFTER * 2), found, _START_BEAT.format(_app()))


def sweep() -> Finding:
    """The safety net: what a lost message or a dead worker left behind is found by it alone."""
    seconds = heartbeats.sweep_age()
    advice = "Late retries and lost messages wait for it: see beat, and the worker of the queue fan_out."
    stand_in = heartbeats.sweep_age(heartbeats.STAND_IN)
    if stand_in is not None and stand_in < _SWEEP_AGE[0] and (seconds is None or seconds > _SWEEP_AGE[0]):
        since = "has never run here" if seconds is None else f"ran {age(seconds)} ago"
        return warning("sweep", f"{since}; workers sweep in its place", advice)
    if seconds is None:
        return failed("sweep", "has never run here", advice)
    return graded("sweep", seconds, _SWEEP_AGE, f"ran {age(seconds)} ago", advice)


def clocks(processes: Sequence[Process]) -> Finding:
    """The clock that is furthest from the database's, of all processes that live."""
    alive = [process for process in processes if process.alive]
    if not alive:
        return ok("clocks of workers", "nobody tells the time")
    worst = max(alive, key=lambda process: abs(process.skew))
    who = worst.name if len(alive) == 1 else f"{worst.name}, the worst of {len(alive)},"
    return skewed("clocks of workers", who, worst.skew)


def _app() -> str:
    """What ``celery -A`` takes in this project, as far as its settings tell: their package."""
    return str(settings.SETTINGS_MODULE).partition(".")[0]
