"""``POST /api/events`` and ``/api/events/batch``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.db import connection

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_key, make_tenant
from webhooks.conf import conf
from webhooks.models import Event, EventKey, EventType, Tenant

EVENT = {"type": "order.created", "data": {"n": 1}}


def test_an_event_is_accepted(api: ApiClient, tenant: Tenant) -> None:
    response = api.post("/api/events", EVENT)
    assert response.status_code == 202
    body = response.json()
    event = Event.objects.get()
    assert body == {
        "id": event.public_id,
        "type": "order.created",
        "created_at": body["created_at"],
        "version": "v1",
        "duplicate": False,
    }
    assert body["created_at"].endswith("Z")
    assert (event.tenant_id, event.origin, event.fanned_out_at) == (tenant.id, "api", None)
    assert api.get(response["Location"]).json()["id"] == body["id"]


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}', b"1.0", b"1E5", b"-0", b"1e400", b"0.10000000000000000000000000000001",
        b'"\\u00e9\\ud83d\\ude00"', '"é😀\u2028"'.encode(), b'"\\u0000"', b"null", b"true", b"[]",
        b'{ "a" :\n[1 , 2] }', b'{"a":1,"a":2}', b'"</script>"',
        b"12345678901234567890123456789012345678901234567890", b"[" * 64 + b"]" * 64,
    ],
)  # fmt: skip
def test_data_comes_back_byte_for_byte(api: ApiClient, data: bytes) -> None:
    made = api.post("/api/events", b'{"type":"a.b","data":%b,"metadata":{}}' % data)
    assert made.status_code == 202, made.content
    assert bytes(Event.objects.get().data) == data
    assert api.get(f"/api/events/{made.json()['id']}").content.endswith(b'"data":%b}' % data)


def test_everything_the_publisher_says_is_kept(api: ApiClient) -> None:
    said = {
        "id": "order-17_a",
        "type": "order.created",
        "version": "v2",
        "created_at": "2025-09-10T15:30:45.123456+02:00",
        "data": [1],
        "metadata": {"source": "web", "correlation_id": "c-1"},
        "channels": ["eu", "vip"],
    }
    answer = api.post("/api/events", said).json()
    assert (answer["id"], answer["version"]) == ("order-17_a", "v2")
    assert answer["created_at"] == "2025-09-10T13:30:45.123456Z"
    shown = api.get("/api/events/order-17_a").json()
    assert {
        name: shown[name] for name in ("id", "type", "version", "metadata", "channels", "data", "correlation_id")
    } == {
        **{name: said[name] for name in ("id", "type", "version", "metadata", "channels", "data")},
        "correlation_id": "c-1",
    }
    assert shown["accepted_at"] > shown["created_at"]
    assert shown["status"] == "accepted"


def test_publishing_rings_for_the_fan_out(api: ApiClient, valkey: redis.Redis) -> None:
    api.post("/api/events", EVENT)
    assert list(valkey.scan_iter("clarion:bell:*"))


# --- the publisher's own id


def test_the_same_event_again_is_a_duplicate(api: ApiClient) -> None:
    first = api.post("/api/events", EVENT | {"id": "a-1"})
    second = api.post("/api/events", EVENT | {"id": "a-1"})
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == first.json() | {"duplicate": True, "created_at": second.json()["created_at"]}
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"n": 2}},
        {"data": {"n": 1.0}},
        {"type": "order.updated"},
        {"version": "v2"},
        {"metadata": {"a": 1}},
        {"channels": ["x"]},
    ],
)
def test_the_same_id_with_other_content_is_409(api: ApiClient, other: dict[str, Any]) -> None:
    api.post("/api/events", EVENT | {"id": "a-1"})
    problem(api.post("/api/events", EVENT | {"id": "a-1"} | other), 409)
    assert Event.objects.count() == 1


def test_two_tenants_can_use_the_same_id(api: ApiClient) -> None:
    other = ApiClient(make_key(make_tenant()))
    assert api.post("/api/events", EVENT | {"id": "a-1"}).status_code == 202
    assert other.post("/api/events", EVENT | {"id": "a-1", "data": 2}).status_code == 202
    assert other.get("/api/events/a-1").json()["data"] == 2


@pytest.mark.django_db(transaction=True)
def test_publishers_that_race_with_one_id_make_one_event(api_key: str) -> None:
    def publish(_: int) -> int:
        try:
            return ApiClient(api_key).post("/api/events", EVENT | {"id": "race"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(publish, range(8)))
    assert statuses == [200] * 7 + [202]
    assert Event.objects.count() == EventKey.objects.count() == 1


# --- bad input

BAD: list[tuple[str, bytes, int, list[str]]] = [
    ("malformed", b'{"type": "a.b", "data": }', 400, ["/data"]),
    ("cut off", b'{"type": "a.b", "data": 1', 400, ["/data"]),
    ("no object", b"[]", 422, [""]),
    ("null", b"null", 422, [""]),
    ("no type", b'{"data": 1}', 422, ["/type"]),
    ("no data", b'{"type": "a.b"}', 422, ["/data"]),
    ("unknown field", b'{"type": "a.b", "data": 1, "colour": 1}', 422, ["/colour"]),
    ("type of the type", b'{"type": 5, "data": 1}', 422, ["/type"]),
    ("empty segment", b'{"type": "a..b", "data": 1}', 422, ["/type"]),
    ("pattern as type", b'{"type": "a.*", "data": 1}', 422, ["/type"]),
    ("newline in type", b'{"type": "a.b\\n", "data": 1}', 422, ["/type"]),
    ("long type", b'{"type": "%b", "data": 1}' % (b"a" * 129), 422, ["/type"]),
    ("unicode type", '{"type": "ä.b", "data": 1}'.encode(), 422, ["/type"]),
    ("blank in id", b'{"type": "a.b", "data": 1, "id": "a b"}', 422, ["/id"]),
    ("NUL in id", b'{"type": "a.b", "data": 1, "id": "a\\u0000"}', 422, ["/id"]),
    ("long id", b'{"type": "a.b", "data": 1, "id": "%b"}' % (b"a" * 129), 422, ["/id"]),
    ("empty id", b'{"type": "a.b", "data": 1, "id": ""}', 422, ["/id"]),
    ("version", b'{"type": "a.b", "data": 1, "version": "v 2"}', 422, ["/version"]),
    ("time", b'{"type": "a.b", "data": 1, "created_at": "yesterday"}', 422, ["/created_at"]),
    ("time without zone", b'{"type": "a.b", "data": 1, "created_at": "2025-09-10T15:30:45"}', 422, ["/created_at"]),
    ("metadata", b'{"type": "a.b", "data": 1, "metadata": []}', 422, ["/metadata"]),
    ("NUL in metadata", b'{"type": "a.b", "data": 1, "metadata": {"a": "\\u0000"}}', 422, ["/metadata"]),
    ("channel", b'{"type": "a.b", "data": 1, "channels": ["ok", "a,b"]}', 422, ["/channels/1"]),
    ("NaN", b'{"type": "a.b", "data": {"x": [1, NaN]}}', 422, ["/data/x/1"]),
    ("-Infinity", b'{"type": "a.b", "data": -Infinity}', 422, ["/data"]),
    ("lone surrogate", b'{"type": "a.b", "data": {"x": "\\udc00"}}', 422, ["/data/x"]),
    ("UTF-8", b'{"type": "a.b", "data": {"x": "\xc3\x28"}}', 422, ["/data/x"]),
    ("depth", b'{"type": "a.b", "data": ' + b"[" * 65 + b"]" * 65 + b"}", 422, ["/data" + "/0" * 64]),
    ("hopeless depth", b'{"type": "a.b", "data": ' + b"[" * 100_000 + b"}", 422, ["/data" + "/0" * 64]),
]


@pytest.mark.parametrize(("body", "status", "where"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_refused_with_a_pointer(api: ApiClient, body: bytes, status: int, where: list[str]) -> None:
    assert pointers(api.post("/api/events", body), status) == where
    assert not Event.objects.exists()


def test_an_unknown_type_is_refused_when_types_are_strict(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    assert pointers(api.post("/api/events", EVENT)) == ["/type"]
    EventType.objects.create(name="order.created", version="v7")
    assert api.post("/api/events", EVENT).json()["version"] == "v7"


# --- batches


def _batch(api: ApiClient, *events: Any) -> Any:
    return api.post("/api/events/batch", {"events": list(events)})


def test_a_batch_is_accepted(api: ApiClient) -> None:
    response = _batch(api, EVENT, EVENT | {"id": "b-2"})
    assert response.status_code == 202
    body = response.json()
    assert (body["accepted"], body["duplicates"], body["errors"]) == (2, 0, [])
    assert [event["id"] for event in body["events"]][1] == "b-2"
    assert Event.objects.count() == 2


def test_a_batch_with_some_faults_is_207(api: ApiClient) -> None:
    api.post("/api/events", EVENT | {"id": "old"})
    response = _batch(
        api,
        EVENT,
        {"type": "a..b", "data": 1},
        EVENT | {"id": "old"},
        EVENT | {"id": "old", "data": 9},
        EVENT | {"x": 1},
    )
    assert response.status_code == 207
    body = response.json()
    assert (body["accepted"], body["duplicates"]) == (1, 1)
    where = [(item["index"], [error["pointer"] for error in item["errors"]]) for item in body["errors"]]
    assert where == [(1, ["/type"]), (3, ["/id"]), (4, ["/x"])]
    assert Event.objects.count() == 2


def test_a_batch_without_a_good_event_is_422(api: ApiClient) -> None:
    response = _batch(api, {"type": "a..b", "data": 1}, {"type": "a.b"})
    assert pointers(response) == ["/events/0/type", "/events/1/data"]
    assert not Event.objects.exists()


def test_a_batch_of_duplicates_is_202(api: ApiClient) -> None:
    api.post("/api/events", EVENT | {"id": "old"})
    body = _batch(api, EVENT | {"id": "old"}).json()
    assert (body["accepted"], body["duplicates"]) == (0, 1)


def test_one_id_twice_in_a_batch_is_one_event(api: ApiClient) -> None:
    body = _batch(api, EVENT | {"id": "twin"}, EVENT | {"id": "twin"}).json()
    assert (body["accepted"], body["duplicates"]) == (1, 1)
    assert Event.objects.count() == 1


def test_strict_types_refuse_single_events_of_a_batch(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    EventType.objects.create(name="order.created")
    body = _batch(api, {"type": "x.y", "data": 1}, EVENT, {"type": "x.z", "data": 1}).json()
    assert (body["accepted"], [item["index"] for item in body["errors"]]) == (1, [0, 2])
    assert body["errors"][1]["errors"][0]["pointer"] == "/type"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b'{"events": []}', 422, ["/events"]),
        (b'{"events": {}}', 422, ["/events"]),
        (b"{}", 422, ["/events"]),
        (b"[]", 422, [""]),
        (b'{"events": [1], "x": 1}', 422, ["/x"]),
        (b'{"events": [', 400, ["/events/0"]),
        (b'{"events": [' + b"[" * 100_000, 422, None),
    ],
)
def test_a_bad_batch_is_refused(api: ApiClient, body: bytes, status: int, where: list[str] | None) -> None:
    found = pointers(api.post("/api/events/batch", body), status)
    assert where is None or found == where


def test_a_batch_has_a_limit_of_events(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_MAX_BATCH_EVENTS = 3
    assert _batch(api, *[EVENT] * 3).status_code == 202
    assert pointers(_batch(api, *[EVENT] * 4)) == ["/events"]
    assert Event.objects.count() == 3


def test_a_batch_has_a_limit_of_bytes(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_MAX_BATCH_BYTES = 1000
    problem(_batch(api, EVENT | {"data": "x" * 1000}), 413)


def test_an_event_of_a_batch_that_is_too_large_is_refused_alone(api: ApiClient) -> None:
    response = _batch(api, EVENT, EVENT | {"data": "x" * conf.MAX_EVENT_BYTES})
    assert response.status_code == 207
    assert response.json()["errors"][0]["index"] == 1
