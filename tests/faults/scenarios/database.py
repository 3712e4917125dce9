"""PostgreSQL is restarted, cut off, frozen, full. It holds everything: without it nothing is accepted."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator

from tests.faults.disk import SmallDisk
from tests.faults.load import TYPES, Load
from tests.faults.scenario import Run, TaskRow, scenario, wait_for

_ANSWERED_WITHIN = 10.0  # seconds for a refusal: the pool's time limit of 3, and a machine with other things to do


def _restarted(run: Run, how: signal.Signals, times: int) -> None:
    run.usual_endpoints()
    with run.load(seconds=times * 4.0):
        for _ in range(times):
            run.pause(0.5, 2.0)
            with run.fault(f"PostgreSQL {how.name}", database=True):
                run.world.halt_database(how)
                run.pause(0.0, 2.0)
                run.world.database.start()
    _say_refusals(run)


@scenario("PostgreSQL restarted, fast shutdown")
def database_restarted_fast(run: Run) -> None:
    """Connections are closed in good order, transactions rolled back."""
    _restarted(run, signal.SIGINT, run.choose(4, 1))


@scenario("PostgreSQL restarted, immediate shutdown (crash recovery)")
def database_restarted_immediate(run: Run) -> None:
    """As after a power cut: what was committed is there again, everything else is not."""
    _restarted(run, signal.SIGQUIT, run.choose(4, 1))


@scenario("All connections to PostgreSQL cut, again and again")
def connections_cut(run: Run) -> None:
    """pg_terminate_backend in the middle of claims, records and publishing."""
    run.usual_endpoints()
    times = run.choose(10, 3)
    with run.load(seconds=times * 1.5):
        for _ in range(times):
            run.pause(0.0, 1.0)
            with run.fault("connections cut", database=True):
                run.world.cut()
    _say_refusals(run)


@scenario("PostgreSQL unreachable for 30 s while API calls arrive")
def database_unreachable(run: Run) -> None:
    """Calls get 503 with Retry-After, soon. What got 202 arrives, what got 503 does not exist."""
    run.usual_endpoints()
    with _publishers(run, run.choose(40, 14)), run.fault("PostgreSQL away", database=True):
        run.world.halt_database(signal.SIGINT)
        time.sleep(run.choose(30, 10))  # longer than a call waits for a connection
        run.world.database.start()
    run.expect(any(spoken.refusals for spoken in run.spoken), "no call was refused while PostgreSQL was away")
    slowest = max(reply.seconds for spoken in run.spoken for reply in spoken.refusals)
    run.notes.append(f"the slowest refusal took {slowest:.1f} s")
    run.expect(slowest < _ANSWERED_WITHIN, f"a call waited {slowest:.1f} s to be refused")
    _say_refusals(run)


@scenario("PostgreSQL frozen for 30 s while API calls arrive")
def database_frozen(run: Run) -> None:
    """It accepts connections and says nothing: a host that hangs, a partition of the network."""
    run.usual_endpoints()
    with _publishers(run, run.choose(40, 8)), run.fault("PostgreSQL frozen", database=True) as fault:
        with run.world.database.frozen():
            time.sleep(run.choose(30, 4))
        run.ledger.look_twice(fault)
    _say_refusals(run)


@contextlib.contextmanager
def _publishers(run: Run, seconds: float) -> Iterator[None]:
    """Three that give up what is refused and one that insists (the only one whose order is looked at)."""
    _, b, c, _ = TYPES
    others = tuple(kind for kind in TYPES if kind not in (b, c))  # not the types of the ordered endpoint
    share = run.events // 4
    loads: list[Load] = [run.publisher(run.events - 3 * share, seconds)]
    loads += [run.publisher(share, seconds, f"-p{n}", insist=False, types=others) for n in range(3)]
    for load in loads:
        load.start()
    run.pause(0.5, 2.0)
    yield
    for load in loads:
        load.join()


def _for_want_of_room(row: TaskRow) -> bool:
    """What writes to a full disk fails, where the operator sees it, and goes through later."""
    return row.exception == "django.db.utils.OperationalError"


def _say_refusals(run: Run) -> None:
    """Every refusal is a problem of RFC 9457 that says when to come again."""
    refusals = [reply for spoken in run.spoken for reply in spoken.refusals]
    run.notes.append(f"{len(refusals)} calls were answered with 503")
    bad = [r for r in refusals if r.content_type != "application/problem+json" or not (r.retry_after or "").isdigit()]
    run.expect(not bad, f"{len(bad)} refusals are no problem+json with Retry-After: {bad[:1]}")


@scenario("Disk of the events full: inserts fail", needs=SmallDisk.missing)
def disk_full_for_events(run: Run) -> None:
    """Publishing gets 503 while the disk is full; what was accepted before goes on."""
    run.usual_endpoints()
    run.may_fail = _for_want_of_room
    with SmallDisk(run.world, ["webhooks_event", "webhooks_eventkey"]) as disk:
        with _publishers(run, run.choose(30, 8)), run.fault("disk full"), disk.full():
            time.sleep(run.choose(15, 4))
        run.settle()
    run.expect(any(spoken.refusals for spoken in run.spoken), "no call was refused while the disk was full")
    _say_refusals(run)


@scenario("Disk of the attempts full: results cannot be recorded", needs=SmallDisk.missing)
def disk_full_for_attempts(run: Run) -> None:
    """What was sent and could not be recorded is sent again after its lease, each of them in flight."""
    run.usual_endpoints()
    run.may_fail = _for_want_of_room
    with SmallDisk(run.world, ["webhooks_attempt"]) as disk:
        with run.load(seconds=run.choose(30, 8)):
            wait_for(run.arrivals, "deliveries after the restarts that made the disk")
            run.busy()
            with run.fault("disk full") as fault, disk.full():
                end = time.monotonic() + run.choose(15, 4)
                while time.monotonic() < end:
                    run.ledger.look(fault)
                    time.sleep(0.02)
            run.ledger.look(fault)
            refusals = disk.refusals()
        run.settle()
    run.notes.append(f"{refusals} statements failed for want of room")
    run.expect(refusals > 0, "nothing failed for want of room, so nothing was shown")
