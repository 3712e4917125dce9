"""Schemas that somebody else wrote: what they say is what JSON Schema says, and none of them can do harm."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from webhooks.core import jsonvalues
from webhooks.core.schema_run import MAX_FAULTS, Fault
from webhooks.core.schemas import (
    DIALECT,
    MAX_CHAIN,
    MAX_NODES,
    MAX_PATTERNS,
    Schema,
    TooCostly,
    UnsafeSchema,
    compile_schema,
)

LIMIT = 65_536
STEPS = 200_000
SELF = {"$ref": "#/$defs/tree", "$defs": {"tree": {"properties": {"child": {"$ref": "#/$defs/tree"}}}}}


def compiled(schema: Any) -> Schema:
    return compile_schema(jsonvalues.read(json.dumps(schema)), max_bytes=LIMIT)


def faults(schema: Any, value: Any, steps: int = STEPS) -> list[Fault]:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return compiled(schema).faults(jsonvalues.read(text), steps)[0]


def holds(schema: Any, value: Any) -> bool:
    return not faults(schema, value)


def refused(schema: Any) -> list[tuple[str, str]]:
    with pytest.raises(UnsafeSchema) as caught:
        compiled(schema)
    return caught.value.faults


# --- what it says


# Valid for the first group of values, not for the second.
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [None, 1], []),
    (False, [], [None, {}]),
    ({"type": "integer"}, [1, 1.0, 10**30], [1.5, True, "1"]),
    ({"type": ["string", "null"]}, ["", None], [0, []]),
    ({"enum": [1, "a", None, [1], {"b": 2}]}, [1.0, "a", None, [1], {"b": 2.0}], [True, "b", [True], {"b": 3}]),
    ({"const": {"a": [1, {}]}}, [{"a": [1, {}]}], [{"a": [1]}, {"a": [True, {}]}]),
    ({"const": "é\n"}, ["é\n"], ["é"]),
    ({"multipleOf": 0.01}, [19.99, 0, 3, "x"], [0.001, 19.999]),
    ({"minimum": 1, "exclusiveMaximum": 3}, [1, 2.99, "9"], [0.99, 3]),
    ({"exclusiveMinimum": 1, "maximum": 3}, [1.01, 3], [1, 3.01]),
    ({"minLength": 1, "maxLength": 2}, ["a", "😀😀", 5], ["", "abc"]),
    ({"pattern": "^[a-z]+$"}, ["abc", 1], ["", "aB", "a\n"]),
    ({"pattern": "b"}, ["abc"], ["ac"]),
    ({"pattern": "^\\u00e9\\d$"}, ["é1"], ["e1", "é٣"]),
    ({"minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]]),
    ({"uniqueItems": True}, [[1, True, "1", [1], {"a": 1}]], [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]]),
    ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
    ({"required": ["a", "b"]}, [{"a": 1, "b": None}, []], [{"a": 1}]),
    ({"dependentRequired": {"a": ["b"]}}, [{"b": 1}, {"a": 1, "b": 1}], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{}, {"a": 1, "b": 1}], [{"a": 1}]),
    ({"properties": {"a": {"type": "string"}}}, [{}, {"a": "x"}, {"b": 1}, 1], [{"a": 1}]),
    (
        {"properties": {"a": True}, "patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False},
        [{"a": 1, "x1": None}],
        [{"b": 1}, {"x1": 1}],
    ),
    ({"additionalProperties": {"type": "string"}}, [{"a": "b"}], [{"a": 1}]),
    ({"propertyNames": {"maxLength": 1}}, [{"a": 1}], [{"ab": 1}]),
    ({"prefixItems": [{"type": "string"}], "items": {"type": "null"}}, [[], ["a", None]], [[1], ["a", 1]]),
    ({"contains": {"const": 1}}, [[0, 1]], [[], [0]]),
    ({"contains": {"const": 1}, "minContains": 0}, [[], [0]], []),
    ({"contains": {"const": 1}, "minContains": 2, "maxContains": 3}, [[1, 1], [1, 1, 1]], [[1], [1, 1, 1, 1]]),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [0, 3]),
    ({"anyOf": [{"minimum": 5}, {"maximum": 2}]}, [1, 6], [3]),
    ({"oneOf": [{"minimum": 1}, {"maximum": 2}]}, [0, 3], [1, 2]),
    ({"not": {"type": "null"}}, [0], [None]),
    ({"if": {"minimum": 5}, "then": {"multipleOf": 5}, "else": {"maximum": 2}}, [10, 1], [6, 3]),
    ({"then": False, "else": False}, [1], []),
    ({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}}, [None], [1]),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, [None], [1]),
    ({"$ref": "#here", "definitions": {"x": {"$anchor": "here", "type": "null"}}}, [None], [1]),
    ({"$ref": "#/$defs/n", "minimum": 1, "$defs": {"n": {"type": "number"}}}, [1], [0, "x"]),
    (SELF, [{"child": {"child": {}}}, {"child": 1}], []),
    ({**SELF, "$defs": {"tree": {"type": "object", "properties": {"child": {"$ref": "#"}}}}}, [{}], [{"child": 1}]),
    (
        {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
        [{"a": 1}],
        [{"b": 1}],
    ),
    (
        {"anyOf": [{"required": ["a"], "properties": {"a": True}}, True], "unevaluatedProperties": False},
        [{"a": 1}, {}],
        [{"b": 1}],
    ),
    (
        {
            "if": {"required": ["a"]},
            "then": {"properties": {"a": True}},
            "else": {"patternProperties": {"b": True}},
            "dependentSchemas": {"a": {"properties": {"c": True}}},
            "unevaluatedProperties": {"type": "null"},
        },
        [{"a": 1, "c": 1}, {"b": 1}, {"c": None}],
        [{"a": 1, "b": 1}, {"c": 1}],
    ),
    (
        {"prefixItems": [True], "contains": {"const": 9}, "unevaluatedItems": False},
        [[1, 9], [9]],
        [[1, 9, 2]],
    ),
    ({"allOf": [{"items": True}], "unevaluatedItems": False}, [[1, 2]], []),
    ({"format": "email", "title": "x", "x-unknown": [1]}, ["not an address"], []),
    ({"$schema": DIALECT, "$id": "https://example.com/order", "$comment": "x"}, [1], []),
]


@pytest.mark.parametrize(("schema", "good", "bad"), CASES, ids=[json.dumps(case[0])[:60] for case in CASES])
def test_a_keyword_holds_for_what_it_should_and_for_nothing_else(schema: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert holds(schema, value), value
    for value in bad:
        assert not holds(schema, value), value


_scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "ab", "b1", 1.5, 10**20])
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


def _schemas(inner: Any) -> Any:
    some = st.lists(inner, min_size=1, max_size=2)
    small = st.integers(0, 2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", "number", "null", ["string", "null"]]),
            "enum": st.lists(_values, min_size=1, max_size=3),
            "const": _values,
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "multipleOf": st.sampled_from([1, 2, 3]),
            "minLength": small,
            "maxItems": small,
            "uniqueItems": st.booleans(),
            "minProperties": small,
            "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
            "pattern": st.sampled_from(["^a", "b$", "[0-9]"]),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["a", "^b"]), inner, max_size=1),
            "additionalProperties": inner,
            "propertyNames": inner,
            "prefixItems": some,
            "items": inner,
            "contains": inner,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": st.dictionaries(st.sampled_from("abc"), inner, max_size=1),
            "unevaluatedProperties": inner,
            "unevaluatedItems": inner,
        },
    )


@settings(max_examples=50)
@given(st.recursive(st.booleans() | _schemas(st.booleans()), _schemas, max_leaves=6), _values)
def test_it_agrees_with_another_implementation(schema: Any, value: Any) -> None:
    other = Draft202012Validator(schema, registry=Registry())
    assert holds(schema, value) == other.is_valid(value)


def test_numbers_are_exact() -> None:
    assert holds({"const": 12345678901234567890}, b"12345678901234567890")
    assert not holds({"const": 12345678901234567890}, b"12345678901234567891")
    assert not holds({"maximum": 0.3}, b"0.30000000000000000001")
    assert holds({"multipleOf": 0.01}, b"12345678901234567.89")
    assert holds({"type": "integer"}, b"1E400")
    assert not holds({"type": "integer"}, b"1E-400")
    assert not holds({"uniqueItems": True}, b"[1.10, 1.1]")


def test_each_fault_says_where_and_by_which_rule() -> None:
    schema = {
        "required": ["id"],
        "properties": {"a/b": {"type": "string"}, "list": {"items": {"minimum": 1}}},
        "additionalProperties": False,
    }
    assert faults(schema, {"a/b": 1, "list": [1, 0], "zz": 1}) == [
        Fault("", "/required", "lacks id"),
        Fault("/a~1b", "/properties/a~1b/type", "is not of type string but number"),
        Fault("/list/1", "/properties/list/items/minimum", "is less than 1"),
        Fault("", "/additionalProperties", "has the property zz, which the schema does not know"),
    ]


def test_faults_are_few_and_short_whatever_the_data() -> None:
    found = faults({"additionalProperties": {"type": "null"}}, {"x" * 5000 + str(n): "y" * 5000 for n in range(50)})
    assert len(found) == MAX_FAULTS
    assert all(len(fault.pointer) <= 500 and len(fault.detail) <= 500 for fault in found)


# --- attacks with a schema


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"$ref": "http://127.0.0.1:1/schema"}, "/$ref"),
        ({"$ref": "//169.254.169.254/latest"}, "/$ref"),
        ({"$ref": "file:///etc/passwd"}, "/$ref"),
        ({"items": {"$ref": "other.json#/a"}}, "/items/$ref"),
        ({"$ref": DIALECT}, "/$ref"),
        ({"$ref": "#/nowhere"}, "/$ref"),
        ({"$ref": "#nowhere"}, "/$ref"),
        ({"$ref": "#/properties", "properties": {}}, "/$ref"),
        ({"$ref": 1}, "/$ref"),
        ({"$ref": "#" + "/a" * 1000}, "/$ref"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"$schema": "http://10.0.0.1/meta"}, "/$schema"),
        ({"items": {"$schema": DIALECT}}, "/items/$schema"),
        ({"items": {"$id": "http://10.0.0.1/"}}, "/items/$id"),
        ({"$dynamicRef": "#a"}, "/$dynamicRef"),
        ({"$dynamicAnchor": "a"}, "/$dynamicAnchor"),
        ({"$recursiveRef": "#"}, "/$recursiveRef"),
        ({"$vocabulary": {}}, "/$vocabulary"),
        ({"allOf": [{"$anchor": "a"}, {"$anchor": "a"}]}, "/allOf/1/$anchor"),
        ({"dependencies": {}}, "/dependencies"),
        ({"items": [True]}, "/items"),
        ({"properties": {"a": 1}}, "/properties/a"),
        ({"properties": []}, "/properties"),
        ({"type": "text"}, "/type"),
        ({"type": []}, "/type"),
        ({"enum": []}, "/enum"),
        ({"required": ["a", "a"]}, "/required"),
        ({"dependentRequired": {"a": "b"}}, "/dependentRequired/a"),
        ({"minLength": -1}, "/minLength"),
        ({"minLength": 1.5}, "/minLength"),
        ({"minimum": "1"}, "/minimum"),
        ({"minimum": True}, "/minimum"),
        ({"multipleOf": 0}, "/multipleOf"),
        ({"uniqueItems": 1}, "/uniqueItems"),
        ({"anyOf": []}, "/anyOf"),
        ({"contains": True, "maxContains": "x"}, "/maxContains"),
        ({"pattern": 1}, "/pattern"),
        ({"pattern": "("}, "/pattern"),
        ({"pattern": "(?=a)"}, "/pattern"),
        ({"pattern": "(a)\\1"}, "/pattern"),
        ({"pattern": "(a{1000}){1000}"}, "/pattern"),
        ({"patternProperties": {"(?!a)b": True}}, "/patternProperties/(?!a)b"),
        (1, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_it_refuses_what_it_cannot_do_safely_and_says_where(schema: Any, pointer: str) -> None:
    found = refused(schema)
    assert pointer in [place for place, _ in found]
    assert all(detail for _, detail in found)


def _nested(depth: int) -> Any:
    schema: Any = True
    for _ in range(depth):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}]},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
        {"$defs": {"unused": {"if": {"$ref": "#/$defs/unused"}}}},
        {"dependentSchemas": {"a": {"$ref": "#"}}},
    ],
)
def test_it_refuses_a_reference_that_never_goes_down_into_the_value(schema: Any) -> None:
    assert "never end" in refused(schema)[0][1]


def test_it_refuses_a_schema_that_is_too_large_too_deep_or_too_long_a_chain() -> None:
    assert "bytes" in refused({"description": "x" * LIMIT})[0][1]
    assert "subschemas" in refused({"allOf": [{}] * MAX_NODES})[0][1]
    assert "levels" in refused(_nested(70))[0][1]
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(MAX_CHAIN + 1)}
    assert "chain" in refused({"$defs": {**chain, f"d{MAX_CHAIN + 1}": True}, "$ref": "#/$defs/d0"})[0][1]


def test_regular_expressions_are_limited_in_number_and_in_size_together() -> None:
    many = {"allOf": [{"pattern": f"^a{n}$"} for n in range(MAX_PATTERNS + 1)]}
    assert refused(many)[0][0] == f"/allOf/{MAX_PATTERNS}/pattern"
    large = {"allOf": [{"pattern": f"^\\p{{L}}{n}$"} for n in range(20)]}
    assert "too large together" in refused(large)[0][1]
    assert holds({"allOf": [{"pattern": "^a"}] * 1000}, "a")


def test_a_schema_nested_too_deeply_for_the_interpreter_is_refused() -> None:
    schema: Any = {}
    for _ in range(100_000):
        schema = {"not": schema}
    with pytest.raises(UnsafeSchema):
        compile_schema(schema, max_bytes=10**9)


def test_a_hostile_schema_is_not_repeated_at_length() -> None:
    found = refused({"allOf": [{"type": 1}] * 5000})
    assert len(found) <= 20


# --- attacks with a value, or with both. The budget ends each of them; without it they take from seconds to for ever.

BIG = list(range(60_000))
AB = "".join(random.Random(1).choices("ab", k=250_000))


def _doubling(keyword: str, width: int, depth: int) -> Any:
    defs: dict[str, Any] = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * width} for n in range(depth)}
    return {"$defs": {**defs, f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


_TREE = {
    "$ref": "#/$defs/t",
    "$defs": {"t": {"properties": {"a": {"anyOf": [{"allOf": [{"$ref": "#/$defs/t"}, False]}] * 2}}}},
}
_DEEP: Any = 1
for _ in range(60):
    _DEEP = {"a": _DEEP}

ATTACKS: dict[str, tuple[Any, Any]] = {
    "branches that double": (_doubling("anyOf", 4, 12), 1),
    "branches that double with the depth of the value": (_TREE, _DEEP),
    "the same large array compared again and again": ({"allOf": [{"uniqueItems": True}] * 2000}, BIG),
    "a large array looked for in an enum": ({"allOf": [{"enum": [[1]]}] * 2000}, BIG),
    "many names for each of many objects": (
        {"items": {"not": {"required": [f"n{n}" for n in range(5000)]}}}, [{}] * 60_000,
    ),
    "many expressions for each of many names": (
        {"patternProperties": {f"^(a|b)*x{n}$": True for n in range(100)}}, {f"ab{n}": 1 for n in range(20_000)},
    ),
    "an expression that is large and a text that is long": ({"pattern": "a[ab]{900}c"}, AB),
    "an expression of many states": ({"allOf": [{"pattern": "a[ab]{900}c"}] * 1000}, AB[:20_000]),
    "what is evaluated, asked again on each level": (
        {
            "unevaluatedProperties": False,
            "anyOf": [{"anyOf": [{"anyOf": [{"properties": {"a": True}}] * 10}] * 10}] * 10,
        },
        {f"p{n}": 1 for n in range(3000)},
    ),
    "arrays in arrays in arrays": (
        {"contains": {"contains": {"contains": {"allOf": [{"const": 1}] * 5}}}}, [[[0] * 40] * 40] * 40,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_the_budget_ends_what_would_take_too_long(name: str) -> None:
    schema, value = ATTACKS[name]
    with pytest.raises(TooCostly):
        compiled(schema).faults(value, STEPS)


def test_an_expression_that_makes_others_backtrack_is_quick() -> None:
    assert not holds({"pattern": "^(a+)+$"}, "a" * 100_000 + "!")
    assert not holds({"pattern": "^([a-z]+.)+[A-Z]([a-z])+$"}, "a" * 100_000)


def test_numbers_that_collide_as_hashes_do_not_collide_here() -> None:
    assert holds({"uniqueItems": True}, [n * (2**61 - 1) for n in range(1, 3000)])


def test_numbers_of_many_digits_and_large_exponents_cost_nothing() -> None:
    assert holds({"multipleOf": 0.01}, b"1E999999999")
    assert not holds({"multipleOf": 7}, b"1E999999999")
    assert holds({"minimum": 5, "type": "integer"}, b"1E999999999")
    with pytest.raises(jsonvalues.Unreadable):
        jsonvalues.read(b"1" * 1001)
    with pytest.raises(jsonvalues.Unreadable):
        jsonvalues.read(b"1E99999999999999999999")


def test_a_sound_check_of_a_large_event_is_well_within_the_budget() -> None:
    item = {"sku": "ABC-1", "qty": 2, "price": Decimal("19.99")}
    schema = compiled(
        {
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["sku", "qty"],
                        "properties": {
                            "sku": {"type": "string", "pattern": "^[A-Z0-9-]+$"},
                            "qty": {"type": "integer", "minimum": 1},
                            "price": {"type": "number", "multipleOf": 0.01},
                        },
                        "additionalProperties": False,
                    },
                }
            },
        }
    )
    found, left = schema.faults({"items": [item] * 5000}, STEPS)
    assert (found, left > STEPS // 3) == ([], True)
