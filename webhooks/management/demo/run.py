"""The demonstration: publish real events to six endpoints, wait until all is settled, judge."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from webhooks.management.demo.api import Api
from webhooks.management.demo.display import Display, print_table, print_trouble
from webhooks.management.demo.observe import Observer
from webhooks.management.demo.payloads import load_payloads
from webhooks.management.demo.routes import Route, add_routes
from webhooks.management.demo.scenario import PARTS, Publication, expected, plan
from webhooks.management.demo.stack_run import BREAKER_COOLDOWN, StackRun
from webhooks.management.demo.verdict import Observation, Verdict, judge

_PACE = 1.0  # seconds between two publications
_TICK = 0.5  # seconds between two looks
_GRACE = 5.0  # seconds in which something that looks wrong may be explained by a record that comes late


@dataclass(frozen=True, slots=True)
class Options:
    """``events`` None: each payload once. ``deadline``: seconds from the first publication."""

    project_dir: Path
    data_dir: Path
    events: int | None
    deadline: float


def demonstrate(options: Options, console: Console) -> bool:
    """Run and show all of it; whether every expected delivery was made. DemoFailure: there is no verdict."""
    payloads = load_payloads(options.project_dir / "demo" / "github")
    count = options.events or len(payloads)
    waves = plan(payloads, count, run=f"demo-{int(time.time()):x}")
    with StackRun(options.project_dir, options.data_dir) as stack:
        console.print(f"Starting Clarion in {options.data_dir}, log in {stack.log}", soft_wrap=True)
        began = time.monotonic()
        facts = stack.wait_ready()
        console.print(f"Ready after {time.monotonic() - began:.0f} s at {facts['api_url']}", soft_wrap=True)
        console.print(
            f"An endpoint's circuit breaker waits {BREAKER_COOLDOWN} s here, not 60 as usual, "
            "so that the endpoint that always fails is given up within the minute.",
            soft_wrap=True,
        )
        api = Api(facts["api_url"], facts["api_key"])
        observers = _create_endpoints(api, facts["receiver_url"], stack.receiver_state)
        run = _Run(stack, api, observers, waves, options.deadline)
        with Display(console, {name: len(wanted) for name, wanted in run.expected.items()}) as display:
            run.watch(display)
        verdicts = run.verdicts()
        api.close()
        took = time.monotonic() - began
    good = conclude(console, verdicts, stack.log)
    if good:
        total = sum(len(wanted) for wanted in run.expected.values())
        console.print(f"All {total} deliveries of {count} events as expected, {took:.0f} s with the start.")
    return good


def conclude(console: Console, verdicts: Sequence[Verdict], log: Path) -> bool:
    """Show the table and, where something is missing or wrong, what. Whether nothing is."""
    print_table(console, verdicts)
    good = all(each.good for each in verdicts)
    if not good:
        print_trouble(console, verdicts)
        console.print(f"What each process said is in {log}", markup=False, soft_wrap=True)
    return good


def _create_endpoints(api: Api, receiver_url: str, receiver_state: Path) -> list[Observer]:
    created = {part: api.create_webhook(part.webhook(receiver_url)) for part in PARTS}
    add_routes(
        receiver_state,
        {
            part.path: Route((webhook["secret"],), part.delay, part.fail_first, part.status)
            for part, webhook in created.items()
        },
    )
    return [Observer(api, receiver_state, part, webhook["id"]) for part, webhook in created.items()]


class _Run:
    """Publishing and watching: every endpoint is looked at until it is settled."""

    def __init__(
        self,
        stack: StackRun,
        api: Api,
        observers: Sequence[Observer],
        waves: Sequence[Sequence[Publication]],
        deadline: float,
    ) -> None:
        self._stack = stack
        self._api = api
        self._observers = observers
        self._waves = waves
        self._deadline = deadline
        publications = [each for wave in waves for each in wave]
        self.expected = {each.part.name: expected(each.part, publications) for each in observers}
        self._published_at: dict[str, float] = {}
        self._settled = {each.part.name: 0 for each in observers}
        self._notes = {each.part.name: "" for each in observers}
        self._seen: dict[str, Observation] = {}
        self._verdicts: dict[str, Verdict] = {}

    def watch(self, display: Display) -> None:
        """Return when all is well, when nothing more can come, or at the deadline."""
        began = time.monotonic()
        wrong_since: float | None = None
        published = 0
        while (now := time.monotonic()) < began + self._deadline:
            self._stack.check_alive()
            if published < len(self._waves) and now >= began + published * _PACE:
                self._publish(self._waves[published])
                published += 1
            self._look()
            display.show(self._settled, self._notes)
            if published == len(self._waves) and self._verdicts.keys() == self._settled.keys():
                if all(verdict.good for verdict in self._verdicts.values()):
                    return
                wrong_since = wrong_since or now
                if now > wrong_since + _GRACE and not any(each.missing for each in self._verdicts.values()):
                    return
            time.sleep(max(0.0, now + _TICK - time.monotonic()))

    def verdicts(self) -> list[Verdict]:
        """The last word on every endpoint. A request that arrived after it was settled counts, too."""
        return [self._last_word(each) for each in self._observers]

    def _last_word(self, observer: Observer) -> Verdict:
        if seen := self._seen.get(observer.part.name):
            verdict = self._judge(observer, replace(seen, records=observer.records()))
            if verdict.good:
                return verdict
        return self._judge(observer, observer.look())

    def _publish(self, wave: Sequence[Publication]) -> None:
        moment = time.time()
        self._published_at |= {each.id: moment for each in wave}
        self._api.publish(wave)

    def _look(self) -> None:
        for observer in self._observers:
            name = observer.part.name
            if name in self._verdicts and self._verdicts[name].good:
                continue
            states = observer.states()
            self._settled[name] = observer.settled(states)
            self._notes[name] = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            if states.total() - states["pending"] - states["sending"] >= len(self.expected[name]):
                self._seen[name] = observer.look()
                self._verdicts[name] = self._judge(observer, self._seen[name])

    def _judge(self, observer: Observer, seen: Observation) -> Verdict:
        return judge(observer.part, self.expected[observer.part.name], seen, self._published_at)
