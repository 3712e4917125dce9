"""JSON as values with exact numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import jsonvalues
from webhooks.core.jsonvalues import Unreadable

_numbers = st.integers(-(10**30), 10**30) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_values)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert repr(jsonvalues.read(jsonvalues.write(value))) == repr(value)


@pytest.mark.parametrize("text", ["12345678901234567890", "42.10", '{"b":1,"a":[0.10,-0.0]}', '"\\u0000é"', "null"])
def test_text_is_written_as_it_was_read(text: str) -> None:
    assert jsonvalues.write(jsonvalues.read(text)) == text


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), Decimal("NaN"), {1: 2}, "\ud800", {"\udc00": 1}, object(), {"a": {1, 2}}, b"x"],
)
def test_what_is_no_json_is_not_written(value: Any) -> None:
    with pytest.raises(Unreadable):
        jsonvalues.write(value)


def test_a_value_that_holds_itself_is_not_written() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Unreadable):
        jsonvalues.write(value)


def test_a_name_that_is_there_twice_has_no_single_meaning() -> None:
    with pytest.raises(Unreadable, match="twice"):
        jsonvalues.read('{"x": [{"a": 1, "b": 2, "a": "x"}]}')


@given(_values, _values)
def test_the_canonical_text_tells_values_apart_like_json_schema(one: Any, other: Any) -> None:
    def tagged(value: Any) -> Any:
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, list):
            return [tagged(item) for item in value]
        if isinstance(value, dict):
            return {name: tagged(item) for name, item in value.items()}
        return value

    assert (jsonvalues.canonical(one) == jsonvalues.canonical(other)) == (tagged(one) == tagged(other))


@given(st.integers(-(10**9), 10**9), st.integers(-6, 6), st.integers(1, 10**4), st.integers(-6, 6))
def test_multiples_are_exact(digits: int, exponent: int, step: int, other: int) -> None:
    value, of = Decimal(digits).scaleb(exponent), Decimal(step).scaleb(other)
    assert jsonvalues.is_multiple(value, of) == ((Fraction(value) / Fraction(of)).denominator == 1)


@given(_values)
def test_indenting_changes_the_space_between_words_only(value: Any) -> None:
    text = jsonvalues.write(value)
    shown = jsonvalues.indented(text)
    assert jsonvalues.write(jsonvalues.read(shown)) == text


def test_text_is_indented_as_people_expect() -> None:
    value = {"a": [1, {"b": {}}], "c": [], "d": "x,{:"}
    assert jsonvalues.indented(json.dumps(value)) == json.dumps(value, indent=2)
