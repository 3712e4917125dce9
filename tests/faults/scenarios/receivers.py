"""Receivers hang, cut the connection, answer too late. What they did not take in time is sent again."""

from __future__ import annotations

from tests.faults.arrivals import Rule
from tests.faults.load import TYPES
from tests.faults.scenario import ANSWER, Run, scenario
from tests.faults.world import TIMEOUT


@scenario("A receiver hangs, then is well again")
def receiver_hanging(run: Run) -> None:
    """Requests end at their deadline, the breaker opens, other endpoints do not notice; then all is delivered."""
    run.usual_endpoints()
    hanging = run.endpoint("hanging", TYPES[:2])
    with run.load(seconds=run.choose(20, 5)):
        for _ in range(run.choose(2, 1)):
            with run.fault("receiver hangs"):
                run.world.recorder.configure(hanging.name, rules=[Rule("hang")])
                run.pause(TIMEOUT, run.choose(8, TIMEOUT + 2))
                run.world.recorder.configure(hanging.name, rules=[ANSWER])
            run.pause(0.5, 2.0)
    run.settle()
    run.expect(_answered(run, "hang") > 0, "no request hung, so nothing was shown")


@scenario("A receiver cuts connections in the middle of its answer")
def receiver_resetting(run: Run) -> None:
    """Half a status line and a TCP reset: no answer, so it is sent again."""
    run.usual_endpoints()
    run.endpoint("resetting", TYPES[:2], [Rule("reset", first=1, share=0.2, delay=(0.0, 0.05))])
    with run.load(seconds=run.choose(10, 3)):
        run.ledger.note("connections cut from the start")
    run.settle()
    run.expect(_answered(run, "reset") > 0, "no connection was cut, so nothing was shown")


@scenario("A receiver answers 200 after the deadline")
def receiver_late(run: Run) -> None:
    """It took the event and Clarion cannot know: the one repetition that no sender can avoid."""
    run.usual_endpoints()
    late = run.endpoint("late", TYPES[:2])
    with run.load(seconds=run.choose(20, 5)):
        for _ in range(run.choose(2, 1)):
            with run.fault("receiver answers too late"):
                run.world.recorder.configure(late.name, rules=[Rule("late", delay=(TIMEOUT + 1, TIMEOUT + 2))])
                run.pause(TIMEOUT, TIMEOUT + 3)
                run.world.recorder.configure(late.name, rules=[ANSWER])
            run.pause(0.5, 2.0)
    run.settle()
    again = _answered(run, "late")
    run.notes.append(f"{again} requests were answered after the deadline and made again")
    run.expect(again > 0, "no answer was late, so nothing was shown")


def _answered(run: Run, how: str) -> int:
    """How many requests met this rule."""
    return sum(arrival.meant == how for arrival in run.arrivals())
