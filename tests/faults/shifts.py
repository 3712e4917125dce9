"""Scenarios in several worlds at once: most of a scenario's time is waiting, so cores are left for another.

Each world has a process of its own, with services and programs of its own; the processes take scenarios from one
queue, those of the first seed first and those of one seed in a random order: some start workers again and again and
would keep the cores busy together, others wait and would leave them idle together. A scenario that needs RabbitMQ is
played in a world of that kind, and those come last.
"""

from __future__ import annotations

import multiprocessing
import queue
import random
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

    events: int
    quick: bool
    logs: Path | None = None


Turn = tuple[str, int]  # the name of a scenario and the seed of all that is random in it


def turns(names: Sequence[str], seeds: Sequence[int]) -> list[Turn]:
    """Everything there is to play, in the order of playing."""
    return [
        (name, seed)
        for rabbit in (False, True)
        for seed in seeds
        for name in random.Random(seed).sample(names, len(names))
        if SCENARIOS[name].rabbit == rabbit
    ]


def run(waiting: Sequence[Turn], order: Order, worlds: int, tell: Callable[[Result], None]) -> None:
    """Play all turns in so many worlds; ``tell`` is called with each result as it comes in.

    Raises RuntimeError when a world could not be made or died.
    """
    if not Rabbit.installed():
        for name in dict.fromkeys(name for name, _ in waiting if SCENARIOS[name].rabbit):
            tell(Result(SCENARIOS[name], waiting[0][1], skipped=_RABBIT))
        waiting = [turn for turn in waiting if not SCENARIOS[turn[0]].rabbit]
    tasks: Any = _CONTEXT.Queue()
    done: Any = _CONTEXT.Queue()
    for turn in waiting:
        tasks.put(turn)
    members = [
        _CONTEXT.Process(target=_member, args=(n, order, tasks, done), name=f"world {n}")
        for n in range(min(worlds, len(waiting)))
    ]
    for member in members:
        member.start()
    try:
        for _ in waiting:
            tell(_next(done, members))
    except BaseException:
        for member in members:
            if member.is_alive():
                member.terminate()  # SIGTERM: it stops what it has started
        raise
    finally:
        for member in members:
            member.join()


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
        turn = _take(tasks)
        while turn is not None:
            turn = _world(number, order, tasks, done, turn)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _world(number: int, order: Order, tasks: Any, done: Any, first: Turn) -> Turn | None:
    """Play in one world, beginning with ``first``; the first turn that needs another kind, None at the end."""
    turn: Turn | None = first
    rabbit, began = SCENARIOS[first[0]].rabbit, time.monotonic()
    with World(rabbit=rabbit) as world:
        report.say(f"world {number} is up after {time.monotonic() - began:.1f} s{' with RabbitMQ' if rabbit else ''}")
        try:
            while turn is not None and SCENARIOS[turn[0]].rabbit == rabbit:
                name, seed = turn
                done.put(play(world, SCENARIOS[name], seed, order.events, order.quick))
                turn = _take(tasks)
        finally:
            if order.logs is not None:
                world.copy_logs(order.logs / f"{number}{'-rabbitmq' if rabbit else ''}")
    return turn


def _take(tasks: Any) -> Turn | None:
    try:
        turn: Turn = tasks.get(timeout=1.0)  # seconds; all were put before this process began
        return turn
    except queue.Empty:
        return None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
