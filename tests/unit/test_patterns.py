"""Event types and patterns: what is one, and which patterns match which types."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import patterns

SEGMENT = st.text("ab_9Z", min_size=1, max_size=2)
TYPE = st.lists(SEGMENT, min_size=1, max_size=4).map(".".join)
PATTERN = st.one_of(TYPE, TYPE.map("{}.*".format), TYPE.map("{}.**".format), st.just("*"))


def independent(pattern: str, event_type: str) -> bool:
    """The documented meaning, by regular expression: .* one segment, .** one or more, * everything."""
    if pattern == "*":
        return True
    if pattern.endswith(".**"):
        return re.fullmatch(re.escape(pattern[:-3]) + r"(\.[^.]+)+", event_type) is not None
    if pattern.endswith(".*"):
        return re.fullmatch(re.escape(pattern[:-2]) + r"\.[^.]+", event_type) is not None
    return pattern == event_type


@given(PATTERN, TYPE)
def test_the_candidates_of_a_type_are_the_patterns_that_match_it(pattern: str, event_type: str) -> None:
    assert (pattern in patterns.candidates(event_type)) is independent(pattern, event_type)
    assert patterns.matches(pattern, event_type) is independent(pattern, event_type)


@given(TYPE)
def test_candidates_are_valid_patterns_and_each_stands_once(event_type: str) -> None:
    candidates = patterns.candidates(event_type)
    assert len(candidates) == len(set(candidates))
    for pattern in candidates:
        patterns.check_pattern(pattern)
        assert independent(pattern, event_type)


def test_the_candidates_of_a_type_of_three_segments() -> None:
    assert sorted(patterns.candidates("a.b.c")) == sorted(["a.b.c", "a.b.*", "a.b.**", "a.**", "*"])


def test_operational_events_have_no_catch_all() -> None:
    assert patterns.candidates("delivery.dead", catch_all=False) == ["delivery.dead", "delivery.**", "delivery.*"]


@pytest.mark.parametrize("text", ["order", "order.created", "A_9.b", "a" * 128, "_"])
def test_it_accepts_event_types(text: str) -> None:
    patterns.check_event_type(text)
    patterns.check_pattern(text)


@pytest.mark.parametrize("text", ["*", "order.*", "order.**", "a.b.c.**"])
def test_a_pattern_is_no_event_type(text: str) -> None:
    patterns.check_pattern(text)
    with pytest.raises(patterns.InvalidPattern):
        patterns.check_event_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a.", ".a", "a..b", "a b", "a\n", "order.created\n", "órder", "a-b", "a.***", "**", "*.a", "a.*.b",
        "a*", "a.b*", "a" * 129, "a.*\n", "a\0", "%", "a.%",
    ],
)  # fmt: skip
def test_it_refuses_what_is_neither(text: str) -> None:
    with pytest.raises(patterns.InvalidPattern):
        patterns.check_pattern(text)
    with pytest.raises(patterns.InvalidPattern):
        patterns.check_event_type(text)


def test_the_message_says_how_to_mend_it() -> None:
    with pytest.raises(patterns.InvalidPattern, match=r"such as order\.created"):
        patterns.check_event_type("order created")
    with pytest.raises(patterns.InvalidPattern, match="at most 128 characters, this one has 129"):
        patterns.check_pattern("a" * 129)


@given(st.text(max_size=140) | st.from_regex(r"[A-Za-z0-9_.*\n\x00é ]{0,140}"))
def test_any_text_is_a_type_a_pattern_or_refused_with_a_sentence(text: str) -> None:
    """What is accepted fits into a column, a header and a URL path as it stands."""
    for check, more in ((patterns.check_event_type, ""), (patterns.check_pattern, "*")):
        try:
            check(text)
        except patterns.InvalidPattern as error:
            assert str(error)  # noqa: PT017
        else:
            assert 0 < len(text) <= patterns.MAX_LENGTH
            assert all(character.isascii() and (character.isalnum() or character in "_." + more) for character in text)
            assert ".." not in text
            assert "." not in (text[0], text[-1])
