"""Scenarios in several worlds at once: most of a scenario's time is waiting, so cores are left for another.

Each world has a process of its own, with services and programs of its own; the processes take scenarios from one
queue. A scenario that needs RabbitMQ is played in a world of that kind, and those come last.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType
from typing import Any

from tests.faults import report, scenarios
from tests.faults.scenario import SCENARIOS, Result, play
from tests.faults.servers import Rabbit
from tests.faults.world import World

__all__ = ["scenarios"]

_PATIENCE = 0.5  # seconds between looks at processes that may have died
_RABBIT = "RabbitMQ is not installed (Debian and Ubuntu: apt install rabbitmq-server)"
_CONTEXT = multiprocessing.get_context("spawn")  # a fork would inherit threads' locks


@dataclass(frozen=True, slots=True)
class Order:
    """What the worlds are asked for. ``logs``: a folder for the logs of all processes."""

    seed: int
    events: int
    quick: bool
    logs: Path | None = None


def run(names: Sequence[str], order: Order, worlds: int, tell: Callable[[Result], None]) -> list[Result]:
    """Play the scenarios in so many worlds; results as they come in, ``tell`` for each.

    Raises RuntimeError when a world could not be made or died.
    """
    chosen = sorted((SCENARIOS[name] for name in names), key=lambda one: one.rabbit)
    results = [Result(one, order.seed, skipped=_RABBIT) for one in chosen if one.rabbit and not Rabbit.installed()]
    for result in results:
        tell(result)
    waiting = [one.name for one in chosen if not one.rabbit or Rabbit.installed()]
    tasks: Any = _CONTEXT.Queue()
    done: Any = _CONTEXT.Queue()
    for name in waiting:
        tasks.put(name)
    members = [
        _CONTEXT.Process(target=_member, args=(n, order, tasks, done), name=f"world {n}")
        for n in range(min(worlds, len(waiting)))
    ]
    for member in members:
        member.start()
    try:
        for _ in waiting:
            result = _next(done, members)
            tell(result)
            results.append(result)
    except BaseException:
        for member in members:
            if member.is_alive():
                member.terminate()  # SIGTERM: it stops what it has started
        raise
    finally:
        for member in members:
            member.join()
    return results


def _next(done: Any, members: Sequence[SpawnProcess]) -> Result:
    while True:
        try:
            found: Result = done.get(timeout=_PATIENCE)
            return found
        except queue.Empty:
            if failed := [m.name for m in members if m.exitcode]:
                raise RuntimeError(f"{', '.join(failed)} died; the traceback is above") from None


def _member(number: int, order: Order, tasks: Any, done: Any) -> None:
    """A process: worlds of one kind after the other, until no scenario is left."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        name = _take(tasks)
        while name is not None:
            name = _world(number, order, tasks, done, name)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _world(number: int, order: Order, tasks: Any, done: Any, name: str | None) -> str | None:
    """Play in one world, beginning with ``name``; the first scenario that needs another kind, None at the end."""
    assert name is not None
    rabbit, began = SCENARIOS[name].rabbit, time.monotonic()
    with World(rabbit=rabbit) as world:
        report.say(f"world {number} is up after {time.monotonic() - began:.1f} s{' with RabbitMQ' if rabbit else ''}")
        try:
            while name is not None and SCENARIOS[name].rabbit == rabbit:
                done.put(play(world, SCENARIOS[name], order.seed, order.events, order.quick))
                name = _take(tasks)
        finally:
            if order.logs is not None:
                world.copy_logs(order.logs / f"{order.seed}-{number}{'-rabbitmq' if rabbit else ''}")
    return name


def _take(tasks: Any) -> str | None:
    try:
        name: str = tasks.get(timeout=1.0)  # seconds; all were put before this process began
        return name
    except queue.Empty:
        return None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
