"""The scenarios of a run by name, in the order in which they run. Each has ``run(machine, options) -> dict``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.machine import Machine
from benchmarks.options import Options

Scenario = Callable[[Machine, Options], dict[str, Any]]

SCENARIOS = {
    "throughput": "benchmarks.throughput",
    "latency": "benchmarks.latency",
    "receive": "benchmarks.receive",
    "noisy": "benchmarks.noisy",
    "shapes": "benchmarks.shapes",
    "memory": "benchmarks.memory",
    "growth": "benchmarks.growth",  # last: millions of rows
}


def exists(name: str) -> bool:
    """Whether the module of a scenario is there; nothing is imported."""
    return importlib.util.find_spec(SCENARIOS[name]) is not None


def load(name: str) -> Scenario:
    """The function of a scenario, imported now."""
    run: Scenario = importlib.import_module(SCENARIOS[name]).run
    return run
