"""What counts as consent, and the rate limit that follows from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.consent import asked_rate, effective, judge

ORIGIN = "hooks.example.com"


@pytest.mark.parametrize(
    ("origin", "rate", "granted"),
    [("*", "*", None), (ORIGIN, "120", 120), ("HOOKS.example.com", " 1 ", 1), ("*", "999999999", None)],
)
def test_consent_names_this_origin_or_all_and_a_rate(origin: str, rate: str, granted: int | None) -> None:
    for status in (200, 204, 404, 405, 500):
        answer = judge(ORIGIN, origin, rate, status)
        assert (answer.granted, answer.rate) == (True, granted)


@pytest.mark.parametrize(
    ("origin", "rate", "word"),
    [
        (None, None, "without WebHook-Allowed-Origin"), (None, "120", "without WebHook-Allowed-Origin"),
        ("evil.example", "*", "another origin"), ("", "*", "another origin"),
        ("hooks.example.com.evil", "*", "another"),
        ("null", "*", "another origin"), (ORIGIN, None, "no WebHook-Allowed-Rate"), (ORIGIN, "0", "neither"),
        (ORIGIN, "-1", "neither"), (ORIGIN, "many", "neither"), (ORIGIN, "1.5", "neither"), (ORIGIN, "٣", "neither"),
        (ORIGIN, "", "neither"),
    ],
)  # fmt: skip
def test_everything_else_is_no_consent_whatever_the_status(origin: str | None, rate: str | None, word: str) -> None:
    for status in (200, 204, 405):
        answer = judge(ORIGIN, origin, rate, status)
        assert not answer.granted
        assert word in answer.why


def test_the_rate_that_is_asked_for_is_that_of_a_minute() -> None:
    assert [asked_rate(100, 1), asked_rate(10, 60), asked_rate(1, 3600)] == [6000, 10, 1]


@given(st.integers(1, 10_000), st.one_of(st.none(), st.tuples(st.integers(1, 10_000), st.floats(1, 86_400))))
def test_neither_the_granted_nor_the_own_rate_is_ever_exceeded(granted: int, own: tuple[int, float] | None) -> None:
    limit, period = own or (0, 1.0)
    size, seconds = effective(limit, period, granted)
    flow = size / seconds
    assert size >= 1
    # A full bucket, and what flows in during the rest of that minute
    assert size + flow * 60 <= granted + 1 + 1e-6
    if own:
        assert size <= limit
        assert flow <= limit / period + 1e-9
