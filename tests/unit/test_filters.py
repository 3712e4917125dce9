"""Content filters: each operator, paths that lead nowhere, and where a bad filter is at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import filters

DOCUMENT = {
    "type": "order.created",
    "version": "v1",
    "metadata": {},
    "channels": ["eu"],
    "data": {
        "amount": 100, "price": 99.5, "name": "Ada", "flag": True, "none": None, "empty": "",
        "items": [{"sku": "a-1"}, {"sku": "b-2"}], "nested": {"deep": {"er": 1}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"type": "order.created"}, True),
        ({"type": "order.deleted"}, False),
        ({"data.amount": 100}, True),
        ({"data.amount": 100.0}, True),
        ({"data.amount": "100"}, False),
        ({"data.flag": True}, True),
        ({"data.flag": 1}, False),
        ({"data.amount": True}, False),
        ({"data.none": None}, True),
        ({"data.missing": None}, False),
        ({"data.empty": ""}, True),
        ({"channels.0": "eu"}, True),
        ({"data.items": [{"sku": "a-1"}, {"sku": "b-2"}]}, True),
        ({"data.amount": {"$eq": 100}}, True),
        ({"data.amount": {"$eq": 101}}, False),
        ({"data.amount": {"$ne": 100}}, False),
        ({"data.amount": {"$ne": 101}}, True),
        ({"data.amount": {"$gt": 99}}, True),
        ({"data.amount": {"$gt": 100}}, False),
        ({"data.amount": {"$gte": 100}}, True),
        ({"data.amount": {"$gte": 100.1}}, False),
        ({"data.amount": {"$lt": 101}}, True),
        ({"data.amount": {"$lt": 100}}, False),
        ({"data.amount": {"$lte": 100}}, True),
        ({"data.amount": {"$lte": 99}}, False),
        ({"data.name": {"$gt": "Aaa"}}, True),
        ({"data.name": {"$lt": "Aaa"}}, False),
        ({"data.name": {"$gt": 5}}, False),
        ({"data.flag": {"$gte": 0}}, False),
        ({"data.amount": {"$in": [1, 100]}}, True),
        ({"data.amount": {"$in": []}}, False),
        ({"data.flag": {"$in": [1]}}, False),
        ({"data.amount": {"$nin": [1, 2]}}, True),
        ({"data.amount": {"$nin": [100]}}, False),
        ({"data.amount": {"$exists": True}}, True),
        ({"data.none": {"$exists": True}}, True),
        ({"data.amount": {"$exists": False}}, False),
        ({"data.name": {"$prefix": "Ad"}}, True),
        ({"data.name": {"$prefix": "da"}}, False),
        ({"data.name": {"$suffix": "da"}}, True),
        ({"data.name": {"$suffix": "Ad"}}, False),
        ({"data.amount": {"$prefix": "1"}}, False),
        ({"data.amount": {"$gte": 50, "$lt": 200}}, True),
        ({"data.amount": {"$gte": 50, "$lt": 100}}, False),
        ({"data.amount": 100, "data.name": "Ada"}, True),
        ({"data.amount": 100, "data.name": "Bob"}, False),
        ({"$and": [{"data.amount": 100}, {"data.name": "Ada"}]}, True),
        ({"$and": [{"data.amount": 100}, {"data.name": "Bob"}]}, False),
        ({"$or": [{"data.amount": 1}, {"data.name": "Ada"}]}, True),
        ({"$or": [{"data.amount": 1}, {"data.name": "Bob"}]}, False),
        ({"$not": {"data.amount": 1}}, True),
        ({"$not": {"data.amount": 100}}, False),
        ({"$not": {"$or": [{"data.amount": 1}, {"data.name": "Bob"}]}}, True),
        ({"data.items.1.sku": "b-2"}, True),
        ({"data.items.2.sku": {"$exists": True}}, False),
        ({"data.items.-1.sku": {"$exists": True}}, False),
        ({"data.items.sku": {"$exists": True}}, False),
        ({"data.nested.deep.er": 1}, True),
        ({"data.name.0": {"$exists": True}}, False),
    ],
)
def test_it_decides(condition: dict[str, Any], expected: bool) -> None:
    assert filters.check_filter(condition) == []
    assert filters.matches(condition, DOCUMENT) is expected


@pytest.mark.parametrize(
    ("operator", "operand", "expected"),
    [
        ("$eq", 1, False), ("$ne", 1, True), ("$gt", 0, False), ("$gte", 0, False), ("$lt", 9, False),
        ("$lte", 9, False), ("$in", [None, 1], False), ("$nin", [None], True), ("$exists", True, False),
        ("$exists", False, True), ("$prefix", "", False), ("$suffix", "", False),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_false_but_for_the_negations(operator: str, operand: Any, expected: bool) -> None:
    for path in ("data.missing", "data.amount.deeper", "data.items.9", "nowhere"):
        assert filters.matches({path: {operator: operand}}, DOCUMENT) is expected


def test_every_operator_has_a_case_above() -> None:
    assert set(filters.OPERATORS) == {
        "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$prefix", "$suffix",
        "$or", "$and", "$not",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "pointer"),
    [
        (None, ""),
        ([], ""),
        ({}, ""),
        ("data.amount", ""),
        ({"data.amount": {}}, "/data.amount"),
        ({"data.amount": {"$bigger": 1}}, "/data.amount/$bigger"),
        ({"data.amount": {"eq": 1}}, "/data.amount/eq"),
        ({"data.amount": {"$in": 5}}, "/data.amount/$in"),
        ({"data.amount": {"$nin": "abc"}}, "/data.amount/$nin"),
        ({"data.amount": {"$exists": 1}}, "/data.amount/$exists"),
        ({"data.amount": {"$prefix": 1}}, "/data.amount/$prefix"),
        ({"data.amount": {"$suffix": None}}, "/data.amount/$suffix"),
        ({"data.amount": {"$gt": True}}, "/data.amount/$gt"),
        ({"data.amount": {"$gte": None}}, "/data.amount/$gte"),
        ({"data.amount": {"$lt": []}}, "/data.amount/$lt"),
        ({"data.amount": {"$lte": {}}}, "/data.amount/$lte"),
        ({"$eq": 5}, "/$eq"),
        ({"$or": {}}, "/$or"),
        ({"$and": []}, "/$and"),
        ({"$or": [{"type": "a"}, 5]}, "/$or/1"),
        ({"$not": []}, "/$not"),
        ({"$not": {"a": {"$in": 1}}}, "/$not/a/$in"),
        ({"a/b~c": {"$in": 1}}, "/a~1b~0c/$in"),
        ({"a": {"$and": [{"b": 1}]}}, "/a/$and"),
    ],
)
def test_a_fault_has_a_pointer_and_a_sentence(condition: Any, pointer: str) -> None:
    faults = filters.check_filter(condition)
    assert [found for found, _ in faults] == [pointer]
    assert all(sentence for _, sentence in faults)


def test_all_faults_are_told_at_once() -> None:
    faults = filters.check_filter({"a": {"$in": 1}, "$or": [{"b": {"$x": 1}}, {}]})
    assert [pointer for pointer, _ in faults] == ["/a/$in", "/$or/0/b/$x", "/$or/1"]


def test_nesting_and_size_are_bounded() -> None:
    nested: dict[str, Any] = {"a": 1}
    for _ in range(filters.MAX_DEPTH):
        nested = {"$not": nested}
    assert filters.check_filter(nested) == []
    assert len(filters.check_filter({"$not": nested})) == 1
    assert filters.check_filter({f"p{n}": n for n in range(filters.MAX_CONDITIONS)}) == []
    assert filters.check_filter({f"p{n}": n for n in range(filters.MAX_CONDITIONS + 1)}) != []
    halves = [{f"p{n}": {"$gt": 1, "$lt": 2} for n in range(13)}] * 2
    assert filters.check_filter({"$or": halves}) != []


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab$.0", max_size=3), inner, max_size=3),
    max_leaves=8,
)
STEPS = st.one_of(st.sampled_from(["data", "a", "b", "0", "1", "", "-1", "٣", "9" * 5000]))


@given(
    JSON_VALUE,
    st.lists(STEPS, min_size=1, max_size=4).map(".".join),
    st.sampled_from(filters.OPERATORS[:11]),
    JSON_VALUE,
)
def test_a_filter_that_was_accepted_never_raises(data: Any, path: str, operator: str, operand: Any) -> None:
    """Attack: a filter that raises stops the routing of everybody's events."""
    condition = {path: {operator: operand}}
    if not filters.check_filter(condition):
        assert filters.matches(condition, {"data": data}) in (True, False)
        assert filters.matches({"$not": condition}, {"data": data}) is not filters.matches(condition, {"data": data})


def test_a_path_of_a_very_long_number_leads_nowhere() -> None:
    """Attack: Python refuses to read integers of more than 4300 digits, and the refusal is an exception."""
    condition = {"data." + "9" * 5000: {"$exists": True}}
    assert filters.check_filter(condition) == []
    assert filters.matches(condition, {"data": [1, 2]}) is False


NAMES = st.sampled_from([*filters.OPERATORS, "$what", "a", "a.b", "", ".", "$", "~/", "data.items.0"])
CONDITION = st.recursive(
    JSON_VALUE, lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=12
)


@given(CONDITION, JSON_VALUE)
def test_any_json_is_a_filter_or_refused_with_pointers_into_it(condition: Any, data: Any) -> None:
    """Every pointer leads to something in what was sent, and what is accepted can be evaluated."""
    faults = filters.check_filter(condition)
    for pointer, sentence in faults:
        assert sentence
        found = condition
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found[int(name)] if isinstance(found, list) else found[name]
    if not faults:
        assert filters.matches(condition, {"data": data, "type": "a", "metadata": {}}) in (True, False)


# --- the first condition that does not hold

UNMET = [
    ({"data.amount": {"$gt": 5, "$lt": 50}}, ("/data.amount/$lt", "data.amount", "$lt")),
    ({"type": "order.created", "data.name": "Bob"}, ("/data.name", "data.name", "$eq")),
    ({"data.missing": {"$exists": True}}, ("/data.missing/$exists", "data.missing", "$exists")),
    ({"$or": [{"data.amount": 1}, {"data.amount": 2}]}, ("/$or", "", "$or")),
    ({"$not": {"data.flag": True}}, ("/$not", "", "$not")),
    ({"$and": [{"data.flag": True}, {"data.amount": {"$in": [1]}}]}, ("/$and/1/data.amount/$in", "data.amount", "$in")),
    ({"$and": [{"$and": [{"data.a/b~c": 1}]}]}, ("/$and/0/$and/0/data.a~1b~0c", "data.a/b~c", "$eq")),
]


@pytest.mark.parametrize(("condition", "expected"), UNMET, ids=[str(n) for n in range(len(UNMET))])
def test_it_names_the_condition_that_does_not_hold(condition: Any, expected: tuple[str, str, str]) -> None:
    assert filters.unmet(condition, DOCUMENT) == expected


_LEAVES = st.dictionaries(
    st.sampled_from(["data.amount", "data.name", "data.none", "data.missing", "data.nested.deep.er"]),
    st.one_of(
        st.sampled_from([1, 100, "Ada", None]),
        st.fixed_dictionaries({"$exists": st.booleans()}),
        st.fixed_dictionaries({"$ne": st.sampled_from([1, 100, "Ada"])}),
        st.fixed_dictionaries({"$gte": st.sampled_from([1, 100, 1000]), "$in": st.just([100])}),
    ),
    min_size=1,
    max_size=3,
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=6,
)


@given(_CONDITIONS)
def test_every_filter_that_does_not_match_has_one_and_no_other_has(condition: Any) -> None:
    assert filters.check_filter(condition) == []
    found = filters.unmet(condition, DOCUMENT)
    assert (found is None) == filters.matches(condition, DOCUMENT)
    if found:
        inside = condition
        for step in found.pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            inside = inside[int(name)] if isinstance(inside, list) else inside[name]
