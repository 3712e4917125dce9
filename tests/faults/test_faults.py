"""A short choice of the fault suite: ``python -m tests.faults`` runs all of it, with thousands of events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import scenarios
from tests.faults.scenario import SCENARIOS, play
from tests.faults.world import World

EVENTS = 120  # of each scenario
SEED = 20  # always the same faults here; the full suite draws a new one
CHOICE = (
    "workers_killed",
    "workers_deployed",
    "broker_killed",
    "broker_flushed",
    "database_restarted_immediate",
    "connections_cut",
    "endpoint_paused",
    "emit_without_broker",
)

__all__ = ["scenarios"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Services and processes of these tests' own: they are killed."""
    with World() as made:
        yield made


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", CHOICE)
def test_nothing_is_lost(world: World, name: str) -> None:
    result = play(world, SCENARIOS[name], SEED, EVENTS, quick=True)

    assert result.verdict.broken == []
    assert result.verdict.lost == 0
    assert result.verdict.duplicates <= result.verdict.in_flight
    assert result.verdict.events > 0
