"""Lists: cursor pages and filters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.api.checks import parameters
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event, make_key, make_tenant
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event, Tenant

LISTS = [
    "/api/webhooks", "/api/events", "/api/deliveries", "/api/dead-letters", "/api/api-keys",
    "/api/webhooks/{}/attempts", "/api/events/{}/deliveries",
]  # fmt: skip


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def _follow(api: ApiClient, link: str) -> Any:
    parts = urlsplit(link)
    return api.get(f"{parts.path}?{parts.query}")


def test_pages_lead_through_everything_once_newest_first_and_back(api: ApiClient, tenant: Tenant) -> None:
    made = [make_event(tenant).public_id for _ in range(7)][::-1]
    page = api.get("/api/events?limit=3")
    assert _ids(page) == made[:3]
    assert page.json()["previous"] is None
    second = _follow(api, page.json()["next"])
    third = _follow(api, second.json()["next"])
    assert (_ids(second), _ids(third)) == (made[3:6], made[6:])
    assert third.json()["next"] is None
    back = _follow(api, third.json()["previous"])
    first = _follow(api, back.json()["previous"])
    assert (_ids(back), _ids(first)) == (made[3:6], made[:3])
    assert first.json()["previous"] is None


def test_a_list_without_rows_has_no_other_pages(api: ApiClient) -> None:
    assert api.get("/api/events").json() == {"next": None, "previous": None, "results": []}


def test_a_full_last_page_has_no_next_one(api: ApiClient, tenant: Tenant) -> None:
    for _ in range(2):
        make_event(tenant)
    assert api.get("/api/events?limit=2").json()["next"] is None


def test_rows_that_come_later_do_not_shift_the_pages(api: ApiClient, tenant: Tenant) -> None:
    made = [make_event(tenant).public_id for _ in range(4)][::-1]
    page = api.get("/api/events?limit=2").json()
    newer = make_event(tenant).public_id
    second = _follow(api, page["next"])
    assert _ids(second) == made[2:]
    assert _ids(_follow(api, second.json()["previous"])) == made[:2]
    assert newer in _ids(api.get("/api/events"))


def test_links_keep_the_filters(api: ApiClient, tenant: Tenant) -> None:
    for _ in range(3):
        make_event(tenant, "a.b")
        make_event(tenant, "c.d")
    page = api.get("/api/events?limit=2&event_type=a.b").json()
    (last,) = _follow(api, page["next"]).json()["results"]
    assert {row["type"] for row in [*page["results"], last]} == {"a.b"}


def test_a_cursor_of_another_tenant_shows_nothing_of_it(api: ApiClient, tenant: Tenant) -> None:
    other = make_tenant()
    for _ in range(3):
        make_event(other)
    foreign = ApiClient(make_key(other)).get("/api/events?limit=1").json()["next"]
    assert _ids(_follow(api, foreign)) == []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=251", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=٣", "limit=99999999999999999999",
        "cursor=x", "cursor=", "cursor=%00", "cursor=" + "A" * 23, "cursor=%C3%BC", "colour=red", "limit=1&limit=2",
        "created_after=yesterday", "created_before=2025-01-01", "created_after=2025-01-01T00:00:00",
        "created_after=2025-13-01T00:00:00Z", "created_after=2025-01-01T00:00:00+01:00", "created_after=%00",
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(api: ApiClient, tenant: Tenant, path: str, query: str) -> None:
    name = make_event(tenant).public_id if "events" in path else make_endpoint(tenant).public_id
    assert parameters(api.get(f"{path.format(name)}?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense", "status=", "event_type=a..b", "event_type=a.*", "event_type=%00", "webhook=x",
        "webhook=evt_1", "webhook=%00", "response_status=99", "response_status=x",
        "response_status=600", "response_status=2e2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/deliveries", "/api/dead-letters"])
def test_a_bad_filter_is_named(api: ApiClient, path: str, query: str) -> None:
    assert parameters(api.get(f"{path}?{query}")) == [query.partition("=")[0]]


def test_all_bad_parameters_are_told_at_once(api: ApiClient) -> None:
    assert set(parameters(api.get("/api/deliveries?status=x&webhook=y"))) == {"status", "webhook"}


# --- filters


def _delivered(endpoint: Endpoint, at: datetime, **fields: Any) -> Delivery:
    """A delivery of an event of that moment, with the keys that publishing and routing it then would have given."""
    event = make_event(endpoint.tenant, fields.pop("type", "order.created"), fanned_out=True)
    key = ids.UUID(int=ids.floor(at).int | (7 << 76) | (2 << 62) | (event.id.int & 0xFFFF_FFFF))
    Event.objects.filter(id=event.id).update(id=key, matched=1)
    return make_delivery(endpoint, Event.objects.get(id=key), **fields)


NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def _stamp(moment: datetime) -> str:
    return quote(moment.isoformat())


def test_time_filters_are_bounds_on_the_key(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    early, late = _delivered(endpoint, NOON), _delivered(endpoint, NOON + timedelta(hours=1))
    after = f"/api/deliveries?created_after={_stamp(NOON + timedelta(minutes=1))}"
    before = f"/api/deliveries?created_before={_stamp(NOON + timedelta(hours=1))}"
    assert _ids(api.get(after)) == [late.public_id]
    assert _ids(api.get(before)) == [early.public_id]
    assert _ids(api.get(f"/api/deliveries?created_after={_stamp(NOON)}")) == [late.public_id, early.public_id]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        api.get(f"{after}&created_before={_stamp(NOON + timedelta(days=1))}")
    (listed,) = [sql for sql in _sent(queries) if "webhooks_delivery" in sql and "LIMIT" in sql]
    assert _partitions(listed) <= 2


def _sent(queries: CaptureQueriesContext) -> list[str]:
    """The statements but those that are prepared, whose text Django does not know."""
    return [query["sql"] or "" for query in queries.captured_queries]


def _partitions(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return sum("Scan" in line and " on webhooks_delivery_" in line for (line,) in cursor.fetchall())


def test_deliveries_can_be_filtered(api: ApiClient, tenant: Tenant) -> None:
    one, other = make_endpoint(tenant), make_endpoint(tenant)
    dead = _delivered(one, NOON, state="dead", response_status=500, type="a.b")
    held = _delivered(other, NOON, state="held", type="c.d")
    for query, expected in (
        ("status=dead", [dead]),
        ("status=held", [held]),
        ("status=succeeded", []),
        ("response_status=500", [dead]),
        ("response_status=404", []),
        ("event_type=c.d", [held]),
        ("event_type=x.y", []),
        (f"webhook={one.public_id}", [dead]),
        (f"webhook={other.public_id}&status=held&event_type=c.d", [held]),
        (f"webhook={ids.show(ids.WEBHOOK, ids.new_id())}", []),
    ):
        assert _ids(api.get(f"/api/deliveries?{query}")) == [row.public_id for row in expected], query


def test_a_filter_by_another_tenants_webhook_finds_nothing(api: ApiClient) -> None:
    foreign = make_delivery(make_endpoint(make_tenant()))
    assert _ids(api.get(f"/api/deliveries?webhook={foreign.endpoint.public_id}")) == []


def test_deliveries_of_one_event(api: ApiClient, tenant: Tenant) -> None:
    event = make_event(tenant, key="own", fanned_out=True)
    made = [make_delivery(make_endpoint(tenant), event) for _ in range(2)]
    make_delivery(make_endpoint(tenant))
    for name in ("own", ids.show(ids.EVENT, event.id)):
        rows = api.get(f"/api/events/{name}/deliveries").json()["results"]
        assert {row["id"] for row in rows} == {row.public_id for row in made}
        assert {row["event_id"] for row in rows} == {"own"}


def test_dead_letters_can_be_filtered(api: ApiClient, tenant: Tenant) -> None:
    def letter(endpoint: Endpoint, **fields: Any) -> DeadLetter:
        delivery = make_delivery(endpoint, state="dead", finished_at=timezone.now())
        return DeadLetter.objects.create(
            tenant=tenant, endpoint=endpoint, delivery=delivery, event=delivery.event, attempt_count=1, **fields
        )

    one, other = make_endpoint(tenant), make_endpoint(tenant)
    first = letter(one, event_type="a.b", response_status=500)
    second = letter(other, event_type="c.d", resolution="discarded")
    for query, expected in (
        ("", [second, first]),
        ("status=open", [first]),
        ("status=discarded", [second]),
        ("event_type=a.b", [first]),
        ("response_status=500", [first]),
        (f"webhook={other.public_id}", [second]),
    ):
        assert _ids(api.get(f"/api/dead-letters?{query}")) == [row.public_id for row in expected], query


def test_attempts_can_be_filtered(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    delivery = make_delivery(endpoint)
    made = {}
    for number, (outcome, status) in enumerate([("failed", 500), ("succeeded", 200)], 1):
        made[outcome] = Attempt.objects.create(
            tenant=tenant, delivery=delivery, endpoint=endpoint, number=number, trigger="event", outcome=outcome,
            started_at=timezone.now(), response_status=status, response_body=b"\xffhi\x00",
        )  # fmt: skip
    make_delivery(make_endpoint(tenant))
    path = f"/api/webhooks/{endpoint.public_id}/attempts"
    assert _ids(api.get(path)) == [made["succeeded"].public_id, made["failed"].public_id]
    assert _ids(api.get(f"{path}?status=failed")) == [made["failed"].public_id]
    assert _ids(api.get(f"{path}?response_status=200")) == [made["succeeded"].public_id]
    assert api.get(path).json()["results"][0]["response_body"] == "\ufffdhi\x00"


def test_webhooks_can_be_filtered_by_status(api: ApiClient, tenant: Tenant) -> None:
    active, paused = make_endpoint(tenant), make_endpoint(tenant, state="paused")
    assert _ids(api.get("/api/webhooks?status=paused")) == [paused.public_id]
    assert _ids(api.get("/api/webhooks?status=active")) == [active.public_id]


# --- cost


@pytest.mark.parametrize("path", ["/api/webhooks", "/api/events", "/api/deliveries"])
def test_the_number_of_statements_does_not_grow_with_the_page(
    api: ApiClient, tenant: Tenant, path: str, valkey: Any
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            api.get(path)
        assert not any("COUNT(*) AS" in sql for sql in _sent(queries))
        return len(queries)

    api.get(path)  # notes the use of the key
    make_delivery(make_endpoint(tenant))
    few = statements()
    for _ in range(5):
        make_delivery(make_endpoint(tenant))
    assert statements() == few


@pytest.mark.parametrize("path", ["/api/events", "/api/deliveries", "/api/events?event_type=a.b"])
def test_a_page_is_read_from_indexes_without_sorting_the_table(platform_key: str, path: str) -> None:
    _fill()
    with CaptureQueriesContext(connection) as queries:
        assert len(_ids(ApiClient(platform_key).get(path))) == 50
    table = "webhooks_event" if "/events" in path else "webhooks_delivery"
    pages = [sql for sql in _sent(queries) if f'FROM "{table}"' in sql and "ORDER BY" in sql]
    assert pages
    searched = any("enable_sort" in sql for sql in _sent(queries))
    for page in pages:
        with connection.cursor() as cursor:
            if searched:  # as the search has it: a sort is then what nothing but a sort can do
                cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN {page}")
            plan = [line for (line,) in cursor.fetchall()]
        assert not [line for line in plan if "Sort  (" in line], plan


def _fill() -> None:
    """Some thousand rows, so that the planner takes the tables for what they are."""
    endpoint = make_endpoint()
    rows = [
        Event(id=ids.new_id(), tenant=endpoint.tenant, type="a.b", data=b"1", created_at=NOON, fanned_out_at=NOON)
        for _ in range(3000)
    ]
    Event.objects.bulk_create(rows)
    Delivery.objects.bulk_create(
        Delivery(tenant=endpoint.tenant, event=row, endpoint=endpoint, state="succeeded", created_at=NOON)
        for row in rows
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhooks_event, webhooks_delivery")
