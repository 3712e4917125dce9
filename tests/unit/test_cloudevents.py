"""CloudEvents as the official SDK reads them, and the bytes of data as they were published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import cloudevents

DATA = '{"price":12345678901234567890.10,"n":1E5,"ä":"\\u00e4"}'.encode()
NOW = datetime(2026, 11, 27, 8, 0, 0, 250_000, UTC)
GIVEN: dict[str, Any] = {
    "public_id": "evt_1", "event_type": "order.created", "created_at": NOW, "version": "v2",
    "source": "https://clarion.example/tenants/ten_1",
    "data_schema": "https://clarion.example/api/event-types/order.created?version=v2",
    "metadata": {"subject": "order 7", "traceparent": "00-ab-cd-01", "vip": True, "shard": 7},
    "correlation_id": "c-1", "tenant_id": "ten_1",
}  # fmt: skip
EXPECTED = {
    "specversion": "1.0", "id": "evt_1", "source": "https://clarion.example/tenants/ten_1", "type": "order.created",
    "time": NOW, "dataschema": "https://clarion.example/api/event-types/order.created?version=v2",
    "correlationid": "c-1", "tenantid": "ten_1", "dataversion": "v2", "subject": "order 7",
    "traceparent": "00-ab-cd-01",
}  # fmt: skip


def attributes(**changed: Any) -> cloudevents.Attributes:
    return cloudevents.attributes(**GIVEN | changed)


def test_the_structured_form_is_read_by_the_sdk_and_holds_the_bytes_of_data() -> None:
    body = cloudevents.structured(attributes(), DATA)

    event = from_http_event(HTTPMessage({"content-type": cloudevents.STRUCTURED}, body))
    assert event.get_attributes() == EXPECTED | {"vip": True, "shard": 7, "datacontenttype": "application/json"}
    assert event.get_data() == json.loads(DATA)
    assert body.endswith(b',"data":' + DATA + b"}")


def test_the_binary_form_is_read_by_the_sdk() -> None:
    headers = cloudevents.headers(attributes()) | {"Content-Type": "application/vnd.shop.v2+json"}

    event = from_http_event(HTTPMessage(headers, DATA))
    expected = EXPECTED | {"vip": "true", "shard": "7", "datacontenttype": "application/vnd.shop.v2+json"}
    assert event.get_attributes() == expected
    assert "ce-datacontenttype" not in headers


def test_a_batch_is_an_array_of_the_same() -> None:
    one = cloudevents.structured(attributes(), DATA)

    assert cloudevents.batch([one, one]) == b"[" + one + b"," + one + b"]"
    assert cloudevents.batch([]) == b"[]"


def test_header_values_are_encoded_as_the_specification_shows() -> None:
    """The vector of the HTTP binding, section 3.1.3.2."""
    headers = cloudevents.headers({"subject": "Euro € 😀", "quoted": '100% "x"'})

    assert headers == {"ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80", "ce-quoted": "100%25%20%22x%22"}


@given(st.text(min_size=1, max_size=50))
def test_whatever_text_is_in_the_metadata_arrives_or_is_left_out(text: str) -> None:
    made = attributes(metadata={"subject": text})
    headers = cloudevents.headers(made)

    assert all(value.isascii() and value.isprintable() and " " not in value for value in headers.values())
    event = from_http_event(HTTPMessage(headers | {"content-type": "application/json"}, b"1"))
    if "subject" in made:
        assert event.get_attributes()["subject"] == text
        structured = cloudevents.structured(made, b"1")
        read = from_http_event(HTTPMessage({"content-type": cloudevents.STRUCTURED}, structured))
        assert read.get_attributes()["subject"] == text


@pytest.mark.parametrize(
    "metadata",
    [
        {"id": "evil"}, {"source": "web"}, {"data": "x"}, {"data_base64": "eA=="}, {"tenantid": "ten_2"},
        {"Upper": "x"}, {"with-dash": "x"}, {"": "x"}, {"a" * 21: "x"}, {"float": 1.5}, {"nothing": None},
        {"list": [1]}, {"object": {}}, {"large": 2**31}, {"subject": ""}, {"subject": "a\r\nEvil: 1"},
        {"subject": "\ud800"}, {"subject": "\uffff"}, {"subject": "x" * 1025},
    ],
    ids=range(19),
)  # fmt: skip
def test_metadata_that_cloudevents_does_not_allow_is_left_out_and_replaces_nothing(metadata: dict[str, Any]) -> None:
    """Attack: metadata that takes the place of an attribute, or begins a header of its own."""
    assert attributes(metadata=metadata) == attributes(metadata={})


def test_what_is_not_known_is_absent() -> None:
    made = attributes(data_schema="", correlation_id="", metadata={})

    assert list(made) == ["specversion", "id", "source", "type", "time", "tenantid", "dataversion"]
