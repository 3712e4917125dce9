"""Which changes of a schema break a promise."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.compatibility import breaking_changes
from webhooks.core.schemas import compile_schema

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer", "minimum": 0, "maximum": 100},
        "state": {"enum": ["open", "paid"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 10},
        "code": {"type": "string", "pattern": "^[A-Z]+$", "maxLength": 9},
        "who": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "choice": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        "tags": {"additionalProperties": {"type": "string"}},
    },
    "$defs": {"line": {"properties": {"sku": {"type": "string"}, "parts": {"items": {"$ref": "#/$defs/line"}}}}},
}


def changed(change: Callable[[dict[str, Any]], Any]) -> list[tuple[str, str]]:
    new = copy.deepcopy(ORDER)
    change(new)
    return breaking_changes(ORDER, new)


def p(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"][name]
    return found


SAFE: list[Callable[[dict[str, Any]], Any]] = [
    lambda s: None,
    lambda s: s.update(title="Order", description="x", examples=[1]),
    lambda s: s["properties"].update(new={"type": "string"}),
    lambda s: s["$defs"]["line"]["properties"].update(qty={"type": "integer"}),
    lambda s: p(s, "id").update(minimum=-5, maximum=200),
    lambda s: p(s, "id").pop("maximum"),
    lambda s: p(s, "state")["enum"].append("void"),
    lambda s: p(s, "lines").update(maxItems=20),
    lambda s: p(s, "tags").update(additionalProperties=True),
    lambda s: s["$defs"].update(unused={"type": "null"}),
]
BREAKING: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda s: s["properties"].pop("code"), "/properties"),
    (lambda s: s["required"].append("state"), "/required"),
    (lambda s: s["required"].clear(), "/required"),
    (lambda s: s.pop("required"), ""),
    (lambda s: s.pop("type"), ""),
    (lambda s: p(s, "id").update(type="number"), "/properties/id/type"),
    (lambda s: p(s, "id").update(type=["integer", "null"]), "/properties/id/type"),
    (lambda s: p(s, "id").update(minimum=1), "/properties/id/minimum"),
    (lambda s: p(s, "id").update(maximum=99), "/properties/id/maximum"),
    (lambda s: p(s, "id").update(exclusiveMinimum=0), "/properties/id/exclusiveMinimum"),
    (lambda s: p(s, "id").update(multipleOf=2), "/properties/id/multipleOf"),
    (lambda s: p(s, "state")["enum"].remove("open"), "/properties/state/enum"),
    (lambda s: p(s, "state").pop("enum"), "/properties/state"),
    (lambda s: p(s, "code").update(enum=["A"]), "/properties/code/enum"),
    (lambda s: p(s, "code").update(pattern="^[A-Z0-9]+$"), "/properties/code/pattern"),
    (lambda s: p(s, "code").update(maxLength=8), "/properties/code/maxLength"),
    (lambda s: p(s, "code").update(minLength=1), "/properties/code/minLength"),
    (lambda s: p(s, "code").update(format="date"), "/properties/code/format"),
    (lambda s: p(s, "lines").update(uniqueItems=True), "/properties/lines/uniqueItems"),
    (lambda s: p(s, "lines").pop("items"), "/properties/lines"),
    (lambda s: p(s, "lines").update(items=False), "/properties/lines/items"),
    (lambda s: p(s, "who")["anyOf"].pop(), "/properties/who/anyOf"),
    (lambda s: p(s, "who")["anyOf"][0].update(maxLength=1), "/properties/who/anyOf/0/maxLength"),
    (lambda s: p(s, "choice")["oneOf"].append({"type": "array"}), "/properties/choice/oneOf"),
    (lambda s: p(s, "tags").update(additionalProperties=False), "/properties/tags/additionalProperties"),
    (lambda s: s.update(additionalProperties=False), "/additionalProperties"),
    (lambda s: s.update(additionalProperties={"type": "string"}), "/additionalProperties/type"),
    (lambda s: s["properties"].update(new=False), "/properties/new"),
    (lambda s: s.update({"not": {"required": ["x"]}}), "/not"),
    (lambda s: s.update({"x-unknown": 1}), "/x-unknown"),
    (
        lambda s: s["$defs"]["line"]["properties"]["sku"].update(type="integer"),
        "/properties/lines/items/$ref/properties/sku/type",
    ),
]


@pytest.mark.parametrize("change", SAFE)
def test_a_change_that_breaks_nobody_is_found_harmless(change: Callable[[dict[str, Any]], Any]) -> None:
    assert changed(change) == []


@pytest.mark.parametrize(("change", "pointer"), BREAKING)
def test_a_breaking_change_is_found_with_its_place(change: Callable[[dict[str, Any]], Any], pointer: str) -> None:
    found = changed(change)
    assert [place for place, _ in found] == [pointer]
    assert found[0][1]


def test_each_place_is_named() -> None:
    old = {"properties": dict.fromkeys("ab", True)}
    new = {"properties": dict.fromkeys("ab", False)}
    assert [place for place, _ in breaking_changes(old, new)] == ["/properties/a", "/properties/b"]


def test_a_reference_inside_what_must_stay_the_same_is_followed() -> None:
    old = {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {"minimum": 1}}}
    new = {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {"minimum": 0}}}
    assert breaking_changes(old, new) == [("/not", "not was changed")]
    assert breaking_changes(old, copy.deepcopy(old)) == []


def test_schemas_that_refer_to_themselves_are_compared_once() -> None:
    old = {"properties": {"next": {"$ref": "#"}}}
    assert breaking_changes(old, {"properties": {"next": {"$ref": "#"}, "more": True}}) == []
    assert breaking_changes(old, {"properties": {"next": {"$ref": "#"}}, "maxProperties": 1})


def test_anchors_are_followed_like_pointers() -> None:
    old = {"$ref": "#x", "$defs": {"a": {"$anchor": "x", "maximum": 5}}}
    new = {"$ref": "#/$defs/b", "$defs": {"b": {"maximum": 4}}}
    assert breaking_changes(old, new) == [("/$ref/maximum", "maximum was narrowed from 5 to 4")]


@pytest.mark.parametrize(("old", "new", "breaks"), [
    (True, {}, False), (True, {"type": "null"}, True), (True, False, True), (False, {"type": "null"}, False),
    ({"type": "null"}, True, True), ({"minimum": 1}, True, False), ({}, False, True),
])  # fmt: skip
def test_true_and_false_are_schemas_too(old: Any, new: Any, breaks: bool) -> None:
    assert bool(breaking_changes(old, new)) == breaks


_limits = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["integer", "string"]),
        "minimum": st.integers(0, 3),
        "exclusiveMaximum": st.integers(2, 6),
        "enum": st.lists(st.integers(0, 5), min_size=1, unique=True),
        "minLength": st.integers(0, 2),
    },
)
_objects = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("ab"), _limits)},
    optional={
        "required": st.lists(st.sampled_from("ab"), unique=True),
        "additionalProperties": st.booleans() | _limits,
        "minProperties": st.integers(0, 2),
    },
)


@given(_objects, _objects, st.dictionaries(st.sampled_from("ab"), st.integers(0, 6) | st.sampled_from(["", "x"])))
def test_what_was_valid_stays_valid_when_nothing_breaks(old: Any, new: Any, value: Any) -> None:
    def holds(schema: Any) -> bool:
        return not compile_schema(schema, max_bytes=10**6).faults(value, 10**6)[0]

    # A property that is newly described may have been there before with any value: that is what was undescribed.
    described = new["properties"].keys() - old["properties"].keys()
    if not breaking_changes(old, new) and not described & value.keys() and holds(old):
        assert holds(new)
