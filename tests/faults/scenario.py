"""A scenario: one function that breaks something while events are published. The rest is the same for all."""

from __future__ import annotations

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from tests.faults import invariants
from tests.faults.arrivals import Arrival, Rule
from tests.faults.invariants import Facts, Known, Verdict
from tests.faults.ledger import Fault, Ledger
from tests.faults.load import TYPES, Load, Spoken
from tests.faults.world import LEASE, TIMEOUT, World, wait_for

SETTLE = 120.0  # seconds after the last fault within which everything has to be settled
# Many short steps: attempts that are lost with their worker must not use up a delivery's retries.
PATIENT: dict[str, Any] = {"schedule": [0.5, 1, 1, 2, 2, 2, 4, 4, 4, 4, 4, 4], "jitter": 0.1}
ANSWER = Rule(delay=(0.002, 0.05))  # long enough that something is on its way at any moment
BRIEF = Rule(delay=(0.001, 0.015))  # of the ordered endpoint: one at a time, so everything else would wait for it
REFUSED = 50  # every so manieth event is refused for good by the refusing endpoint

Body = Callable[["Run"], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``needs``: a reason why it cannot run on this machine, asked before; empty: it can."""

    name: str
    title: str
    theme: str
    body: Body
    rabbit: bool = False
    needs: Callable[[], str] = field(default=lambda: "")

    def __reduce__(self) -> tuple[Callable[[str], Scenario], tuple[str]]:
        return named, (self.name,)  # results go from process to process


@dataclass(slots=True)
class Result:
    """What came of a scenario. ``resumed``, ``settled``: seconds after the end of a fault, see :func:`_recovery`."""

    scenario: Scenario
    seed: int
    verdict: Verdict = field(default_factory=Verdict)
    faults: int = 0
    resumed: float | None = None
    settled: float | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    skipped: str = ""


SCENARIOS: dict[str, Scenario] = {}


def named(name: str) -> Scenario:
    """The registered scenario of that name."""
    return SCENARIOS[name]


def scenario(title: str, *, rabbit: bool = False, needs: Callable[[], str] = lambda: "") -> Callable[[Body], Body]:
    """Register a function as a scenario under its own name; its module's name is the theme."""

    def register(body: Body) -> Body:
        name, theme = body.__name__, body.__module__.rpartition(".")[2]
        SCENARIOS[name] = Scenario(name, title, theme, body, rabbit, needs)
        return body

    return register


class TaskRow(NamedTuple):
    """A failure of a task, as it is written down. ``args``: JSON."""

    id: UUID
    task: str
    args: str
    exception: str


class Run:
    """One run of a scenario in a world: what its function has in hand."""

    def __init__(self, world: World, chosen: Scenario, seed: int, events: int, quick: bool) -> None:
        self.world = world
        self.fleet = world.fleet
        self.scenario = chosen
        self.seed = seed
        self.events = events
        self.quick = quick
        self.random = random.Random(f"{seed} {chosen.name}")
        self.slug = f"{chosen.name.replace('_', '-')[:40]}-{secrets.token_hex(3)}"
        self.endpoints: dict[str, Known] = {}
        self.committed: dict[str, str] = {}
        self.offsets: list[float] = [0.0]
        self.slack = 0.0
        self.may_fail: Callable[[TaskRow], bool] = lambda _: False
        self.notes: list[str] = []
        self._spoken: list[Spoken] = []
        self._since = world.recorder.count()
        platform = world.api()
        made = platform.must("POST", "/tenants", {"slug": self.slug, "name": self.slug})
        platform.close()
        self.tenant = UUID(made["id"].removeprefix("ten_"))
        self.api = world.api(self.slug)
        self.ledger = Ledger(world, self.tenant)

    # --- what is there

    def endpoint(
        self,
        label: str,
        types: Sequence[str] = TYPES,
        rules: Sequence[Rule] = (),
        *,
        dead: Callable[[int], bool] | None = None,
        **fields: Any,
    ) -> Known:
        """Make an endpoint for event types, answered by rules (then by 200)."""
        name = f"{self.slug}-{label}"
        values = {"timeout": TIMEOUT, "retry_policy": PATIENT, **fields}
        made = self.api.must(
            "POST", "/webhooks", {"url": self.world.recorder.url(name), "event_types": list(types), **values}
        )
        known = Known(name, UUID(made["id"].removeprefix("wh_")), made["id"], tuple(types), bool(fields.get("ordered")))
        if dead is not None:
            known.dead = dead
        known.secrets = [made["secret"]]
        self.world.recorder.configure(name, secrets=known.secrets, rules=[*rules, ANSWER])
        self.endpoints[label] = known
        return known

    def usual_endpoints(self) -> None:
        """Five endpoints, two or three for each type: well, flaky, refusing some for good, ordered (and flaky)."""
        a, b, c, d = TYPES
        flaky = Rule("status", 503, first=1, share=0.05)
        self.endpoint("well-1", (a, b))
        self.endpoint("well-2", (c, d))
        self.endpoint("flaky", (b, d), [flaky])
        self.endpoint(
            "refusing", (a, d), [Rule("status", 422, every=(REFUSED, 0))], dead=lambda number: number % REFUSED == 0
        )
        self.endpoint("ordered", (b, c), [Rule("status", 503, first=1, share=0.01), BRIEF], ordered=True)

    # --- what is published

    def publisher(self, count: int | None = None, seconds: float = 0.0, label: str = "", **options: Any) -> Load:
        """A publisher that has not begun yet; ``label`` keeps the ids of several apart."""
        name = f"{self.slug}{label}"
        load = Load(
            self.world.api(self.slug), name, self.events if count is None else count, seconds,
            f"{self.seed} {self.scenario.name} {label}", **options,
        )  # fmt: skip
        self._spoken.append(load.spoken)
        return load

    @contextlib.contextmanager
    def load(self, seconds: float, count: int | None = None, **options: Any) -> Iterator[Load]:
        """Publish during the block, at the pace that takes ``seconds``, and what is left after it at once."""
        load = self.publisher(count, seconds, **options)
        load.start()
        yield load
        load.finish()

    @property
    def spoken(self) -> list[Spoken]:
        """What the API said to each publisher."""
        return self._spoken

    # --- what is broken

    def choose(self, full: int, quick: int) -> int:
        """A number for the full run, another for the quick one."""
        return quick if self.quick else full

    def pause(self, low: float, high: float) -> None:
        """A random moment later."""
        time.sleep(self.random.uniform(low, high))

    def busy(self, patience: float = 3.0) -> None:
        """Wait until something is being sent, and then a random moment: a fault on an idle system shows little."""
        deadline = time.monotonic() + patience
        while not self.ledger.sending() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.pause(0.0, 0.05)

    def kill(self, name: str) -> Fault:
        """SIGKILL a program at this moment; it is started again as ``up`` does."""
        self.busy()
        fault = self.ledger.note(f"SIGKILL {name}")
        self.fleet.kill(name)
        fault.ended = time.time()
        self.ledger.look_twice(fault)
        return fault

    def hold(self, *names: str) -> Fault:
        """SIGKILL programs and leave them dead until ``run.fleet.release``."""
        self.busy()
        fault = self.ledger.note(f"SIGKILL {', '.join(names)}")
        self.fleet.hold(*names)
        self.ledger.look_twice(fault)
        fault.ended = time.time()
        return fault

    @contextlib.contextmanager
    def fault(self, what: str, *, database: bool = False) -> Iterator[Fault]:
        """A fault that lasts for the block. ``database``: nothing can be recorded in it, so what is being sent
        when it begins is in flight; begin the block by taking the database away."""
        if database:
            self.busy()
        fault = self.ledger.note(what)
        fault.exact = database
        if database:
            with self.world.writers_stopped():
                self.ledger.look(fault)
                yield fault
            self.world.disconnect()
        else:
            yield fault
        fault.ended = time.time()

    # --- what must come of it

    def arrivals(self) -> list[Arrival]:
        """Requests to the endpoints of this run."""
        names = {endpoint.name for endpoint in self.endpoints.values()}
        return [arrival for arrival in self.world.recorder.arrivals(self._since) if arrival.endpoint in names]

    def one(self, query: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        return self.world.rows(query, parameters)[0][0]

    def unfinished(self) -> int:
        """Events to be routed, deliveries to be sent, dead ones to be buried, endpoints to be settled."""
        return int(self.one(_UNFINISHED, *([self.tenant] * 4)))

    def settle(self, timeout: float = SETTLE) -> None:
        """Wait until nothing is left to do; AssertionError with what is left when time is up."""
        deadline = time.monotonic() + timeout
        while left := self.unfinished():
            if time.monotonic() > deadline:
                rows = self.world.rows(_LEFT, [self.tenant])
                raise AssertionError(f"{left} rows are still unfinished after {timeout:g} s: {rows}")
            time.sleep(0.1)

    def expect(self, holds: bool, sentence: str) -> None:
        """An invariant of this scenario alone."""
        if not holds:
            raise AssertionError(sentence)


_UNFINISHED = """
SELECT (SELECT count(*) FROM webhooks_event WHERE tenant_id = %s AND fanned_out_at IS NULL)
     + (SELECT count(*) FROM webhooks_delivery WHERE tenant_id = %s AND state IN ('pending', 'sending'))
     + (SELECT count(*) FROM webhooks_delivery WHERE tenant_id = %s AND state = 'dead' AND dead_lettered_at IS NULL)
     + (SELECT count(*) FROM webhooks_mailbox WHERE tenant_id = %s AND unsettled)
"""
_LEFT = """
SELECT d.endpoint_id::text, d.state, count(*), min(d.attempt_count), max(d.attempt_count),
       (min(d.next_attempt_at) - now())::text, (min(d.lease_until) - now())::text,
       (min(m.next_due_at) - now())::text, min(m.blocked_reason), (min(m.blocked_until) - now())::text
FROM webhooks_delivery d JOIN webhooks_mailbox m USING (endpoint_id)
WHERE d.tenant_id = %s AND d.state IN ('pending', 'sending', 'held')
GROUP BY 1, 2 LIMIT 5
"""


def _task_failures(world: World) -> set[TaskRow]:
    return {TaskRow(*row) for row in world.rows("SELECT id, task, args::text, exception FROM webhooks_taskfailure")}


def play(world: World, chosen: Scenario, seed: int, events: int, quick: bool) -> Result:
    """Run one scenario and hold it against every invariant. Never raises for a broken one."""
    result = Result(chosen, seed)
    if reason := chosen.needs():
        result.skipped = reason
        return result
    began, exits = time.monotonic(), len(world.fleet.exits)
    known = _task_failures(world)
    run = Run(world, chosen, seed, events, quick)
    try:
        chosen.body(run)
    except AssertionError as error:
        result.verdict.broken.append(str(error))
    finally:
        world.heal()
    try:
        run.settle()
    except AssertionError as error:
        result.verdict.broken.append(str(error))
    _judge(run, result)
    result.verdict.require(
        [f"{name} with status {status}" for name, status, _ in world.fleet.exits[exits:] if status > 0],
        "processes ended by themselves",
    )
    failed = [row for row in _task_failures(world) if row not in known and not run.may_fail(row)]
    result.verdict.require([f"{row.task} {row.args}: {row.exception}" for row in failed], "tasks failed")
    result.notes = run.notes
    result.seconds = time.monotonic() - began
    run.api.close()
    return result


def _judge(run: Run, result: Result) -> None:
    _wait_for_silence(run)
    facts = Facts(
        endpoints={endpoint.id: endpoint for endpoint in run.endpoints.values()},
        spoken=run.spoken,
        committed=run.committed,
        exposed=run.ledger.exposed,
        struck=run.ledger.struck,
        held=run.ledger.held,
        offsets=tuple(run.offsets),
        slack=run.slack,
        arrivals=run.arrivals(),
    )
    before = result.verdict.broken
    result.verdict = invariants.check(invariants.read(run.world, run.tenant, facts))
    result.verdict.broken = [*before, *result.verdict.broken]
    result.faults = len(run.ledger.faults)
    result.resumed, result.settled = _recovery(run, facts.arrivals)


def _wait_for_silence(run: Run) -> None:
    """A late request of a worker that was frozen counts as well: wait until nothing arrives for a second."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 1.0:
        if (count := run.world.recorder.count()) != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.1)


def _recovery(run: Run, arrivals: list[Arrival]) -> tuple[float | None, float | None]:
    """Seconds from the end of a fault to the next request (the longest), and from the end of the last fault
    until everything published had been settled (publishing may have gone on meanwhile)."""
    faults = run.ledger.faults
    if not faults:
        return None, None
    resumed = [
        min(later) for fault in faults if (later := [a.at - fault.ended for a in arrivals if a.at >= fault.ended])
    ]
    finished = run.one(
        "SELECT EXTRACT(EPOCH FROM max(finished_at))::float FROM webhooks_delivery WHERE tenant_id = %s", run.tenant
    )
    last = max(fault.ended for fault in faults)
    return max(resumed, default=None), max(0.0, finished - last) if finished else None


__all__ = ["ANSWER", "LEASE", "SCENARIOS", "Result", "Rule", "Run", "Scenario", "play", "scenario", "wait_for"]
