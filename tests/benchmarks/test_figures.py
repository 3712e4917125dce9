"""The arithmetic behind the results."""

from __future__ import annotations

import pytest

from benchmarks.figures import grown, percentile, ratios, rotated, spread
from benchmarks.workload import WrongDeliveries, check_arrivals


def test_a_spread_is_the_median_and_the_range_of_the_rounds() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert spread([1.0, 2.0]) == {"median": 1.5, "low": 1.0, "high": 2.0}
    with pytest.raises(ValueError, match="no round"):
        spread([])


def test_a_ratio_is_made_of_the_figures_of_one_round() -> None:
    """The median of ratios is not the ratio of medians: here 2 in every round, though the machine slowed down."""
    assert ratios([200.0, 100.0, 50.0], [100.0, 50.0, 25.0]) == [2.0, 2.0, 2.0]
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)])
def test_a_percentile_is_a_value_that_occurred(share: float, wanted: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == wanted


def test_the_last_percentile_of_few_samples_is_the_largest() -> None:
    assert percentile([1.0, 9.0, 5.0], 0.99) == 9.0


@pytest.mark.parametrize("share", [0.0, 1.1])
def test_it_refuses_a_percentile_outside_the_values(share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile([1.0], share)


def test_every_contestant_is_first_once_when_there_are_as_many_rounds() -> None:
    orders = [rotated(["a", "b", "c"], turn) for turn in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_a_counter_that_was_not_there_before_began_at_zero() -> None:
    assert grown({"a": 1.0, "gone": 5.0}, {"a": 4.0, "new": 2.0}) == {"a": 3.0, "new": 2.0}


WANTED = {("evt_1", "/0"), ("evt_1", "/1")}


def test_arrivals_in_any_order_are_right_and_repeats_are_counted() -> None:
    assert check_arrivals(WANTED, ["evt_1 /1 2.0", "evt_1 /0 1.0"]) == 0
    assert check_arrivals(WANTED, ["evt_1 /1 2.0", "evt_1 /0 1.0", "evt_1 /0 3.0", "evt_1 /0 4.0"]) == 2


@pytest.mark.parametrize(
    ("arrivals", "complaint"),
    [
        (["evt_1 /0 1.0", "evt_1 /0 2.0"], "1 deliveries missing, 0 unexpected.*evt_1.*/1"),
        (["evt_1 /0 1.0", "evt_1 /1 2.0", "evt_2 /1 3.0"], "0 deliveries missing, 1 unexpected.*evt_2"),
    ],
)
def test_a_wrong_arrival_makes_the_figure_worthless(arrivals: list[str], complaint: str) -> None:
    """As many requests as deliveries are not enough: each event has to be at each of its endpoints."""
    with pytest.raises(WrongDeliveries, match=complaint):
        check_arrivals(WANTED, arrivals)
