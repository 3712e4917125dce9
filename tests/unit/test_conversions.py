"""Conversions between versions: chains, what they may return, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import webhooks
from webhooks.core import conversions
from webhooks.core.conversions import ConversionFailed, convert, older
from webhooks.core.patterns import InvalidPattern


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = {name: {v: dict(to) for v, to in steps.items()} for name, steps in conversions._steps.items()}
    conversions._steps.clear()
    yield
    conversions._steps.clear()
    conversions._steps.update(before)


def test_a_conversion_changes_the_data_and_nothing_else() -> None:
    @webhooks.downgrade("order.created", "v2", "v1")
    def to_v1(data: dict[str, Any]) -> dict[str, Any]:
        return {"total": data["amount"]["value"], "id": data["id"], "rate": data["rate"]}

    raw = b'{"amount": {"value": 42.10}, "id": 12345678901234567890, "rate": 1E5, "more": null}'
    assert convert("order.created", "v2", "v1", raw) == b'{"total":42.10,"id":12345678901234567890,"rate":1E+5}'


def test_conversions_chain_by_the_shortest_way() -> None:
    for start, end in (("v4", "v3"), ("v3", "v2"), ("v2", "v1"), ("v4", "v2")):
        conversions.downgrade("a.b", start, end)(lambda data, end=end: [*data, end])
    assert older("a.b", "v4") == ["v3", "v2", "v1"]
    assert older("a.b", "v2") == ["v1"]
    assert older("a.b", "v1") == older("other", "v4") == older("a.b", "") == []
    assert convert("a.b", "v4", "v1", b"[]") == b'["v2","v1"]'


def test_a_circle_of_conversions_ends() -> None:
    conversions.downgrade("a.b", "v1", "v2")(lambda data: data)
    conversions.downgrade("a.b", "v2", "v1")(lambda data: data)
    assert older("a.b", "v1") == ["v2"]


def test_there_is_one_way_for_each_step() -> None:
    def first(data: Any) -> Any:
        return data

    def second(data: Any) -> Any:
        return data

    conversions.downgrade("a.b", "v2", "v1")(first)
    conversions.downgrade("a.b", "v2", "v1")(first)  # the module was read again
    with pytest.raises(ValueError, match="two downgrades"):
        conversions.downgrade("a.b", "v2", "v1")(second)


def test_what_is_no_type_or_no_step_is_refused() -> None:
    with pytest.raises(InvalidPattern):
        webhooks.downgrade("order.*", "v2", "v1")
    with pytest.raises(ValueError, match="two versions"):
        webhooks.downgrade("a.b", "v1", "v1")


def _raises(data: Any) -> Any:
    raise KeyError("4111 1111 1111 1111")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_raises, "failed with KeyError"),
        (lambda data: object(), "no JSON"),
        (lambda data: float("nan"), "no JSON"),
        (lambda data: {1: 2}, "no JSON"),
        (lambda data: "\ud800", "no JSON"),
        (lambda data: Decimal("Infinity"), "no JSON"),
    ],
)
def test_a_function_that_fails_is_told_without_the_data(function: Any, said: str) -> None:
    conversions.downgrade("a.b", "v2", "v1")(function)
    with pytest.raises(ConversionFailed, match=said) as caught:
        convert("a.b", "v2", "v1", b"1")
    assert "4111" not in str(caught.value)


def test_a_step_that_nobody_registered_is_told() -> None:
    with pytest.raises(ConversionFailed, match="no conversion"):
        convert("a.b", "v2", "v1", b"1")


def test_data_without_a_single_meaning_is_not_converted() -> None:
    conversions.downgrade("a.b", "v2", "v1")(lambda data: data)
    with pytest.raises(ConversionFailed, match="twice"):
        convert("a.b", "v2", "v1", b'{"a": 1, "a": 2}')
