"""The arithmetic of a run: medians with their ranges, percentiles, ratios round by round. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

Spread = dict[str, float]  # {"median", "low", "high"}


def spread(values: Sequence[float]) -> Spread:
    """Median and range of the rounds. ValueError without any."""
    if not values:
        raise ValueError("no round to take a median of")
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 < share <= 1) of all values do not exceed (nearest rank)."""
    if not values or not 0 < share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """``ours / theirs`` of each round: both of one round saw the same state of the machine."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """``names`` in the order of round ``turn``: whoever was first is last next, so that no place is always one's."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each counter of ``after`` gained; a counter that was not there before began at 0."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}
