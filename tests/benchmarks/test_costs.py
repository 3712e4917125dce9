"""What a run costs is counted by the servers themselves."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from benchmarks.costs import Costs, Snapshot, between, heaviest
from benchmarks.machine import COUNTING, SETUP
from webhooks.management.stack.embedded import Postgres


def test_the_benchmarks_own_postgres_counts_statements_for_a_role_without_privileges(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    postgres = Postgres(tmp_path / "postgres", durable=False, settings=COUNTING, setup=SETUP)
    try:
        with postgres, psycopg.connect(postgres.url) as connection:
            with connection.transaction():
                connection.execute("SELECT 41 + 1")
            counted = connection.execute("SELECT query, calls FROM pg_stat_statements WHERE toplevel").fetchall()
            connection.execute("ROLLBACK; CHECKPOINT")
    finally:
        postgres.remove()
    assert ("SELECT $1 + $2", 1) in counted
    assert "BEGIN" in {query for query, _ in counted}


def costs(calls: dict[str, float], milliseconds: dict[str, float] | None = None) -> Costs:
    return Costs({}, calls, milliseconds or {})


def test_every_statement_counts_and_transaction_control_can_be_told_apart() -> None:
    spent = costs({"BEGIN": 3, "SELECT 1": 5, "COMMIT": 2, "ROLLBACK": 1})
    assert spent.statements() == 11
    assert spent.statements(transaction_control=False) == 5


def test_a_server_that_does_not_count_gives_no_figure_instead_of_none_at_all() -> None:
    assert between(Snapshot({"w": 1.0}, None, {}), Snapshot({"w": 3.0}, None, {})) == Costs({"w": 2.0}, None, {})
    assert Costs({}, None, {}).statements() is None


def test_the_heaviest_statements_are_those_that_took_longest_in_all_rounds() -> None:
    one = costs({"often": 100, "slow": 1, "untouched": 0}, {"often": 5.0, "slow": 9.0, "untouched": 0.0})
    found = heaviest([one, one], deliveries=10, limit=2)
    assert [(line["statement"], line["calls"], line["total_ms"]) for line in found] == [
        ("slow", 2, 18.0),
        ("often", 200, 10.0),
    ]
    assert found[1]["calls_per_delivery"] == pytest.approx(20)
