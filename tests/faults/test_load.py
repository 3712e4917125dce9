"""How many events one call of the fault suite publishes."""

from __future__ import annotations

import pytest

from tests.faults.load import largest_batch
from webhooks.conf import conf


@pytest.mark.parametrize(
    ("count", "pace", "largest"),
    [(120, 0.1, 40), (2000, 0.01, 80), (2000, 0.0, 80), (72_000, 0.05, 40), (1_000_000, 0.0, 1000)],
    ids=["short", "full", "at once", "an hour", "a flood"],
)
def test_a_batch_follows_the_size_and_the_pace_of_the_load(count: int, pace: float, largest: int) -> None:
    assert largest_batch(count, pace) == largest
    assert largest <= conf.MAX_BATCH_EVENTS
