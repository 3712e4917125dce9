"""What PostgreSQL does for each statement that the code really sends: captured and explained, never copied."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

MANY = 1000  # rows from which reading all of a table is a fault
_DATA = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_DAY = re.compile(r"_(p\d{8}|default)$")


@dataclass(frozen=True)
class Scan:
    """One access to one table or partition: its node in the plan, and what it read when it ran."""

    relation: str
    kind: str
    rows: float
    loops: int

    @property
    def table(self) -> str:
        """The table that a partition belongs to."""
        return _DAY.sub("", self.relation)


@dataclass(repr=False)
class Statement:
    """A statement with its plan, run once and undone before it was run for good."""

    sql: str
    plan: dict[str, Any]
    scans: list[Scan] = field(default_factory=list)

    def __post_init__(self) -> None:
        for node in _nodes(self.plan):
            loops = node.get("Actual Loops", 0)
            if "Relation Name" in node and node["Node Type"] != "ModifyTable":
                read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
                read += node.get("Rows Removed by Index Recheck", 0)
                self.scans.append(Scan(node["Relation Name"], node["Node Type"], read * loops, loops))

    def read(self, table: str) -> float:
        """Rows of a table and all its partitions that were looked at."""
        return sum(scan.rows for scan in self.scans if scan.table == table)

    def days(self, table: str) -> int:
        """Partitions of a table that were looked into."""
        return len({scan.relation for scan in self.scans if scan.table == table and scan.loops})

    def faults(self, sizes: dict[str, int], days: int | None, rows: int | None) -> list[str]:
        """What it does that it should not: see :func:`faults`."""
        whole = [
            scan.relation for scan in self.scans if scan.kind == "Seq Scan" and sizes.get(scan.relation, 0) >= MANY
        ]
        found = [f"{relation} is read from end to end" for relation in whole]
        for table in sorted({scan.table for scan in self.scans}):
            if days is not None and self.days(table) > days:
                found.append(f"{table}: {self.days(table)} partitions are opened, not {days}")
            if rows is not None and self.read(table) > rows:
                found.append(f"{table}: {self.read(table):.0f} rows are read, not {rows}")
        return found

    def __str__(self) -> str:
        nodes = [f"{s.kind} {s.relation}: {s.rows:.0f} rows in {s.loops} loops" for s in self.scans if s.loops]
        return "\n".join([self.sql, *nodes])


def faults(
    statements: Sequence[Statement], sizes: Mapping[str, int], *, days: int | None = None, rows: int | None = None
) -> str:
    """Statements that read a large table from end to end (whether it came to that this time or not), or of one table
    more than ``days`` partitions or ``rows`` rows; the empty text when there are none."""
    found = [(one.faults(sizes, days, rows), one) for one in statements]
    return "\n\n".join("\n".join([*what, str(one)]) for what, one in found if what)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@contextmanager
def explained() -> Iterator[list[Statement]]:
    """Every statement of the block on Clarion's tables."""
    seen: list[Statement] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not many and "webhooks_" in sql and _DATA.match(sql):
            seen.append(Statement(sql, _plan(execute, sql, params, context)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield seen


def _plan(execute: Callable[..., Any], sql: str, params: Any, context: dict[str, Any]) -> dict[str, Any]:
    inside = context["connection"].in_atomic_block
    execute("SAVEPOINT explained" if inside else "BEGIN", None, False, context)
    execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params, False, context)
    (rows,) = context["cursor"].fetchone()
    execute("ROLLBACK TO SAVEPOINT explained" if inside else "ROLLBACK", None, False, context)
    plan: dict[str, Any] = (json.loads(rows) if isinstance(rows, str) else rows)[0]["Plan"]
    return plan


def sizes() -> dict[str, int]:
    """Rows of each table and partition of Clarion, as the last ANALYZE counted them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples::int FROM pg_class WHERE relkind = 'r' AND relname LIKE 'webhooks_%%'"
        )
        return dict(cursor.fetchall())


@contextmanager
def prepared() -> Iterator[list[tuple[str, Any]]]:
    """Every statement of the block that is prepared, with its parameters."""
    from webhooks.services.binding import _Prepared

    seen: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if isinstance(context["cursor"].cursor, _Prepared):
            seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


_PLACE = re.compile(r"%(?:\((\w+)\))?s")


def generic(sql: str, params: Any) -> Statement:
    """A statement with the plan that PostgreSQL keeps for whatever parameters come, run with these."""
    values: list[Any] = []

    def number(place: re.Match[str]) -> str:
        values.append(params[place[1] or len(values)])
        return f"${len(values)}"

    text = _PLACE.sub(number, sql)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE kept AS {text}")
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE kept ({marks})", values)
        (rows,) = cursor.fetchone()
        cursor.execute("DEALLOCATE kept")
    return Statement(sql, (json.loads(rows) if isinstance(rows, str) else rows)[0]["Plan"])
