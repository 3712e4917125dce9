"""``webhooks.receive.events``: envelopes, batches, CloudEvents and data alone."""

from __future__ import annotations

import json

import pytest

from tests.receive.signed import BODY, SECRET, request
from webhooks.receive import MalformedBody, events, verify

BATCH = b'{"batch_id":"bat_1","created_at":"2025-09-10T15:30:46Z","event_count":2,"events":[%b,%b]}' % (
    BODY,
    BODY.replace(b"evt_1", b"evt_2"),
)


def test_an_envelope_is_one_event_with_its_data_as_published() -> None:
    (event,) = events(BODY)
    assert (event.id, event.type, event.version) == ("evt_1", "order.created", "v1")
    assert event.created_at == "2025-09-10T15:30:45Z"
    assert event.data_bytes == b'{"amount":42.10,"name":"\\u00e9"}'
    assert event.data == {"amount": 42.1, "name": "é"}
    assert event.metadata == {"tenant_id": "ten_1"}


def test_a_batch_is_split_and_its_id_is_the_one_to_remember() -> None:
    made = request(["hex"], BATCH, id="bat_1")
    found = verify(made.body, made.headers, SECRET, schemes=["hex"])
    assert (found.id, found.type, found.unsigned) == ("bat_1", "webhook.batch", frozenset())
    assert [event.id for event in found.events()] == ["evt_1", "evt_2"]


def test_cloudevents_are_read_in_both_modes() -> None:
    structured = {"specversion": "1.0", "id": "evt_1", "type": "a.b", "source": "/x", "time": "2025-09-10T15:30:45Z"}
    (event,) = events(json.dumps({**structured, "data": {"n": 1}}).encode())
    assert (event.id, event.type, event.created_at, event.data) == ("evt_1", "a.b", structured["time"], {"n": 1})
    (event,) = events(json.dumps({**structured, "data_base64": "AAH/"}).encode())
    assert event.data_bytes == b"\x00\x01\xff"
    (event,) = events(b"\x00\x01", {"ce-id": "evt_1", "ce-type": "a.b", "ce-time": structured["time"]})
    assert (event.id, event.type, event.created_at, event.data_bytes) == (
        "evt_1",
        "a.b",
        structured["time"],
        b"\x00\x01",
    )


@pytest.mark.parametrize("body", [b'{"id":"card_1","type":"card"}', b'{"id":5}', b"17", b"not json", b""])
def test_data_alone_is_named_by_the_headers(body: bytes) -> None:
    (event,) = events(body, [("webhook-id", "evt_1"), ("X-Webhook-Event", b"order.created")])
    assert (event.id, event.type, event.data_bytes) == ("evt_1", "order.created", body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", b"[" * 100_000, b'{"batch_id":"bat_1","events":[{}]}', b'{"batch_id":"bat_1","events":[1]}',
        b'{"specversion":"1.0","id":"1","type":"a","data_base64":"!"}', b'{"events":[]}',
    ],
    ids=["empty", "no text", "deep", "empty event", "no event", "no base64", "no batch"],
)  # fmt: skip
def test_what_holds_no_event_is_one_error(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        events(body)


def test_data_that_is_not_json_is_one_error() -> None:
    (event,) = events(b"\xff", {"webhook-id": "1", "x-webhook-event": "a"})
    with pytest.raises(MalformedBody):
        _ = event.data
