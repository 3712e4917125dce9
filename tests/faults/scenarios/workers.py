"""Clarion's own processes are killed, stopped, frozen, doubled, and one of them has a wrong clock."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

from tests.faults.arrivals import Rule
from tests.faults.fleet import DELIVERY, WORKERS
from tests.faults.ledger import Fault
from tests.faults.load import TYPES
from tests.faults.scenario import LEASE, Run, scenario, wait_for

_LIBFAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))  # Debian's package faketime
_HOUR = 3600  # seconds
# Celery drops an expired message by the clock of the worker, and a sweep expires after five minutes.
_BELOW_EXPIRY = 240  # seconds
_SHORTEST_PAUSE = 4.0  # seconds between tries of a failing task; it grows from 5 with each failure
# seconds: longer than a live worker holds rows on a busy machine, shorter than a lease that began a while ago
HELD = 5.5
_HEARTBEATS = 20.0  # seconds within which every process has told of itself: it does so each 10


@scenario("Delivery workers killed with SIGKILL at random moments, again and again")
def workers_killed(run: Run) -> None:
    """A killed worker's rows are sent again after their lease, and no others."""
    run.usual_endpoints()
    kills = run.choose(12, 3)
    with run.load(seconds=kills * 1.2):
        for _ in range(kills):
            run.pause(0.0, 1.5)
            run.kill(run.random.choice((*DELIVERY, "slow")))


@scenario("All workers killed at the same moment")
def all_workers_killed(run: Run) -> None:
    """Nobody is left to deliver, route or bury until they have been started again."""
    run.usual_endpoints()
    with run.load(seconds=run.choose(15, 4)):
        for _ in range(run.choose(3, 1)):
            run.pause(0.0, 1.0)
            run.hold(*WORKERS)
            run.fleet.release(*WORKERS)


@scenario("Workers deployed anew with SIGTERM, one after the other, under load")
def workers_deployed(run: Run) -> None:
    """A worker that is asked to end finishes or hands back what it holds: nothing lost, nothing twice."""
    run.usual_endpoints()
    slowest = 0.0
    with run.load(seconds=run.choose(24, 6)):
        for name in WORKERS if not run.quick else ("delivery-1", "slow", "general"):
            run.busy()
            run.ledger.note(f"SIGTERM {name}")
            slowest = max(slowest, run.fleet.deploy(name))
    run.notes.append(f"the slowest worker ended {slowest:.1f} s after SIGTERM")


@scenario("A worker frozen with SIGSTOP until its lease has run out, then resumed")
def worker_frozen(run: Run) -> None:
    """What it was sending is sent by others. Its own result comes too late: noted as *late*, changes nothing.

    The late results are failures, so one that overwrote its successor's success would make a third request.
    """
    run.usual_endpoints()
    run.endpoint("failing-first", TYPES[:1], [Rule("status", 503, first=1, share=0.2, delay=(0.1, 0.3))])
    run.slack = LEASE + 10  # seconds; frozen between signing and sending
    victims = (*DELIVERY, "slow") if not run.quick else (run.random.choice(DELIVERY),)
    with run.load(seconds=run.choose(30, 12)):
        for victim in victims:
            with run.fault(f"SIGSTOP {victim}") as fault:
                if _freeze_busy(run, victim, fault):
                    time.sleep(LEASE + 2 - HELD)  # the lease runs out, and others take the rows
                run.fleet.thaw(victim)
    run.settle()
    # Everything may be settled before the last victim, which nobody waits for, has written its results down.
    wait_for(lambda: run.one(_LATE, run.tenant) > 0, "a late result of a frozen worker", LEASE)
    run.notes.append(f"{run.one(_LATE, run.tenant)} late results were noted and not used")


def _freeze_busy(run: Run, victim: str, fault: Fault) -> bool:
    """Freeze a worker again and again until it holds rows; False when nothing is left to be sent."""
    while True:
        run.busy()
        if freeze_holding(run, victim, fault):
            return True
        if not run.unfinished():
            return False
        run.fleet.thaw(victim)
        run.ledger.look_twice(fault)  # a claim that was undecided is seen now
        run.pause(0.0, 0.3)


def freeze_holding(run: Run, victim: str, fault: Fault) -> bool:
    """Freeze a worker, wait ``HELD`` seconds, and return whether it holds rows and nothing of it is undecided.

    What the others hold is finished meanwhile, and what stays is the victim's.
    """
    run.fleet.freeze(victim)
    run.ledger.look(fault)
    at_first = run.ledger.sending()
    time.sleep(HELD)
    run.ledger.look(fault)  # PostgreSQL may have been at the victim's last claim when it froze
    held = at_first & run.ledger.sending()
    fault.held |= held
    return bool(held) and not run.ledger.undecided(HELD - 1)


@scenario("Beat killed while a worker is killed and doorbells are lost")
def beat_killed(run: Run) -> None:
    """It is away for too short a time for a worker to stand in; when it is back, what was missed is found."""
    run.usual_endpoints()
    with run.load(seconds=run.choose(20, 5)), run.world.broker.client() as client:
        for _ in range(run.choose(3, 1)):
            run.fleet.hold("beat")
            run.kill(run.random.choice(DELIVERY))
            with run.fault("beat away, FLUSHALL"):
                for _ in range(3):
                    run.pause(0.2, 1.0)
                    client.flushall()
                run.fleet.release("beat")


@scenario("Beat gone for good while workers are killed and doorbells are lost")
def beat_gone(run: Run) -> None:
    """Workers sweep in its place, and everything is delivered before it is back."""
    run.usual_endpoints()
    with run.load(seconds=run.choose(20, 5)), run.world.broker.client() as client:
        with run.fault("beat gone"):
            run.fleet.hold("beat")
        for _ in range(run.choose(3, 1)):
            run.pause(0.2, 2.0)
            run.kill(run.random.choice(DELIVERY))
            with run.fault("FLUSHALL"):
                client.flushall()
    run.settle()


@scenario("Two beats at once, while workers are killed")
def two_beats(run: Run) -> None:
    """Two sweeps at the same moment free each lease once and ring each bell once."""
    run.usual_endpoints()
    run.fleet.add("beat-again", like="beat")
    with run.load(seconds=run.choose(15, 4)):
        for _ in range(run.choose(6, 2)):
            run.pause(0.0, 1.0)
            run.kill(run.random.choice(DELIVERY))


_TOLD = "SELECT EXTRACT(EPOCH FROM told_at - seen_at) FROM webhooks_heartbeat WHERE name LIKE 'skewed@%%'"
_LATE = "SELECT count(*) FROM webhooks_attempt WHERE tenant_id = %s AND outcome = 'late'"
_POISON = "UPDATE webhooks_endpoint SET rate_limit = %s WHERE id = %s"
_FAILURES = """
SELECT id, count, exception, resolution FROM webhooks_taskfailure WHERE task = 'webhooks.deliver' AND args = %s
"""


@scenario("Poison: a task that always raises")
def poison_task(run: Run) -> None:
    """A row that the delivery task cannot even read. It is one TaskFailure that counts up, not a loop; nobody
    else notices; once the row is mended, the failure resolves itself and everything is delivered."""
    run.usual_endpoints()
    victim = run.endpoints["well-1"]
    key = json.dumps([str(victim.id)])
    run.may_fail = lambda row: (row.task, row.args) == ("webhooks.deliver", key)
    with run.load(seconds=run.choose(20, 5)):
        run.pause(0.5, 1.5)
        with run.fault("poisoned") as fault:
            run.world.rows(_POISON, [json.dumps({"limit": "many", "period": 1}), victim.id])
            began = time.monotonic()
            wait_for(lambda: bool(run.world.rows(_FAILURES, [key])), "the failure to be recorded", 30.0)
            time.sleep(run.choose(20, 4))
            failures = run.world.rows(_FAILURES, [key])
            most = 2 + (time.monotonic() - began) / _SHORTEST_PAUSE
            run.world.rows(_POISON, [None, victim.id])
    # A task that had read the row before it was poisoned may end well after the first failure, and resolves it.
    lasting = [row for row in failures if row[3] == "open"]
    run.expect(len(lasting) == 1 and len(failures) <= 2, f"a task that always fails made these rows: {failures}")
    _, count, exception, _ = lasting[0]
    run.notes.append(f"{exception} was noted {count} times in one row")
    run.expect(count <= most, f"the task was tried {count} times, at most {most:.0f} are meant")
    others = {a.endpoint for a in run.arrivals() if fault.began < a.at < fault.ended} - {victim.name}
    run.expect(len(others) == len(run.endpoints) - 1, f"beside the poisoned endpoint only {others} got anything")
    run.settle()
    wait_for(
        lambda: all(row[3] == "succeeded" for row in run.world.rows(_FAILURES, [key])), "the failure to be resolved"
    )


def _needs_libfaketime() -> str:
    return "" if _LIBFAKETIME else "libfaketime is not installed (Debian and Ubuntu: apt install faketime)"


def _wrong_clock(run: Run, victim: str, step: int = _HOUR) -> None:
    """Replace a worker by one whose clock jumps ahead, back, and is right again, under load.

    Breakers open meanwhile: for a second or a few, whoever opens them.
    """
    run.usual_endpoints()
    run.endpoint("failing-first", TYPES[:1], [Rule("status", 503, first=1, share=0.5)])
    clock = run.world.folder / f"clock-{run.slug}"
    clock.write_text("+0")
    run.fleet.hold(victim)
    run.fleet.add(
        "skewed",
        like=victim,
        LD_PRELOAD=str(_LIBFAKETIME[-1]),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_CACHE_DURATION="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    run.offsets += [step, -step]
    half = run.events // 2
    for offset, count in ((step, half), (-step, run.events - half)):
        with run.fault(f"clock of {victim} off by {offset} s") as fault, run.world.broker.client() as client:
            clock.write_text(f"{offset:+d}")
            with run.load(run.choose(10, 3), count, label="-ahead" if offset > 0 else "-back"):
                run.pause(1.5, run.choose(6, 2))  # the skewed process looks at its clock once a second
                fault.sending |= run.kill(DELIVERY[0]).sending
                client.flushall()
            run.settle()  # with the clock still wrong
            wait_for(partial(_is_off, run, offset), f"a heartbeat of the clock that is off by {offset} s", _HEARTBEATS)
        clock.write_text("+0")


def _is_off(run: Run, offset: int) -> bool:
    """The process with the wrong clock has told the time of it: libfaketime works."""
    told = run.world.rows(_TOLD)
    return bool(told) and abs(float(told[0][0]) - offset) < _BELOW_EXPIRY / 2


@scenario("The clock of a delivery worker jumps an hour ahead and an hour back", needs=_needs_libfaketime)
def clock_of_a_delivery_worker(run: Run) -> None:
    """Leases and due times are PostgreSQL's; only the timestamps it signs are wrong."""
    _wrong_clock(run, "delivery-2")


@scenario("The clock of the slow worker jumps an hour ahead and an hour back", needs=_needs_libfaketime)
def clock_of_the_slow_worker(run: Run) -> None:
    """Retries are held in the broker with a moment to run at; the rows do not depend on it."""
    _wrong_clock(run, "slow")


@scenario("The clock of the general worker jumps four minutes ahead and four back", needs=_needs_libfaketime)
def clock_of_the_general_worker(run: Run) -> None:
    """The worker that routes and sweeps. Further off than a sweep is valid, it would sweep no more."""
    _wrong_clock(run, "general", _BELOW_EXPIRY)
