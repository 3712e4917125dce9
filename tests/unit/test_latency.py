"""Percentiles from buckets: near the true ones, whatever the latencies are."""

from __future__ import annotations

import bisect
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import latency


def counted(values: list[float]) -> Counter[int]:
    """As PostgreSQL's ``width_bucket`` counts: the number of bounds that are not above the value."""
    return Counter(bisect.bisect_right(latency.BOUNDS, value) for value in values)


@given(st.lists(st.floats(1, 60_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_off_by_less_than_a_bucket(values: list[float], share: float) -> None:
    true = sorted(values)[math.ceil(share * len(values)) - 1]
    found = latency.percentile(counted(values), share)
    assert found is not None
    assert true / 1.2 <= found <= true * 1.2


def test_there_is_none_without_requests() -> None:
    assert latency.percentile({}, 0.5) is None
    assert latency.percentile({3: 0}, 0.5) is None


def test_what_is_below_the_first_bound_or_above_the_last_has_a_place() -> None:
    assert latency.percentile(counted([0.0, 0.2]), 1.0) == 1.0
    assert latency.percentile(counted([1e9]), 0.5) == latency.BOUNDS[-1]


def test_requests_within_a_bucket_are_spread_over_it() -> None:
    bucket = latency.BOUNDS.index(64.0) + 1
    found = [latency.percentile({bucket: 100}, share) for share in (0.01, 0.5, 1.0)]
    assert found == sorted(found)
    assert found[0] == pytest.approx(64, rel=0.01)
    assert found[2] == pytest.approx(latency.BOUNDS[bucket], abs=0.01)
