"""When to try again: totals of the policies, bounds of the jitter, Retry-After."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webhooks.core import backoff

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DAY = 86_400.0


@pytest.mark.parametrize(
    ("policy", "tries", "total"),
    [("default", 6, 1210), ("fast", 6, 31), ("standard", 10, 75 * 3600 + 35 * 60 + 5), ("none", 1, 0)],
)
def test_the_tries_and_total_of_each_policy(policy: str, tries: int, total: float) -> None:
    delays = [backoff.next_delay(policy, n, draw=lambda: 0.0) for n in range(1, tries)]
    assert all(delay is not None for delay in delays)
    assert sum(delay for delay in delays if delay is not None) == total
    assert backoff.next_delay(policy, tries) is None
    assert backoff.next_delay(policy, tries + 1) is None


def test_the_default_policy_is_the_documented_one() -> None:
    assert backoff.schedule("default") == (10, 30, 90, 270, 810)
    assert backoff.schedule({"schedule": [1, 2.5]}) == (1, 2.5)


@pytest.mark.parametrize("policy", ["default", "fast", "standard", {"schedule": [7, 60], "jitter": 0.5}])
def test_jitter_adds_at_most_its_share_and_never_shortens(policy: Any) -> None:
    share = policy["jitter"] if isinstance(policy, dict) else 0.1
    for n, step in enumerate(backoff.schedule(policy), 1):
        drawn = [backoff.next_delay(policy, n) or 0.0 for _ in range(300)]
        assert step <= min(drawn)
        assert max(drawn) <= step * (1 + share)
        assert len({round(delay, 6) for delay in drawn}) > 100
        assert backoff.next_delay(policy, n, draw=lambda: 1.0) == pytest.approx(step * (1 + share))


def test_a_schedule_may_have_no_jitter() -> None:
    assert {backoff.next_delay({"schedule": [5], "jitter": 0}, 1) for _ in range(20)} == {5}


def test_retry_after_can_only_postpone() -> None:
    assert backoff.next_delay("default", 1, 3.0, draw=lambda: 0.0) == 10
    assert backoff.next_delay("default", 1, 60.0, draw=lambda: 0.0) == 60
    assert backoff.next_delay("default", 1, 60.0, draw=lambda: 1.0) == pytest.approx(66)
    assert backoff.next_delay("none", 1, 60.0) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0120", 120.0),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("٣", None),
        ("²", None),
        ("1e3", None),
        ("+5", None),
        ("9" * 20, DAY),
        ("9" * 5000, DAY),
        ("86401", DAY),
        ("Wed, 04 Mar 2026 05:08:07 GMT", 120.0),
        ("Wednesday, 04-Mar-26 05:08:07 GMT", 120.0),
        ("Wed Mar  4 05:08:07 2026", 120.0),
        ("Wed, 04 Mar 2026 06:08:07 +0100", 120.0),
        ("Wed, 04 Mar 2026 05:06:07 GMT", None),
        ("Tue, 03 Mar 2026 05:08:07 GMT", None),
        ("Sat, 04 Mar 2999 05:08:07 GMT", DAY),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Fri, 32 Dec 2026 23:59:59 GMT", None),
        ("Fri, 31 Dec 1999 23:59:59 +9999999999999999999999", None),
        ("1 Jan 9999999999999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert backoff.parse_retry_after(value, date=None, now=NOW, limit=DAY) == seconds


DATE_LIKE = st.from_regex(
    r"(Mon, |Monday, )?-?[0-9]{1,30}[ -](Jan|Foo)[ -]-?[0-9]{1,30} "
    r"-?[0-9]{1,20}:[0-9]{1,20}:[0-9]{1,20} ([+-]?[0-9]{1,30}|GMT)",
    fullmatch=True,
)


@given(st.text() | DATE_LIKE | st.from_regex(r"[0-9]{1,30}", fullmatch=True), st.none() | st.text() | DATE_LIKE)
@example("Fri, 31 Dec 1999 23:59:59 +9999999999999999999999", None)
@example("Wed, 04 Mar 2026 05:08:07 GMT", "Fri, 31 Dec 1999 23:59:59 +9999999999999999999999")
@example("Fri, 31 Dec 9999 23:59:59 -2359", "Sat, 01 Jan 0001 00:00:00 +2359")
def test_no_header_of_a_receiver_makes_it_raise(value: str, date: str | None) -> None:
    """Attack: an exception here would lose the result of a request that was made."""
    seconds = backoff.parse_retry_after(value, date=date, now=NOW, limit=DAY)
    assert seconds is None or 0 < seconds <= DAY


@pytest.mark.parametrize(
    "policy",
    ["default", "fast", "standard", "none", {"schedule": []}, {"schedule": [0, 1.5, 7 * DAY]},
     {"schedule": [1] * 20, "jitter": 1}, {"schedule": [10], "jitter": 0}],
)  # fmt: skip
def test_it_accepts_names_and_schedules(policy: Any) -> None:
    backoff.check_policy(policy)
    assert all(delay >= 0 for delay in backoff.schedule(policy))


@pytest.mark.parametrize(
    "policy",
    [
        "", "Default", None, 5, [], [10], {}, {"schedule": None}, {"schedule": "10"}, {"schedule": [-1]},
        {"schedule": [True]}, {"schedule": ["1"]}, {"schedule": [math.nan]}, {"schedule": [math.inf]},
        {"schedule": [7 * DAY + 1]}, {"schedule": [1] * 21}, {"schedule": [1], "jitter": -0.1},
        {"schedule": [1], "jitter": 1.1}, {"schedule": [1], "jitter": True}, {"schedule": [1], "jitter": math.nan},
        {"schedule": [1], "more": 1}, {"jitter": 0.1},
    ],
)  # fmt: skip
def test_it_refuses_other_policies(policy: Any) -> None:
    with pytest.raises(backoff.InvalidPolicy):
        backoff.check_policy(policy)


@given(st.floats(0, 7 * DAY), st.floats(0, 1), st.floats(0, DAY))
def test_a_delay_lies_between_its_step_and_its_longest(step: float, jitter: float, asked: float) -> None:
    delay = backoff.next_delay({"schedule": [step], "jitter": jitter}, 1, asked, draw=random.random)
    assert delay is not None
    assert max(step, asked) <= delay <= max(step, asked) * (1 + jitter) + 1e-6


def test_an_http_date_is_seen_from_now() -> None:
    later = NOW + timedelta(seconds=60)
    assert backoff.parse_retry_after("Wed, 04 Mar 2026 05:08:07 GMT", date=None, now=later, limit=DAY) == 60


def test_an_http_date_is_counted_from_the_date_of_the_answer() -> None:
    """Attack: a clock of one side that is an hour off makes the pause an hour long, or none."""
    date = "Wed, 04 Mar 2026 05:07:37 GMT"
    for wrong in (NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)):
        assert backoff.parse_retry_after("Wed, 04 Mar 2026 05:08:07 GMT", date=date, now=wrong, limit=DAY) == 30
    assert backoff.parse_retry_after("Wed, 04 Mar 2026 05:08:07 GMT", date="now", now=NOW, limit=DAY) is not None
