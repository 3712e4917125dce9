"""Endpoints change while their deliveries are in flight: paused, disabled, deleted, given a new secret."""

from __future__ import annotations

import time

from tests.faults.invariants import Known
from tests.faults.scenario import Run, scenario

_IN_FLIGHT = 4.0  # seconds after which nothing of before is on its way: a drain's second, an answer, a busy machine


def _stopped(run: Run, stop: str, go: str) -> None:
    """Stop some endpoints for a while, see that nothing arrives at them, let them go on."""
    run.usual_endpoints()
    victims = [run.endpoints[label] for label in ("well-1", "flaky", "ordered")]
    with run.load(seconds=run.choose(30, 10)):
        for _ in range(run.choose(3, 1)):
            run.pause(0.3, 1.5)
            run.busy()
            with run.fault(stop):
                for victim in victims:
                    run.api.must("POST", f"/webhooks/{victim.public_id}/{stop}")
                time.sleep(_IN_FLIGHT)
                quiet_from = time.time()
                run.pause(0.5, 2.0)
                quiet_to = time.time()
                for victim in victims:
                    run.api.must("POST", f"/webhooks/{victim.public_id}/{go}")
            _expect_silence(run, victims, quiet_from, quiet_to, f"after {stop}")


def _expect_silence(run: Run, victims: list[Known], begin: float, end: float, when: str) -> None:
    names = {victim.name for victim in victims}
    loud = [a for a in run.arrivals() if a.endpoint in names and begin < a.at < end]
    run.expect(
        not loud, f"{len(loud)} requests arrived {when}, the first {loud[0].at - begin:.1f} s in" if loud else ""
    )


@scenario("Endpoints paused and resumed while their deliveries are in flight")
def endpoint_paused(run: Run) -> None:
    """Deliveries are held, and sent in order when the endpoint is resumed."""
    _stopped(run, "pause", "resume")


@scenario("Endpoints disabled and enabled while their deliveries are in flight")
def endpoint_disabled(run: Run) -> None:
    """The same for an endpoint that was switched off."""
    _stopped(run, "disable", "enable")


@scenario("Endpoints deleted while their deliveries are in flight")
def endpoint_deleted(run: Run) -> None:
    """What was not sent is cancelled, what is in flight is recorded, nothing arrives later."""
    run.usual_endpoints()
    victims = [run.endpoints[label] for label in ("well-2", "refusing", "ordered")]
    with run.load(seconds=run.choose(15, 5)):
        run.pause(0.5, 2.0)
        for victim in victims:
            run.busy()
            run.ledger.note(f"{victim.name} deleted")
            victim.leaves = True
            run.api.must("DELETE", f"/webhooks/{victim.public_id}")
        time.sleep(_IN_FLIGHT)
        quiet_from = time.time()
    run.settle()
    _expect_silence(run, victims, quiet_from, time.time(), "after the endpoint was deleted")


@scenario("Signing secrets rotated while deliveries are in flight")
def secret_rotated(run: Run) -> None:
    """During the overlap both secrets sign; a receiver that knows either can verify every request."""
    run.usual_endpoints()
    victim = run.endpoints["well-1"]
    asked: list[float] = []
    rotated: list[float] = []
    with run.load(seconds=run.choose(20, 14)):
        for overlap in (3600, 0):
            run.pause(0.3, 1.5)
            run.busy()
            run.ledger.note(f"secret rotated with an overlap of {overlap} s")
            asked.append(time.time())
            path = f"/webhooks/{victim.public_id}/rotate-secret"
            victim.secrets.append(run.api.must("POST", path, {"overlap_seconds": overlap})["secret"])
            run.world.recorder.configure(victim.name, secrets=victim.secrets)
            rotated.append(time.time())
            victim.unknowing.append((asked[-1], rotated[-1]))
            time.sleep(_IN_FLIGHT)
    run.settle()
    after = [a for a in run.arrivals() if a.endpoint == victim.name]
    first, second = (moment + _IN_FLIGHT for moment in rotated)
    overlap, ended = [a for a in after if first < a.at < asked[1]], [a for a in after if a.at > second]
    run.expect(bool(ended), "nothing was sent with the last secret, so nothing was shown")
    run.expect(all({0, 1} <= set(a.verified) for a in overlap), "not every request of the overlap has both signatures")
    run.expect(all(a.verified == [2] for a in ended), "an ended secret still signs")
