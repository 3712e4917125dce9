"""The broker dies, forgets, hangs, is full. Its messages are hints, so nothing may be lost or doubled."""

from __future__ import annotations

from tests.faults.fleet import DELIVERY
from tests.faults.scenario import Run, scenario

# seconds that a call may take while broker and guards hang: their time limits, see docs/operations.md, and some
_ANSWERED_WITHIN = 12.0


@scenario("Broker killed with SIGKILL and started again")
def broker_killed(run: Run) -> None:
    """Publishing goes on without it; workers connect again by themselves."""
    run.usual_endpoints()
    times = run.choose(4, 2)
    with run.load(seconds=times * 4.0):
        for _ in range(times):
            run.pause(0.5, 2.0)
            run.busy()
            with run.fault("broker killed"):
                run.world.broker.kill()
                run.pause(0.0, 3.0)
                run.world.broker.start()
    _all_accepted(run)


@scenario("Broker and guards emptied with FLUSHALL")
def broker_flushed(run: Run) -> None:
    """Every doorbell, flag, slot and breaker is gone at once."""
    run.usual_endpoints()
    times = run.choose(10, 3)
    with run.load(seconds=times * 1.5), run.world.broker.client() as client:
        for _ in range(times):
            run.pause(0.0, 1.5)
            run.busy()
            with run.fault("FLUSHALL"):
                client.flushall()
    _all_accepted(run)


@scenario("Broker unreachable for a minute while events are published")
def broker_unreachable(run: Run) -> None:
    """It accepts connections and says nothing. Events are stored at once, and the caller does not wait long."""
    run.usual_endpoints()
    away = run.choose(60, 8)
    with run.load(seconds=away):
        run.pause(0.5, 2.0)
        with run.fault("broker frozen"), run.world.broker.frozen():
            run.pause(away, away + 1)
    _all_accepted(run)
    slowest = max(spoken.slowest for spoken in run.spoken)
    run.notes.append(f"the slowest call was answered after {slowest:.1f} s")
    run.expect(slowest < _ANSWERED_WITHIN, f"a call took {slowest:.1f} s while the broker was away")


@scenario("Broker out of memory (noeviction): every write is refused")
def broker_out_of_memory(run: Run) -> None:
    """Doorbells cannot be sent, retries in the broker cannot be made; the rows know what is due."""
    run.usual_endpoints()
    with run.load(seconds=run.choose(24, 6)):
        for _ in range(run.choose(4, 2)):
            run.pause(0.3, 1.5)
            with run.fault("broker out of memory"), run.world.broker.full():
                run.pause(1.0, run.choose(5, 2))
    _all_accepted(run)


@scenario("RabbitMQ as broker: killed with SIGKILL, started again, workers killed", rabbit=True)
def rabbitmq_killed(run: Run) -> None:
    """The same with the other broker; guards stay in Valkey."""
    rabbit = run.world.rabbit
    assert rabbit is not None
    run.usual_endpoints()
    times = run.choose(3, 1)
    with run.load(seconds=times * 12.0):
        for _ in range(times):
            run.pause(0.5, 2.0)
            run.kill(run.random.choice(DELIVERY))
            with run.fault("RabbitMQ killed"):
                rabbit.kill()
                run.pause(0.0, 2.0)
                rabbit.start()
    _all_accepted(run)


def _all_accepted(run: Run) -> None:
    refused = sum(len(spoken.refusals) for spoken in run.spoken)
    run.expect(refused == 0, f"{refused} calls were refused although only the broker was away")
