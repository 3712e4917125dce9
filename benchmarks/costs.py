"""What a measurement costs: SQL statements (pg_stat_statements) and CPU seconds of every process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.figures import grown
from benchmarks.machine import Machine

OBSERVER = "observer"  # the benchmark itself: it publishes, looks, and waits
MARK = "benchmark_look"  # a column name in the observer's own statements, which do not count
_TRANSACTION_CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START"})
_SHOWN = 160  # characters of a statement
# Only what clients sent: checks of foreign keys and the like run below the top level.
_READ = """
SELECT regexp_replace(query, '\\s+', ' ', 'g'), sum(calls)::bigint, sum(total_exec_time)
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s) AND toplevel AND query NOT LIKE %s
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters since the services began. ``calls`` and ``milliseconds`` by statement; None: nobody counts them."""

    cpu: dict[str, float]  # seconds by process
    calls: dict[str, float] | None
    milliseconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Costs:
    """What happened between two snapshots."""

    cpu: dict[str, float]
    calls: dict[str, float] | None
    milliseconds: dict[str, float]

    def statements(self, *, transaction_control: bool = True) -> float | None:
        """How many were sent; BEGIN, COMMIT and their like can be left out."""
        if self.calls is None:
            return None
        return sum(n for text, n in self.calls.items() if transaction_control or not _controls_transaction(text))


def take(machine: Machine) -> Snapshot:
    """The counters now."""
    cpu = machine.cpu_seconds() | {OBSERVER: time.process_time()}
    calls: dict[str, float] = {}
    milliseconds: dict[str, float] = {}
    try:
        with psycopg.connect(machine.server_url) as server:
            for query, count, spent in server.execute(_READ, [_database_name(), f"%{MARK}%"]):
                calls[query], milliseconds[query] = float(count), float(spent)
    except (psycopg.errors.UndefinedTable, psycopg.errors.ObjectNotInPrerequisiteState):
        return Snapshot(cpu, None, {})  # a given server without the extension in its database
    return Snapshot(cpu, calls, milliseconds)


def between(before: Snapshot, after: Snapshot) -> Costs:
    """What the second counts more than the first."""
    calls = None if before.calls is None or after.calls is None else grown(before.calls, after.calls)
    return Costs(grown(before.cpu, after.cpu), calls, grown(before.milliseconds, after.milliseconds))


def heaviest(rounds: Iterable[Costs], deliveries: int, limit: int = 10) -> list[dict[str, Any]]:
    """The statements that took the server longest in all rounds; ``deliveries``: made in all rounds together."""
    calls: Counter[str] = Counter()
    milliseconds: Counter[str] = Counter()
    for costs in rounds:
        calls.update(costs.calls or {})
        milliseconds.update(costs.milliseconds)
    return [
        {
            "statement": text[:_SHOWN],
            "calls": int(calls[text]),
            "calls_per_delivery": calls[text] / deliveries,
            "total_ms": spent,
            "ms_per_delivery": spent / deliveries,
        }
        for text, spent in milliseconds.most_common(limit)
        if calls[text]
    ]


def _controls_transaction(text: str) -> bool:
    return text.split(" ", 1)[0].upper() in _TRANSACTION_CONTROL


def _database_name() -> str:
    from django.db import connection

    return str(connection.settings_dict["NAME"])
