"""Latencies in buckets: percentiles of millions of requests from a few dozen numbers.

Each bucket is 19 % wider than the one before, so a percentile is off by less than that, and by a few percent as a
rule. Bucket 0 is below the first bound, bucket n from bound n on; that is how PostgreSQL's ``width_bucket`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping

BOUNDS = tuple(round(2 ** (n / 4), 3) for n in range(65))  # milliseconds: from 1 to 65 536, above every time-out


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Milliseconds that ``share`` (0 < share <= 1) of the requests did not exceed; None without any.

    ``counts``: requests by bucket. Within a bucket they are taken to be spread evenly.
    """
    total = sum(counts.values())
    wanted, seen = share * total, 0
    for bucket in sorted(counts):
        here = counts[bucket]
        if here and seen + here >= wanted:
            lower = BOUNDS[bucket - 1] if bucket else 0.0
            upper = BOUNDS[bucket] if bucket < len(BOUNDS) else lower
            return round(lower + (upper - lower) * max(0.0, wanted - seen) / here, 2)
        seen += here
    return None
