"""CloudEvents over HTTP in each mode, and the handshake before them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from webhooks.core.inbound import MAX_MESSAGES, Described, Recipe, Request, cloudevents, read

EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.paid", "data": {"n": 1}}


def found(headers: dict[str, str], body: bytes, content_type: str = "application/json") -> list[Described]:
    return read("none", Recipe(), Request(list(headers.items()), body, content_type=content_type))


def test_a_structured_event_gives_its_data_as_it_came() -> None:
    body = (
        b'{"specversion":"1.0","id":"1","source":"/shop","type":"a.b","data":  {"n": 1.10},'
        b'"time":"2026-01-02T03:04:05Z"}'
    )
    (event,) = found({}, body, "application/CloudEvents+json; charset=utf-8")
    assert (event.type, event.key, event.data.strip()) == ("a.b", "/shop#1", b'{"n": 1.10}')
    assert event.at is not None
    assert (event.at.isoformat(), event.faults) == ("2026-01-02T03:04:05+00:00", ())


def test_a_binary_event_has_its_attributes_in_headers_decoded_once() -> None:
    headers = {
        "Ce-Specversion": "1.0", "Ce-Id": "%2541", "Ce-Source": "Euro%20%E2%82%AC%20%F0%9F%98%80",
        "Ce-Type": '"a.\\"b"',
    }  # fmt: skip
    (event,) = found(headers, b"any bytes", "text/plain")
    assert (event.key, event.type, event.data) == ("Euro € 😀#%41", 'a."b', b"any bytes")


@pytest.mark.parametrize("value", ["%C0%A0", "%FF", "%ED%A0%80"])
def test_headers_that_are_no_utf8_are_a_fault(value: str) -> None:
    (event,) = found({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": value}, b"")
    assert any("UTF-8" in fault.detail for fault in event.faults)


def test_a_batch_is_split_and_each_event_keeps_its_bytes() -> None:
    raw = json.dumps([EVENT, EVENT | {"id": "2", "data": [1.0]}]).encode()
    one, two = found({}, raw, "application/cloudevents-batch+json")
    assert (one.key, two.key, two.data.strip()) == ("/shop#1", "/shop#2", b"[1.0]")
    assert one.content_type == "application/cloudevents+json"
    assert one.body.strip() in raw
    assert found({}, b"[]", "application/cloudevents-batch+json") == []


@pytest.mark.parametrize("body", [b"{}", b"[", b"", b"[" + b"{}," * MAX_MESSAGES + b"{}]"])
def test_a_batch_that_is_none_is_one_message_with_a_fault(body: bytes) -> None:
    (event,) = found({}, body, "application/cloudevents-batch+json")
    assert event.faults


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": ""}, "/id"),
        ({"source": None}, "/source"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"type": {}}, "/type"),
        ({"data_base64": "eA=="}, "/data_base64"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, Any], pointer: str) -> None:
    (event,) = found({}, json.dumps(EVENT | change).encode(), "application/cloudevents+json")
    assert pointer in [fault.pointer for fault in event.faults]


def test_a_content_type_in_binary_mode_stands_in_its_own_header() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": "x"}
    (event,) = found(headers | {"ce-datacontenttype": "text/plain"}, b"")
    assert event.faults


@pytest.mark.parametrize(
    ("asked", "rate", "granted"),
    [({}, None, "*"), ({"WebHook-Request-Rate": "120"}, None, "120"), ({"WebHook-Request-Rate": "120"}, 60, "60"),
     ({"WebHook-Request-Rate": "-1"}, 60, "60"), ({"WebHook-Request-Rate": "1e3"}, None, "*")],
)  # fmt: skip
def test_consent_names_the_origin_and_the_lower_rate(asked: dict[str, str], rate: int | None, granted: str) -> None:
    answer = cloudevents.consent({"WebHook-Request-Origin": "events.example.com", **asked}, rate)
    assert answer == {"WebHook-Allowed-Origin": "events.example.com", "WebHook-Allowed-Rate": granted}


@pytest.mark.parametrize("origin", ["", "a b", "x\r\nSet-Cookie: a", "é", "-", "a" * 300, "https://x/"])
def test_what_is_no_dns_name_gets_no_consent(origin: str) -> None:
    """Attack: a header of the request that comes back makes another header of the answer."""
    assert cloudevents.consent({"WebHook-Request-Origin": origin}, None) is None
