"""From the bytes of a request to drafts: the data verbatim, every fault with a pointer, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from webhooks.errors import FieldError, InvalidInput, Malformed, TooLarge
from webhooks.services.ingest import Draft
from webhooks.services.ingest_json import MAX_METADATA_BYTES, check_data, parse_batch, parse_event


def event(data: bytes = b"{}", **fields: Any) -> bytes:
    head = json.dumps({"type": "order.created"} | fields).encode()
    return head[:-1] + b',"data":' + data + b"}"


def faults(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        parse_event(raw)
    return [(error.pointer, error.detail) for error in caught.value.errors]


DATA = [
    b'{"b":1,"a":2}', b'{ "a" :\t1.0 }', b"[1E5,-0,1e400,12345678901234567890.10]", b"9" * 5000, b'{"a":1,"a":2}',
    b'"\\u0041\\u0000\\ud83d\\ude00\\/"', '"é😀\u2028"'.encode(), b"null", b"[]", b"5", b'""', b"[\n]",
]  # fmt: skip


@pytest.mark.parametrize("data", DATA)
def test_the_data_is_cut_out_as_it_stands(data: bytes) -> None:
    assert parse_event(event(data)).data == data
    assert parse_event(b' {"data" : ' + data + b' , "type":"a"}\n').data == data
    (draft,) = parse_batch(b'{"events": [' + event(data) + b"]}")
    assert isinstance(draft, Draft)
    assert draft.data == data
    assert check_data(data) == data


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        st.lists,
    )
)
def test_any_json_value_is_data(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        assert parse_event(event(data)).data == data
    except InvalidInput as error:
        assert "surrogate" in error.errors[0].detail  # noqa: PT017


def test_a_full_event() -> None:
    draft = parse_event(
        event(
            b"1", id="ord_1-A", version="v2.1", created_at="2025-09-10T17:30:45.5+02:00", metadata={"a": {"b": 1}},
            channels=["eu", "a:b/c.d-e_f"],
        ),
        correlation_id="req-1",
    )  # fmt: skip
    assert draft == Draft(
        type="order.created", data=b"1", key="ord_1-A", version="v2.1",
        created_at=datetime(2025, 9, 10, 15, 30, 45, 500_000, tzinfo=UTC), metadata={"a": {"b": 1}},
        channels=["eu", "a:b/c.d-e_f"], correlation_id="req-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "expected"), [("c-7", "c-7"), ("a b", "req"), ("", "req"), (5, "req"), ("x" * 129, "req"), ("é", "req")]
)
def test_the_correlation_id_may_come_from_the_metadata(own: Any, expected: str) -> None:
    assert parse_event(event(metadata={"correlation_id": own}), correlation_id="req").correlation_id == expected


@pytest.mark.parametrize(
    ("raw", "pointer", "word"),
    [
        (event(type="order..created"), "/type", "segments"),
        (event(type="order.*"), "/type", "segments"),
        (event(type="order.created\n"), "/type", "segments"),
        (event(type=""), "/type", "segments"),
        (event(type="a" * 129), "/type", "at most 128"),
        (event(type=5), "/type", "Expected str"),
        (event(id=""), "/id", "1 to 128"),
        (event(id="a b"), "/id", "1 to 128"),
        (event(id="a\n"), "/id", "1 to 128"),
        (event(id="é"), "/id", "1 to 128"),
        (event(id="x" * 129), "/id", "1 to 128"),
        (event(id=5), "/id", "Expected"),
        (event(version=""), "/version", "1 to 32"),
        (event(version="v" * 33), "/version", "1 to 32"),
        (event(created_at="2025-09-10T15:30:45"), "/created_at", "time zone"),
        (event(created_at="yesterday"), "/created_at", "Invalid"),
        (event(created_at="0001-01-01T00:00:00+05:00"), "/created_at", ""),
        (event(created_at="9999-12-31T23:59:59-05:00"), "/created_at", ""),
        (event(channels=["ok", "a,b"]), "/channels/1", "1 to 128"),
        (event(channels=["ok", ""]), "/channels/1", "1 to 128"),
        (event(channels=[5]), "/channels/0", "Expected str"),
        (event(channels=["c"] * 21), "/channels", "at most 20"),
        (event(channels="eu"), "/channels", "Expected array"),
        (event(metadata=[]), "/metadata", "Expected object"),
        (event(metadata={"a": "x" * MAX_METADATA_BYTES}), "/metadata", "at most"),
        (event(metadata={"a": "\0"}), "/metadata", "U+0000"),
        (event(metadata={"\0": 1}), "/metadata", "U+0000"),
        (b'{"type":"a","data":1,"metadata":{"n":1e400}}', "/metadata", ""),
        (b'{"type":"a","data":1,"metadata":{"n":' + b"9" * 5000 + b"}}", "/metadata", ""),
        (event(extra=1), "/extra", "not a known field"),
        (b'{"type":"a"}', "/data", "required"),
        (b'{"data":1}', "/type", "required"),
        (b"[]", "", "Expected object"),
        (b"null", "", "Expected object"),
        (b"5", "", "Expected object"),
        (event(b'{"a":"\xff"}'), "/data/a", "UTF-8"),
        (event(b'{"a":"\\ud800"}'), "/data/a", "surrogate"),
        (event(metadata={"a": "\ud800"}), "/metadata/a", "surrogate"),
        (event(b"[" * 65 + b"]" * 65), "/data" + "/0" * 64, "nested"),
        (event(b'{"a":NaN}'), "/data/a", "NaN"),
        (event(b"[-Infinity]"), "/data/0", "-Infinity"),
    ],
)
def test_a_fault_has_a_pointer(raw: bytes, pointer: str, word: str) -> None:
    found = faults(raw)
    assert len(found) == 1
    assert found[0][0].startswith(pointer)
    assert word in found[0][1]
    assert found[0][1]


def test_all_faults_of_an_event_are_told_at_once() -> None:
    found = faults(event(type="a b", id="", version="", channels=[""], created_at="2025-09-10T15:30:45"))
    assert [pointer for pointer, _ in found] == ["/type", "/id", "/version", "/created_at", "/channels/0"]


def test_metadata_may_hold_the_text_of_an_escape() -> None:
    metadata = {"pattern": "\\u0000", "path": "C:\\users\\u0000"}
    assert parse_event(event(metadata=metadata)).metadata == metadata


def test_the_depth_of_data_is_64() -> None:
    deep = b"[" * 64 + b"]" * 64
    assert parse_event(event(deep)).data == deep
    (draft,) = parse_batch(b'{"events":[' + event(deep) + b"]}")
    assert isinstance(draft, Draft)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"type":"a","data":', event(b'{"a":}'), event(b"01"), event() + b"x", b"\xef\xbb\xbf" + event(),
     event(b"tru"), event(b'"a\tb"'), b"type=a&data=1"],
)  # fmt: skip
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse_event(raw)
    assert caught.value.errors[0].detail


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(InvalidInput):
        parse_event(event().decode().encode(encoding))


def test_the_size_of_an_event_is_bounded(settings: Settings) -> None:
    settings.WEBHOOKS_MAX_EVENT_BYTES = 100
    exact = event(b'"' + b"x" * (100 - len(event(b'""'))) + b'"')
    assert len(exact) == 100
    parse_event(exact)
    with pytest.raises(TooLarge, match="at most 100 bytes, this one has 101"):
        parse_event(exact + b" ")
    (draft, errors) = parse_batch(b'{"events":[' + exact + b"," + event(b'"' + b"x" * 100 + b'"') + b"]}")
    assert isinstance(draft, Draft)
    assert isinstance(errors, list)
    assert "at most 100 bytes" in errors[0].detail


def test_the_faults_of_a_batch_stand_beside_its_good_events() -> None:
    items = [
        event(b"1"),
        event(type="a b"),
        b"5",
        event(created_at="0001-01-01T00:00:00+05:00"),
        event(b"2"),
        event(b"[" * 70 + b"]" * 70),
    ]
    parsed = parse_batch(b'{"events":[' + b",".join(items) + b"]}")
    assert [isinstance(item, Draft) for item in parsed] == [True, False, False, False, True, False]
    pointers = [[error.pointer for error in item] for item in parsed if isinstance(item, list)]
    assert pointers == [["/type"], [""], ["/created_at"], ["/data" + "/0" * 64]]


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b"{}", "/events"), (b'{"events":[]}', "/events"), (b'{"events":5}', "/events"), (b"[]", ""),
        (b'{"events":[],"more":1}', "/more"), (b'{"events":["\xff"]}', "/events/0"), (b'{"events":[NaN]}', "/events/0"),
        (b'{"events":[1,"\\ud800"]}', "/events/1"),
        (b'{"events":' + b"[" * 100_000, "/events"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_read_has_a_pointer(raw: bytes, pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_batch(raw)
    assert caught.value.errors[0].pointer.startswith(pointer)


def test_the_size_of_a_batch_is_bounded(settings: Settings) -> None:
    settings.WEBHOOKS_MAX_BATCH_EVENTS = 3
    assert len(parse_batch(b'{"events":[' + b",".join([event()] * 3) + b"]}")) == 3
    with pytest.raises(InvalidInput, match="at most 3 events, this batch has 4"):
        parse_batch(b'{"events":[' + b",".join([event()] * 4) + b"]}")
    settings.WEBHOOKS_MAX_BATCH_BYTES = 50
    with pytest.raises(TooLarge):
        parse_batch(b'{"events":[' + b",".join([event()] * 3) + b"]}")


@pytest.mark.parametrize("raw", [b"1,2", b'1,"type":"evil"', b"1}", b"", b" ", b"{", b"nul", b"\xff", b"NaN"])
def test_data_must_be_one_json_value(raw: bytes) -> None:
    """Attack: bytes of data that end the object they are put into and add members of their own."""
    with pytest.raises(InvalidInput):
        check_data(raw)


@given(st.binary(max_size=80) | st.text('{}[]",:\\\x00abdtyper1.e u8', max_size=80).map(str.encode))
def test_any_bytes_are_an_event_or_a_fault(raw: bytes) -> None:
    for parse in (parse_event, parse_batch):
        for fault in what_is_wrong(parse, raw):
            assert isinstance(fault, FieldError)
            assert fault.detail


def what_is_wrong(parse: Callable[[bytes], Any], raw: bytes) -> list[FieldError]:
    try:
        parse(raw)
    except InvalidInput as error:
        return error.errors
    return []


BLANK = st.text(" \t\n\r", max_size=3)
DATA_TEXT = st.recursive(
    st.sampled_from(["0", "-0", "1E5", "1e400", '"a"', '"\\u0000"', '"\\"data\\":1"', "null", "9" * 30, '"é"', '"x" ']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(['"data"', '"type"', '"a"', '"\\u0064ata"']), inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{name} : {value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=12,
)


@given(
    DATA_TEXT,
    st.permutations(["data", "type", "id", "metadata", "channels"]),
    st.lists(BLANK, min_size=8, max_size=8),
    st.sampled_from([None, "data", "type", "id", "metadata"]),
)
def test_the_span_of_data_is_exact_wherever_it_stands(
    data: str, order: list[str], blanks: list[str], twice: str | None
) -> None:
    """Blanks belong to the envelope, everything else to the data, and no member of the envelope stands there twice."""
    values = {
        "data": data.strip(),
        "type": '"a.b"',
        "id": '"x-1"',
        "metadata": '{"a":{"data":1}}',
        "channels": '["eu"]',
    }
    names = [*order, twice] if twice else order
    members = [f'{blanks[0]}"{name}"{blanks[1]}:{blanks[2]}{values[name]}{blanks[3]}' for name in names]
    raw = f"{blanks[4]}{{{','.join(members)}}}{blanks[5]}".encode()
    if twice is None:
        assert parse_event(raw).data == data.strip().encode()
    else:
        assert ("/" + twice, "is there twice") in faults(raw)


@given(st.binary(max_size=120) | st.text('{}[]:,"\\ typedaevnsu0', max_size=120).map(str.encode))
def test_bytes_of_any_kind_are_an_event_or_a_fault(raw: bytes) -> None:
    for parse in (parse_event, parse_batch):
        try:
            parse(raw)
        except InvalidInput as error:
            assert error.errors[0].detail  # noqa: PT017
