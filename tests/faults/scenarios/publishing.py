"""Publishing inside the caller's transaction, and work that waits for the sweep."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.faults.children import ROOT
from tests.faults.fleet import DELIVERY
from tests.faults.scenario import Run, scenario

_PATIENCE = 300  # seconds for the emitting process


def _emit(run: Run, events: int, label: str, rollbacks: float) -> dict[str, Any]:
    """Publish with ``webhooks.emit`` in another process; what it committed has to arrive."""
    command = [sys.executable, "-m", "tests.faults.emitter", "--tenant", run.slug, "--name", f"{run.slug}{label}"]
    command += ["--events", str(events), "--rollbacks", str(rollbacks), "--seed", f"{run.seed}{label}"]
    done = subprocess.run(
        command, cwd=ROOT, env=run.fleet.env, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    run.expect(done.returncode == 0, f"the emitting process failed: {done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    run.committed |= said["committed"]
    return said


@scenario("emit in transactions that roll back, and in others that commit")
def emit_rolled_back(run: Run) -> None:
    """An event belongs to its transaction: rolled back, it was never there. (Every event of the database must be
    one that was committed, which the invariants check.)"""
    run.usual_endpoints()
    said = _emit(run, run.events, "", rollbacks=0.4)
    run.expect(bool(said["rolled_back"]), "nothing was rolled back, so nothing was shown")
    run.notes.append(f"{len(said['rolled_back'])} events were rolled back, {len(said['committed'])} committed")


@scenario("emit commits while the broker is down")
def emit_without_broker(run: Run) -> None:
    """The commit does not need the broker; the sweep finds the events when it is back."""
    run.usual_endpoints()
    half = run.events // 2
    with run.fault("broker down"):
        run.world.broker.kill()
        said = _emit(run, half, "-down", rollbacks=0.2)
        run.world.broker.start()
    run.notes.append(f"the slowest transaction took {said['slowest']:.1f} s")
    _emit(run, run.events - half, "-up", rollbacks=0.2)


@scenario("Everything due at once, and every doorbell lost")
def sweep_everything_due(run: Run) -> None:
    """The delivery workers come back to hundreds of due endpoints that nobody rings for: the sweep does."""
    endpoints = run.choose(400, 40)
    types = [f"due.t{number}" for number in range(endpoints)]
    for number, kind in enumerate(types):
        run.endpoint(str(number), [kind])
    run.fleet.hold(*DELIVERY, "slow")
    load = run.publisher(types=types)
    load.start()
    load.join()
    due = run.one("SELECT count(*) FROM webhooks_mailbox WHERE tenant_id = %s AND next_due_at <= now()", run.tenant)
    with run.fault("FLUSHALL with everything due"), run.world.broker.client() as client:
        client.flushall()
        run.fleet.release(*DELIVERY, "slow")
        client.flushall()
    run.notes.append(f"{due} endpoints were due at once")
    run.expect(due > endpoints / 2, f"only {due} of {endpoints} endpoints were due at once")
