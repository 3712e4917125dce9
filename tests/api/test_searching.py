"""Finding the rows of a list: every row once, in order and in both directions, whatever the windows cut."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event, make_key, make_tenant
from webhooks.api import searching
from webhooks.core import ids
from webhooks.models import Attempt, Delivery, Endpoint, Event, Mailbox, Tenant, keyset
from webhooks.services import waiting
from webhooks.services.fan_out import fan_out

NOW = datetime.now(UTC)
TYPES = ("order.created", "order.paid", "mostly.unwanted")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows so small that a few dozen rows are many."""
    for module, name, size in (
        (keyset, "SCAN", 9),
        (keyset, "_FIRST_SCAN", 4),
        (searching, "_LOOKUPS", 3),
        (searching, "_EVENTS", 3),
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
            fanned_out_at=NOW, matched=matched,
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
]  # fmt: skip


def matches(row: tuple[Delivery, str], past: Past, query: str) -> bool:
    delivery, kind = row
    wanted = dict(part.split("=") for part in query.split("&") if part)
    return (
        wanted.get("status", delivery.state) == delivery.state
        and wanted.get("event_type", kind) == kind
        and ("response_status" not in wanted or int(wanted["response_status"]) == delivery.response_status)
        and ("webhook" not in wanted or delivery.endpoint_id == past.endpoints[int(wanted["webhook"])].id)
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("by_mailboxes", [True, False])
def test_every_filter_leads_through_all_its_rows_once_and_back(
    narrow: None, db: None, monkeypatch: pytest.MonkeyPatch, seed: int, by_mailboxes: bool
) -> None:
    if not by_mailboxes:
        monkeypatch.setattr(waiting, "_BOXES", 0)
    past = make_past(seed)
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
            path = f"/api/deliveries?limit=4&{asked}{period}".replace("&&", "&").rstrip("&")
            assert [row for page in walk(api, path) for row in page] == expected, path
            assert back_from_the_end(api, path) == expected, path


@pytest.mark.parametrize("query", ["status=dead", "status=pending", "event_type=order.paid", "response_status=404"])
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
    monkeypatch.setattr(keyset, "_FIRST_SCAN", 5)
    endpoint = make_endpoint(tenant)
    rare = make_delivery(endpoint, id=ids.new_id(), state="succeeded", response_status=204)
    for _ in range(30):
        make_delivery(endpoint, id=ids.new_id(), state="succeeded", response_status=200)
    first = api.get("/api/deliveries?response_status=204").json()
    assert (first["results"], bool(first["next"])) == ([], True)
    pages = list(walk(api, "/api/deliveries?response_status=204"))
    assert pages == [[], [rare.public_id]]


def test_nothing_waits_means_no_look_at_the_deliveries(api: ApiClient, tenant: Tenant) -> None:
    make_delivery(make_endpoint(tenant), state="succeeded")
    make_delivery(make_endpoint(make_tenant()), state="pending")
    api.get("/api/deliveries")  # notes the use of the key
    for status in ("pending", "sending"):
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"/api/deliveries?status={status}").json()["results"] == []
        assert not [query for query in queries.captured_queries if "webhooks_delivery" in query["sql"]]


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
