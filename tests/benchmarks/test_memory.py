"""What a curve of memory is summed up to."""

from __future__ import annotations

import pytest

from benchmarks import memory


def curve(*sizes: float) -> list[list[float]]:
    """A value each ten minutes."""
    return [[600.0 * n, size] for n, size in enumerate(sizes)]


def test_what_is_gained_while_warming_up_is_growth_and_no_leak() -> None:
    found = memory.summary(curve(100, 110, 120, 120, 120, 120))
    assert (found["first"], found["last"], found["growth"]) == (105, 120, 1.143)
    assert found["mb_per_hour"] == 0


def test_a_leak_is_told_by_the_hour() -> None:
    assert memory.summary(curve(100, 101, 102, 103, 104, 105))["mb_per_hour"] == pytest.approx(6)


def test_a_single_look_has_no_slope() -> None:
    assert memory.summary(curve(100))["mb_per_hour"] == 0
