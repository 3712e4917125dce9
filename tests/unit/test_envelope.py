"""The body of a delivery holds the publisher's bytes as they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import envelope

MOMENT = datetime(2025, 9, 10, 15, 30, 45, tzinfo=UTC)


def build(data: bytes = b"{}", **fields: Any) -> bytes:
    values: dict[str, Any] = {
        "public_id": "evt_1", "event_type": "order.created", "created_at": MOMENT, "version": "v2",
        "metadata": {"source": "web"}, "correlation_id": "c-1", "tenant_id": "ten_1", "tenant_metadata": {},
    }  # fmt: skip
    return envelope.build(data=data, **values | fields)


def test_it_is_the_documented_payload() -> None:
    assert build(b'{"n":1}') == (
        b'{"id":"evt_1","type":"order.created","created_at":"2025-09-10T15:30:45Z","version":"v2","data":{"n":1},'
        b'"metadata":{"source":"web","correlation_id":"c-1","tenant_id":"ten_1"}}'
    )


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{ "a" :\t1.0 }',
        b"[1E5,-0,1e400,12345678901234567890.10,0.10]",
        b"9" * 5000,
        b'{"a":1,"a":2}',
        b'"\\u0041\\u0000\\ud83d\\ude00\\/"',
        '"é😀\u2028"'.encode(),
        b"null",
        b'"</script>"',
        b"\n[]\n",
    ],
)
def test_the_data_bytes_are_kept_verbatim(data: bytes) -> None:
    body = build(data)
    before, after = build(b"@@").split(b"@@")
    assert body == before + data + after


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_the_envelope_is_json_in_utf_8(data: Any) -> None:
    body = build(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"), metadata={"é": "\u2028\0"})
    decoded = json.loads(body)
    assert list(decoded) == ["id", "type", "created_at", "version", "data", "metadata"]
    assert decoded["metadata"]["é"] == "\u2028\0"


def test_tenant_metadata_is_merged_under_tenant() -> None:
    metadata = json.loads(build(tenant_metadata={"plan": "pro"}))["metadata"]
    assert metadata == {"source": "web", "correlation_id": "c-1", "tenant_id": "ten_1", "tenant": {"plan": "pro"}}


def test_a_publisher_cannot_pass_for_another_tenant() -> None:
    """Attack: metadata of the event names a tenant, a receiver believes it."""
    metadata = json.loads(
        build(
            metadata={"tenant_id": "ten_other", "tenant": {"plan": "x"}, "correlation_id": "x"},
            tenant_metadata={"plan": "pro"},
        )
    )["metadata"]
    assert metadata == {"tenant_id": "ten_1", "tenant": {"plan": "pro"}, "correlation_id": "c-1"}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2025-09-10T15:30:45Z"),
        (MOMENT.replace(microsecond=344522), "2025-09-10T15:30:45.344522Z"),
        (MOMENT.replace(microsecond=500_000), "2025-09-10T15:30:45.500000Z"),
        (datetime(2025, 9, 10, 17, 30, 45, tzinfo=timezone(timedelta(hours=2))), "2025-09-10T15:30:45Z"),
    ],
)
def test_a_timestamp_is_rfc_3339_in_utc(moment: datetime, text: str) -> None:
    assert envelope.timestamp(moment) == text
