"""JSON as text: what is refused, where the fault is, and that hostile text costs little."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import jsontext

DEPTH = 64


def fault(raw: bytes) -> jsontext.JSONFault:
    with pytest.raises(jsontext.JSONFault) as caught:
        jsontext.check(raw, max_depth=DEPTH)
    return caught.value


@pytest.mark.parametrize(
    "raw",
    [
        b'{"b":1,"a":2}', b"[1.0,1E5,-0,1e400,12345678901234567890.10]", b"9" * 5000, b'{"a":1,"a":2}',
        b'"\\u0000"', b'"\\ud83d\\ude00"', b'"\\\\ud800"', b'"\\\\\\ud83d\\ude00"', '"é😀\u2028"'.encode(), b"null",
        b"[" * DEPTH + b"]" * DEPTH, b'"' + b"[" * 500 + b'"', b'["' + b"{" * 500 + b'","\\"' + b"[" * 500 + b'"]',
        b"[" + b"[]," * 500 + b"[]]",
    ],
)  # fmt: skip
def test_it_lets_pass(raw: bytes) -> None:
    json.loads(raw, parse_int=str)
    jsontext.check(raw, max_depth=DEPTH)


@pytest.mark.parametrize(
    ("raw", "pointer", "word"),
    [
        (b'{"a":"\xff"}', "/a", "invalid UTF-8 at byte 6"),
        (b'{"a":[1,"\xc3"]}', "/a/1", "invalid UTF-8 at byte 9"),
        (b"\xff\xfe{\x00}\x00", "", "invalid UTF-8 at byte 0"),
        (b'{"a":{"b/c~d":["x","\\ud800"]}}', "/a/b~1c~0d/1", "lone surrogate"),
        (b'{"a":"\\udc00"}', "/a", "lone surrogate"),
        (b'{"a":"\\ud800\\ud800\\udc00"}', "/a", "lone surrogate"),
        (b'{"a":"\\ud800x\\udc00"}', "/a", "lone surrogate"),
        (b'{"a":"\\ud800","b":"\\udc00"}', "/a", "lone surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "/a", "lone surrogate"),
        (b'{"a":"\\uD800"}', "/a", "lone surrogate"),
        (b'{"a":"\\\\\\ud800"}', "/a", "lone surrogate"),
        (b'{"\\udfff":1}', "", "lone surrogate"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "/0" * DEPTH, "nested deeper than 64 levels"),
        (b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1), "/a" * DEPTH, "nested deeper"),
        (b'["\\"",' + b"[" * 99, "/1" + "/0" * (DEPTH - 1), "nested deeper"),
        (b'["\\\\",' + b"[" * 99, "/1" + "/0" * (DEPTH - 1), "nested deeper"),
        (b'{"x":"' + b"[" * 99 + b'","deep":' + b"[" * 99, "/deep" + "/0" * (DEPTH - 1), "nested deeper"),
    ],
)
def test_it_refuses_and_says_where(raw: bytes, pointer: str, word: str) -> None:
    found = fault(raw)
    assert word in found.detail
    assert found.pointer == pointer
    assert not found.syntax


def test_a_hundred_thousand_levels_are_refused_like_sixty_five() -> None:
    assert "nested deeper" in fault(b"[" * 100_000).detail
    assert "nested deeper" in fault(b'{"a":' * 100_000).detail


def explained(raw: bytes) -> jsontext.JSONFault:
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(raw)
    return jsontext.explain(raw, str(caught.value))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_the_literals_that_are_no_json_are_named(literal: str) -> None:
    for raw, pointer in ((f'{{"a":[1,{literal}]}}', "/a/1"), (f'{{"a":{literal}}}', "/a"), (literal, "")):
        found = explained(raw.encode())
        assert found.detail == f"{literal} is not JSON; use null or a string"
        assert found.pointer == pointer
        assert not found.syntax


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b"", ""), (b"{", ""), (b'{"a":', "/a"), (b'{"a":[1,', "/a/1"), (b'{"a":[1,"x', "/a/1"), (b"[1,2,]", "/2"),
        (b'{"a":01}', "/a"), (b'{"a":{"b":.5}}', "/a/b"), (b"{'a':1}", ""),
        (b"\xef\xbb\xbf{}", ""), (b"1 2", ""), (b'{"a":"\t"}', "/a"),
    ],
)  # fmt: skip
def test_malformed_text_is_explained_with_a_pointer(raw: bytes, pointer: str) -> None:
    found = explained(raw)
    assert found.syntax
    assert found.pointer == pointer
    assert found.detail


KEYS = st.text('ab/~0é"\\', max_size=3)
VALUES = st.recursive(
    st.just(7) | st.just("s[{:,"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS.filter(bool), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def leaves(value: Any, pointer: str = "") -> list[str]:
    """The JSON Pointers of all leaves, in the order of the text."""
    if isinstance(value, list):
        return [found for n, item in enumerate(value) for found in leaves(item, f"{pointer}/{n}")]
    if isinstance(value, dict):
        return [
            found
            for key, item in value.items()
            for found in leaves(
                item, f"{pointer}/" + json.dumps(key, ensure_ascii=False)[1:-1].replace("~", "~0").replace("/", "~1")
            )
        ]
    return [pointer]


@given(VALUES, st.randoms(use_true_random=False), st.sampled_from([None, 1]))
def test_the_pointer_of_any_leaf(value: Any, draw: random.Random, indent: int | None) -> None:
    pointers = leaves(value)
    chosen = draw.randrange(len(pointers))
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    parts = text.replace('"s[{:,"', "7").split("7")
    position = len("7".join(parts[: chosen + 1]).encode())
    assert jsontext.pointer_at("7".join(parts).encode(), position) == pointers[chosen]


@given(st.binary(max_size=60) | st.text('[]{}":,\\u d8', max_size=60).map(str.encode))
def test_nothing_makes_it_raise_anything_else(raw: bytes) -> None:
    for position in (0, len(raw) // 2, len(raw)):
        assert isinstance(jsontext.pointer_at(raw, position), str)
    found = first_fault(raw, 3)
    assert found is None or found.detail


def first_fault(raw: bytes, max_depth: int) -> jsontext.JSONFault | None:
    try:
        jsontext.check(raw, max_depth=max_depth)
        msgspec.json.decode(raw, type=msgspec.Raw)
    except jsontext.JSONFault as fault:
        return fault
    except msgspec.DecodeError as error:
        return jsontext.explain(raw, str(error))
    return None


def nesting(value: Any) -> int:
    """How deep a JSON value is nested: 0 for a number."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(nesting, inner), default=0)


ANY_TEXT = st.text(st.sampled_from([*'[]{}",:\\\u0000 aué😀'])) | st.text(max_size=5)
ANY_JSON = st.recursive(
    st.integers() | st.booleans() | st.none() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
)


@given(ANY_JSON, st.booleans(), st.integers(0, 6))
def test_the_depth_of_any_json_is_what_a_parser_finds(value: Any, ascii_only: bool, limit: int) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    fault = first_fault(raw, limit)
    assert (fault is not None) == (nesting(value) > limit)
    assert fault is None or "nested" in fault.detail


def lone_surrogate(raw: bytes) -> bool:
    """Whether the JSON text holds one, as Python's own parser sees it."""
    text = json.loads(raw)
    return any("\ud800" <= character <= "\udfff" for character in text)


ESCAPES = [r"\ud83d", r"\uD83D", r"\ude00", r"\uDFFF", r"\udbff", r"\udc00", r"\\", r"\"", r"\u0041", r"\ue000", "u"]


@given(st.lists(st.sampled_from(ESCAPES), max_size=8))
def test_surrogates_are_lone_where_a_parser_says_so(parts: list[str]) -> None:
    raw = f'"{"".join(parts)}"'.encode()
    fault = first_fault(raw, DEPTH)
    assert (fault is not None) == lone_surrogate(raw)
    if fault is not None:
        position = int(fault.detail.split("byte ")[1].split(":")[0])
        assert not lone_surrogate(raw[:position] + b'"')
        assert lone_surrogate(raw[: position + 6] + b'"')


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", [b'\\"', b'"', b"[", b"\\", b'""', b'"a":', b"a ", b"{,"])
def test_hostile_text_is_read_in_linear_time(unit: bytes) -> None:
    """Attack: text on which a regular expression starts over at every byte holds a worker for minutes."""
    for start in (b'{"a":"', b"[" * 100, b"[" * 100 + b'"'):
        raw = start + unit * (131_072 // len(unit))
        jsontext.pointer_at(raw, len(raw))
        with pytest.raises(jsontext.JSONFault):
            jsontext.check(raw + b"[" * 100 + b"\xff", max_depth=DEPTH)
        assert jsontext.explain(raw, "Input data was truncated").syntax
        assert first_fault(raw, DEPTH)


JSON_TEXT = ANY_JSON.map(lambda value: json.dumps(value).encode())
MANGLED = st.builds(
    lambda raw, at, put: raw[: at % (len(raw) + 1)] + put + raw[at % (len(raw) + 1) :],
    JSON_TEXT,
    st.integers(0, 200),
    st.sampled_from(
        [b"", b"[", b"}", b",", b'"', b"\\", b"\xff", b"NaN", b"1e400", b"\x00", b"\xef\xbb\xbf", b"9" * 30, b" "]
    ),
)


def python_takes(raw: bytes) -> bool:
    """Whether Python's own parser takes the text as RFC 8259 means it."""

    def refuse(literal: str) -> Any:
        raise ValueError(literal)

    try:
        value = json.loads(raw.decode(), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()  # fails for a lone surrogate
    except ValueError:
        return False
    return True


@given(MANGLED | st.binary(max_size=40))
def test_three_readers_agree_on_what_is_json(raw: bytes) -> None:
    """Attack: text that the checker takes for one thing and the receiver for another."""
    assert (first_fault(raw, DEPTH) is None) == python_takes(raw)


PAIRS = st.lists(st.tuples(st.sampled_from(["a", "b", "~/", "", "é"]), st.integers(0, 9)), max_size=5)


@given(PAIRS, PAIRS)
def test_a_repeated_name_is_found_where_python_would_lose_it(outer: list[tuple[str, int]], inner: list[Any]) -> None:
    def text(pairs: list[tuple[str, Any]]) -> str:
        return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"

    raw = text([*outer, ("inside", text(inner))]).encode()
    lost = len(dict(outer)) < len(outer) or len(dict(inner)) < len(inner)
    found = jsontext.repeated(raw)
    assert (found is not None) == lost
    lost_outside = len(dict(outer)) < len(outer)
    assert (jsontext.repeated(raw, but="inside") is not None) == lost_outside
    if lost_outside:
        assert found in {jsontext.step(name) for name, _ in outer}
