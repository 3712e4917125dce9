"""Finding the rows of a list: every row once, in order and in both directions, whatever the windows cut."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.checks import parameters
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event, make_key, make_tenant
from webhooks.api import searching
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event, Mailbox, Tenant, keyset
from webhooks.services import waiting
from webhooks.services.fan_out import fan_out
from webhooks.services.partitions import event_days, index_ended, make_ahead

NOW = datetime.now(UTC)
TYPES = ("order.created", "order.paid", "mostly.unwanted")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows so small that a few dozen rows are many."""
    for module, name, size in (
        (keyset, "SCAN", 9),
        (searching, "_LOOKUPS", 3),
        (searching, "_EVENTS", 3),
        (searching, "_MADE_BY_EVENTS", 4),
    ):
        monkeypatch.setattr(module, name, size)


@dataclass
class Past:
    """Deliveries of one tenant with their events' types, beside those of another tenant."""

    tenant: Tenant
    endpoints: list[Endpoint]
    rows: list[tuple[Delivery, str]]


def key(at: datetime, noise: int) -> UUID:
    """A UUIDv7 of that moment."""
    return UUID(int=ids.floor(at).int | (7 << 76) | (2 << 62) | noise)


def make_past(seed: int, count: int = 75) -> Past:
    """Events over forty days, several in the same millisecond, and what deliveries can be: also repeated ones."""
    draw = random.Random(seed)
    tenants = make_tenant(), make_tenant()
    endpoints = [[make_endpoint(tenant) for _ in range(3)] for tenant in tenants]
    rows: list[tuple[Delivery, str]] = []
    at = NOW - timedelta(days=40)
    for n in range(count):
        at += draw.choice([timedelta(0), timedelta(milliseconds=1), timedelta(hours=3), timedelta(days=2)])
        owner = 0 if draw.random() < 0.8 else 1
        kind = draw.choice(TYPES)
        matched = draw.choice([0, 1, 1, 2]) if kind != TYPES[2] else int(draw.random() < 0.15)
        event = Event.objects.create(
            id=key(min(at, NOW), seed * 1000 + n), tenant=tenants[owner], type=kind, data=b"1", created_at=NOW,
            fanned_out_at=NOW, matched=matched, correlation_id=draw.choice(["common", f"rare-{n // 6}"]),
            metadata={"order": n // 4, "kind": draw.choice(["a", "b"])},
        )  # fmt: skip
        for endpoint in draw.sample(endpoints[owner], matched):
            made = [_delivery(draw, endpoint, event, ids.delivery_id(event.id, endpoint.id))]
            if draw.random() < 0.3:
                later = min(NOW, at + timedelta(hours=draw.randrange(200)))
                made.append(_delivery(draw, endpoint, event, key(later, draw.getrandbits(40)), trigger="replay"))
            rows += [(delivery, kind) for delivery in made if owner == 0]
    return Past(tenants[0], endpoints[0], sorted(rows, key=lambda row: row[0].id, reverse=True))


def _delivery(draw: random.Random, endpoint: Endpoint, event: Event, delivery_id: UUID, **fields: Any) -> Delivery:
    state = draw.choice(["succeeded", "succeeded", *Delivery.State.values])
    status = {"succeeded": 200}.get(state) or draw.choice([404, 500, None])
    due = NOW if state == "pending" else None
    return make_delivery(
        endpoint, event, id=delivery_id, state=state, response_status=status, next_attempt_at=due, **fields
    )


def walk(api: ApiClient, path: str, link: str = "next") -> Iterator[list[str]]:
    """The ids of each page from ``path`` on; a list that does not come to an end fails."""
    for _ in range(500):
        answer = api.get(path)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        yield [row["id"] for row in page["results"]]
        if not page[link]:
            return
        parts = urlsplit(page[link])
        path = f"{parts.path}?{parts.query}"
    raise AssertionError("the list does not end")


def back_from_the_end(api: ApiClient, path: str) -> list[str]:
    """All ids, found by following ``previous`` from an empty place below all rows."""
    lowest = base64.urlsafe_b64encode(b"n" + bytes(16)).decode().rstrip("=")
    pages = list(walk(api, f"{path}&cursor={lowest}", "previous"))
    return [row for page in reversed(pages) for row in page]


FILTERS = [
    "", "status=succeeded", "status=pending", "status=sending", "status=held", "status=dead", "status=cancelled",
    "event_type=order.paid", "event_type=mostly.unwanted", "response_status=404", "response_status=200",
    "webhook=0", "webhook=0&status=pending", "webhook=0&status=succeeded", "webhook=0&status=dead",
    "webhook=1&event_type=order.paid", "webhook=1&response_status=500", "status=dead&event_type=order.created",
    "status=pending&event_type=order.paid", "status=pending&response_status=404",
    "response_status=404&event_type=order.created", "status=succeeded&response_status=404",
    "status=held&response_status=500&event_type=order.paid",
    "correlation_id=common", "correlation_id=rare-3", "correlation_id=nobody", "search=rare-2",
    "correlation_id=common&status=succeeded", "correlation_id=rare-1&event_type=order.paid",
    "correlation_id=common&event_type=order.created", "search=common&webhook=0", "search=rare-2&correlation_id=rare-2",
    "correlation_id=common&search=rare-1", "trigger=replay", "trigger=event&status=dead", "trigger=replay&webhook=1",
    "trigger=replay&correlation_id=common", "trigger=test",
]  # fmt: skip


def matches(row: tuple[Delivery, str], past: Past, query: str) -> bool:
    delivery, kind = row
    correlation = delivery.event.correlation_id
    wanted = dict(part.split("=") for part in query.split("&") if part)
    return (
        wanted.get("status", delivery.state) == delivery.state
        and wanted.get("event_type", kind) == kind
        and ("response_status" not in wanted or int(wanted["response_status"]) == delivery.response_status)
        and wanted.get("trigger", delivery.trigger) == delivery.trigger
        and wanted.get("correlation_id", correlation) == correlation
        and wanted.get("search", correlation) == correlation
        and ("webhook" not in wanted or delivery.endpoint_id == past.endpoints[int(wanted["webhook"])].id)
    )


@pytest.mark.parametrize(("seed", "by_mailboxes"), [(1, True), (2, False)])
def test_every_filter_leads_through_all_its_rows_once_and_back(
    narrow: None, db: None, monkeypatch: pytest.MonkeyPatch, seed: int, by_mailboxes: bool
) -> None:
    if not by_mailboxes:
        monkeypatch.setattr(waiting, "_BOXES", 0)
    past = make_past(seed, 50)
    api = ApiClient(make_key(past.tenant))
    middle = past.rows[len(past.rows) // 2][0]
    moment = ids.created_at(middle.id).isoformat().replace("+", "%2B")
    for query in FILTERS:
        for period in ("", random.Random(query).choice([f"&created_before={moment}", f"&created_after={moment}"])):
            cut = ids.floor(ids.created_at(middle.id))
            expected = [
                row[0].public_id
                for row in past.rows
                if matches(row, past, query)
                and ("before" not in period or row[0].id < cut)
                and ("after" not in period or row[0].id >= cut)
            ]
            asked = query.replace("webhook=0", f"webhook={past.endpoints[0].public_id}")
            asked = asked.replace("webhook=1", f"webhook={past.endpoints[1].public_id}")
            path = f"/api/deliveries?limit=5&{asked}{period}".replace("&&", "&").rstrip("&")
            assert [row for page in walk(api, path) for row in page] == expected, path
            assert back_from_the_end(api, path) == expected, path


@pytest.mark.parametrize(
    "query",
    [
        "status=dead", "status=pending", "event_type=order.paid", "response_status=404", "correlation_id=rare-1",
        "search=common", "trigger=replay",
    ],
)  # fmt: skip
def test_the_platform_finds_the_rows_of_all_tenants(narrow: None, platform_key: str, query: str) -> None:
    pasts = [make_past(1, 25), make_past(3, 25)]
    rows = [(row, row.event.type) for row in Delivery.objects.select_related("event")]
    assert len({row.tenant_id for row, _ in rows}) > len(pasts)
    expected = [row[0].public_id for row in rows if matches(row, pasts[0], query)]
    path = f"/api/deliveries?limit=3&{query}"
    assert [row for page in walk(ApiClient(platform_key), path) for row in page] == expected


def test_the_platform_finds_events_of_a_type(narrow: None, platform_key: str) -> None:
    past = make_past(2)
    assert past.rows
    expected = [event.public_id for event in Event.objects.filter(type=TYPES[2])]
    found = [
        row for page in walk(ApiClient(platform_key), f"/api/events?limit=2&event_type={TYPES[2]}") for row in page
    ]
    assert found == expected


EVENT_FILTERS = [
    "", "event_type=order.paid", "correlation_id=common", "correlation_id=rare-2", "search=common", "search=rare-4",
    "matched=0", "matched=2", "status=routed", "status=accepted", "origin=api", "origin=test",
    "metadata=order:3", "metadata=kind:a", "metadata=order:99", 'metadata={"order":2,"kind":"b"}',
    "matched=0&event_type=mostly.unwanted", "correlation_id=common&metadata=kind:b", "search=rare-3&matched=1",
    "event_type=order.created&metadata=kind:a", "status=accepted&metadata=kind:a",
    "search=common&correlation_id=rare-1",
]  # fmt: skip


def event_matches(event: Event, query: str) -> bool:
    wanted = dict(part.split("=") for part in query.split("&") if part)
    metadata = {
        "order:3": event.metadata["order"] == 3, "kind:a": event.metadata["kind"] == "a",
        "kind:b": event.metadata["kind"] == "b", "order:99": False,
        '{"order":2,"kind":"b"}': event.metadata == {"order": 2, "kind": "b"},
    }  # fmt: skip
    status = "routed" if event.fanned_out_at else "accepted"
    return (
        wanted.get("event_type", event.type) == event.type
        and wanted.get("correlation_id", event.correlation_id) == event.correlation_id
        and wanted.get("search", event.correlation_id) == event.correlation_id
        and wanted.get("status", status) == status
        and wanted.get("origin", event.origin) == event.origin
        and ("matched" not in wanted or int(wanted["matched"]) == event.matched)
        and (status == "routed" or not wanted.keys() & {"matched", "correlation_id", "search"})
        and ("metadata" not in wanted or metadata[wanted["metadata"]])
    )


@pytest.mark.parametrize("of_platform", [False, True], ids=["tenant", "platform"])
@pytest.mark.parametrize("search_time", [0.0, 30.0])
def test_every_filter_of_events_leads_through_all_of_them_once_and_back(
    narrow: None, db: None, monkeypatch: pytest.MonkeyPatch, of_platform: bool, search_time: float
) -> None:
    monkeypatch.setattr(searching, "_SEARCH_TIME", search_time)
    past = make_past(3, 36)
    make_ahead()  # a partition for each of the past's days
    if search_time:
        index_ended()
    waiting_ones = Event.objects.filter(tenant=past.tenant).values_list("id", flat=True)[5:30:5]
    Event.objects.filter(id__in=list(waiting_ones)).update(fanned_out_at=None)
    rows = [event for event in Event.objects.order_by("-id") if of_platform or event.tenant_id == past.tenant.id]
    api = ApiClient(make_key(None if of_platform else past.tenant))
    middle = rows[len(rows) // 2]
    moment = ids.created_at(middle.id).isoformat().replace("+", "%2B")
    cut = ids.floor(ids.created_at(middle.id))
    assert any(event_days().values()) == bool(search_time)
    for query in EVENT_FILTERS:
        for period in ("", random.Random(query).choice([f"&created_before={moment}", f"&created_after={moment}"])):
            expected = [
                event.public_id
                for event in rows
                if event_matches(event, query)
                and ("before" not in period or event.id < cut)
                and ("after" not in period or event.id >= cut)
            ]
            path = f"/api/events?limit=5&{query}{period}".replace("&&", "&").rstrip("&")
            assert [row for page in walk(api, path) for row in page] == expected, path
            assert back_from_the_end(api, path) == expected, path


def test_an_event_is_found_by_any_of_its_names(api: ApiClient, tenant: Tenant) -> None:
    event = make_event(tenant, key="own-1", correlation_id="trace-1", fanned_out=True)
    delivery = make_delivery(make_endpoint(tenant), event, state="dead")
    letter = DeadLetter.objects.create(
        tenant=tenant,
        endpoint=delivery.endpoint,
        delivery=delivery,
        event=event,
        event_type=event.type,
        attempt_count=1,
    )
    make_event(make_tenant(), key="own-1", correlation_id="trace-1")
    make_event(tenant, correlation_id="trace-2")
    for name in ("own-1", "trace-1", ids.show(ids.EVENT, event.id)):
        for path, found in (
            ("events", "own-1"),
            ("deliveries", delivery.public_id),
            ("dead-letters", letter.public_id),
        ):
            assert list(walk(api, f"/api/{path}?search={name}")) == [[found]], (path, name)
    for path in ("events", "deliveries", "dead-letters"):
        assert list(walk(api, f"/api/{path}?search=nobody")) == [[]]


@pytest.mark.parametrize("query", ["correlation_id=common", "correlation_id=rare-1", "search=rare-2&event_type=a.b"])
def test_dead_letters_are_found_by_what_their_event_has(narrow: None, db: None, query: str) -> None:
    past = make_past(5)
    letters = [
        DeadLetter.objects.create(
            id=delivery.id, tenant=past.tenant, endpoint=delivery.endpoint, delivery=delivery, event=delivery.event,
            event_type=draw, attempt_count=1,
        )
        for delivery, draw in zip([row for row, _ in past.rows], ["a.b", "c.d"] * 100, strict=False)
    ]  # fmt: skip
    wanted = dict(part.split("=") for part in query.split("&"))
    name = wanted.get("correlation_id") or wanted["search"]
    expected = [
        letter.public_id
        for letter in letters
        if letter.event.correlation_id == name and wanted.get("event_type", letter.event_type) == letter.event_type
    ]
    assert expected
    for client in (ApiClient(make_key(past.tenant)), ApiClient(make_key(None))):
        path = f"/api/dead-letters?limit=3&{query}"
        assert [row for page in walk(client, path) for row in page] == expected
        assert back_from_the_end(client, path) == expected


def test_metadata_is_found_by_its_text_and_by_its_value(api: ApiClient, tenant: Tenant) -> None:
    text = make_event(tenant, metadata={"n": "17", "deep": {"a": [1, 2]}}).public_id
    number = make_event(tenant, metadata={"n": 17, "flag": True, "gone": None}).public_id
    for query, expected in (
        ("n:17", [number, text]), ("n:17.0", [number]), ("flag:true", [number]), ("gone:null", [number]),
        ('{"n":"17"}', [text]), ('{"deep":{"a":[2]}}', [text]), ("n:18", []), ("deep:a", []), ("n:", []),
    ):  # fmt: skip
        assert list(walk(api, f"/api/events?metadata={quote(query)}")) == [expected], query


BAD_SEARCHES = [
    "metadata=", "metadata=x", "metadata=:x", "metadata={}", "metadata={", "metadata=[1]", 'metadata={"a":NaN}',
    'metadata={"a":"%5Cu0000"}', 'metadata={"a":"%5Cud800"}', "metadata=a%00:b", "metadata=" + "x:" + "y" * 600,
    'metadata={"a":1e999}', "matched=-1", "matched=x", "matched=1000001", "status=lost", "origin=nowhere",
    "correlation_id=", "correlation_id=%00", "correlation_id=" + "x" * 129, "search=%0A", "search=" + "x" * 129,
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_SEARCHES)
def test_a_bad_search_is_named(api: ApiClient, query: str) -> None:
    assert parameters(api.get(f"/api/events?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize("query", ["", "status=failed", "status=lost", "status=succeeded", "response_status=503"])
def test_attempts_are_found_by_outcome_and_status(narrow: None, api: ApiClient, tenant: Tenant, query: str) -> None:
    draw = random.Random(4)
    endpoint = make_endpoint(tenant)
    delivery = make_delivery(endpoint)
    rows = []
    for n in range(40):
        outcome = draw.choice(["succeeded", "succeeded", "failed", "lost", "late"])
        status = 200 if outcome == "succeeded" else draw.choice([503, 404]) if outcome != "lost" else None
        attempt = Attempt.objects.create(
            id=key(NOW - timedelta(days=n), n), tenant=tenant, delivery=delivery, endpoint=endpoint, number=1,
            trigger="event", outcome=outcome, response_status=status, started_at=NOW,
        )  # fmt: skip
        rows.append(attempt)
    wanted = dict([query.split("=")] if query else [])
    expected = [
        row.public_id
        for row in rows
        if wanted.get("status", row.outcome) == row.outcome
        and wanted.get("response_status", str(row.response_status)) == str(row.response_status)
    ]
    path = f"/api/webhooks/{endpoint.public_id}/attempts?limit=3&{query}".rstrip("&")
    assert [row for page in walk(api, path) for row in page] == expected
    assert back_from_the_end(api, path) == expected


def test_an_event_published_and_routed_is_found_by_its_type(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant, "order.created")
    make_event(tenant, "order.paid")
    while fan_out().events:
        pass
    delivery = ids.show(ids.DELIVERY, ids.delivery_id(event.id, endpoint.id))
    assert list(walk(api, "/api/deliveries?event_type=order.created")) == [[delivery]]


def test_a_filter_of_the_view_is_not_lost_on_the_way(narrow: None, api: ApiClient, tenant: Tenant) -> None:
    """The deliveries of one event, searched by a filter that has a way of its own to find rows."""
    event = make_event(tenant, "order.created", fanned_out=True)
    Event.objects.filter(id=event.id).update(matched=2)
    wanted = [make_delivery(make_endpoint(tenant), event).public_id for _ in range(2)]
    for _ in range(5):
        other = make_event(tenant, "order.created", fanned_out=True)
        Event.objects.filter(id=other.id).update(matched=1)
        make_delivery(make_endpoint(tenant), other)
    for query in ("status=pending", "event_type=order.created", "status=pending&event_type=order.created"):
        path = f"/api/events/{event.public_id}/deliveries?limit=1&{query}"
        assert sorted(row for page in walk(api, path) for row in page) == sorted(wanted), query


def test_a_search_looks_at_a_bounded_number_of_rows(
    api: ApiClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "SCAN", 20)
    endpoint = make_endpoint(tenant)
    rare = make_delivery(endpoint, id=ids.new_id(), state="succeeded", response_status=204)
    for _ in range(30):
        make_delivery(endpoint, id=ids.new_id(), state="succeeded", response_status=200)
    first = api.get("/api/deliveries?response_status=204").json()
    assert (first["results"], bool(first["next"])) == ([], True)
    pages = list(walk(api, "/api/deliveries?response_status=204"))
    assert pages == [[], [rare.public_id]]


def test_a_page_of_a_type_looks_at_a_bounded_number_of_deliveries_however_many_a_batch_made(
    api: ApiClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("_EVENTS", 10), ("_MADE_BY_EVENTS", 20), ("_LOOKUPS", 12)):
        monkeypatch.setattr(searching, name, size)
    looks: list[int] = []
    for name, place in (("_routed", 3), ("fitting", 0)):
        monkeypatch.setattr(searching, name, _spied(getattr(searching, name), place, looks))
    endpoints = [make_endpoint(tenant) for _ in range(2)]
    alone, together = NOW - timedelta(seconds=1), NOW
    for n in range(40):
        at = together if n < 30 else alone - timedelta(milliseconds=n)
        event = Event.objects.create(
            id=key(at, n), tenant=tenant, type="order.paid", data=b"1", created_at=NOW, fanned_out_at=NOW, matched=2
        )
        for endpoint in endpoints:
            make_delivery(endpoint, event, id=ids.delivery_id(event.id, endpoint.id), state="succeeded")
    expected = [row.public_id for row in Delivery.objects.order_by("-id")]
    assert [row for page in walk(api, "/api/deliveries?event_type=order.paid&limit=5") for row in page] == expected
    assert looks
    assert max(looks) <= 12


def _spied(function: Any, place: int, sizes: list[int]) -> Any:
    """The function, with the size of one of its arguments written down at each call."""

    def called(*arguments: Any) -> Any:
        sizes.append(len(arguments[place]))
        return function(*arguments)

    return called


def test_nothing_waits_means_no_look_at_the_deliveries(api: ApiClient, tenant: Tenant) -> None:
    make_delivery(make_endpoint(tenant), state="succeeded")
    make_delivery(make_endpoint(make_tenant()), state="pending")
    api.get("/api/deliveries")  # notes the use of the key
    for status in ("pending", "sending"):
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"/api/deliveries?status={status}").json()["results"] == []
        assert not [query for query in queries.captured_queries if "webhooks_delivery" in (query["sql"] or "")]


def test_the_mailboxes_of_a_tenant_bound_what_waits(tenant: Tenant) -> None:
    endpoint, idle = make_endpoint(tenant), make_endpoint(tenant)
    delivery = make_delivery(endpoint)
    make_delivery(make_endpoint(make_tenant()))
    assert waiting.boxes(tenant.id) == [waiting.Box(endpoint.id, delivery.id)]
    assert waiting.oldest(tenant.id) == waiting.oldest(tenant.id, endpoint.id) == delivery.id
    assert waiting.oldest(tenant.id, idle.id) is None
    Mailbox.objects.filter(endpoint=endpoint).update(next_due_at=None)
    assert waiting.boxes(tenant.id) == []


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("cursor", [b"o" + bytes(16), b"o" + b"\xff" * 16, b"n" + bytes(16), b"n" + b"\xff" * 16])
@pytest.mark.parametrize(
    "query",
    ["", "status=pending", "status=succeeded", "event_type=order.created", "status=dead&event_type=order.created"],
)
def test_a_cursor_at_the_edge_of_all_keys_is_an_empty_or_whole_list(
    api: ApiClient, tenant: Tenant, cursor: bytes, query: str, filled: bool
) -> None:
    """Attack: a cursor beyond the last year that a computer's calendar has."""
    if filled:
        make_delivery(make_endpoint(tenant))
    text = base64.urlsafe_b64encode(cursor).decode().rstrip("=")
    for path in ("/api/deliveries", "/api/events"):
        if path == "/api/deliveries" or "status" not in query:
            assert api.get(f"{path}?cursor={text}&{query}".rstrip("&")).status_code == 200


@pytest.mark.parametrize("path", ["deliveries", "dead-letters"])
def test_a_search_in_which_nothing_can_be_is_an_empty_page(api: ApiClient, valkey: Any, path: str) -> None:
    answer = api.get(f"/api/{path}?correlation_id=nobody-has-it&response_status=503")
    assert (answer.status_code, answer.json()["results"]) == (200, []), answer.content
