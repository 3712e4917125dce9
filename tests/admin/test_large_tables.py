"""Lists cost the same at any size: no count, no sort of a table, no query per row, every row on one page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.admin.pages import fill, list_page, make_attempt, make_dead_letter, page, text
from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from webhooks.admin import keyset
from webhooks.admin.base import ClarionAdmin
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event

LARGE = (Event, Delivery, Attempt, DeadLetter)
OLD = datetime.now(UTC) - timedelta(days=20)


def captured(client: Client, url: str, **query: str) -> list[str]:
    """The SELECTs of one page that touch Clarion's tables."""
    with CaptureQueriesContext(connection) as queries:
        text(client.get(url, query))
    return [item["sql"] for item in queries if "webhooks_" in item["sql"] and item["sql"].startswith("SELECT")]


def listed(client: Client, model: type, **query: str) -> list[str]:
    """Keys of the rows on a page of a list, in order."""
    return re.findall(r'name="_selected_action" value="([^"]+)"', text(client.get(list_page(model), query)))


@pytest.mark.parametrize("model", [*LARGE, Endpoint])
def test_more_rows_do_not_mean_more_queries(admin_client: Client, model: type) -> None:
    fill(2)
    few = len(captured(admin_client, list_page(model)))
    fill(8)
    assert len(captured(admin_client, list_page(model))) == few


def test_the_page_of_one_row_does_not_ask_for_each_of_its_rows(admin_client: Client) -> None:
    endpoint = make_endpoint()

    def grow(count: int) -> tuple[Event, Delivery]:
        event = make_event(endpoint.tenant, fanned_out=True)
        for n in range(count):
            delivery = make_delivery(endpoint, event, id=ids.new_id(), state="held")
            make_attempt(delivery, number=n)
        for n in range(count):
            make_attempt(delivery, number=n)
        return event, delivery

    counts = []
    for size in (1, 6):
        event, delivery = grow(size)
        counts.append([len(captured(admin_client, page(row))) for row in (event, delivery, endpoint)])
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model", LARGE)
@pytest.mark.parametrize("query", [{}, {"window": "all"}, {"window": "24h"}, {"tenant": "acme"}, {"state": "dead"}])
def test_no_list_counts_reads_or_sorts_a_whole_table(admin_client: Client, model: type, query: dict[str, str]) -> None:
    """With sequential scans and sorts switched off, the planner uses them only where no index would do."""
    tenant = make_tenant(slug="acme")
    for _ in range(3):
        make_dead_letter(make_delivery(make_endpoint(tenant), make_event(tenant, fanned_out=True), state="dead"))
    if model is Attempt:
        query = {name: value for name, value in query.items() if name == "window"}
    elif model is not Delivery:
        query = {name: value for name, value in query.items() if name != "state"}
    statements = captured(admin_client, list_page(model), **query)
    assert statements
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        for statement in statements:
            assert "COUNT(" not in statement
            assert " LIKE " not in statement.upper()
            if f'FROM "{table}"' not in statement:
                continue
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert f"Seq Scan on {table}" not in plan, plan
            assert "Sort  (" not in plan, plan


@pytest.mark.parametrize("model", [Event, Delivery, Attempt])
def test_lists_leave_bodies_and_headers_in_the_table(admin_client: Client, model: type) -> None:
    fill(1)
    shown = " ".join(captured(admin_client, list_page(model)))
    for column in (
        '"data"',
        '"routing"',
        '"request_headers"',
        '"response_headers"',
        '"response_body"',
        '"headers"',
        '"auth"',
    ):
        assert column not in shown


def test_paging_shows_every_row_once_in_both_directions(admin_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(ClarionAdmin, "list_per_page", 3)
    endpoint = make_endpoint()
    wanted = sorted((str(make_delivery(endpoint, id=ids.new_id()).pk) for _ in range(8)), reverse=True)

    def walk(start: str, rel: str) -> list[list[str]]:
        url: str | None = start
        pages = []
        while url:
            shown = text(admin_client.get(url))
            pages.append(re.findall(r'name="_selected_action" value="([^"]+)"', shown))
            link = re.search(rf'href="([^"]+)" class="button" rel="{rel}"', shown)
            url = list_page(Delivery) + link[1].replace("&amp;", "&") if link else None
        return pages

    down = walk(list_page(Delivery), "next")
    assert [key for rows in down for key in rows] == wanted
    assert [len(rows) for rows in down] == [3, 3, 2]
    last = down[-1][0]
    up = walk(f"{list_page(Delivery)}?before={down[1][-1].replace('-', '')}", "prev")
    assert up[0][0] == last
    assert up[-1] == wanted[:3], "the first page is full again"


def test_a_filter_without_an_index_looks_at_a_bounded_number_of_rows(admin_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(keyset, "SCAN", 5)
    endpoint = make_endpoint()
    rare = make_delivery(endpoint, id=ids.new_id(), state="succeeded", next_attempt_at=None)
    for _ in range(12):
        make_delivery(endpoint, id=ids.new_id(), state="dead", next_attempt_at=None)
    found, url, pages = [], list_page(Delivery) + "?state=succeeded", 0
    while url:
        shown = text(admin_client.get(url))
        found += re.findall(r'name="_selected_action" value="([^"]+)"', shown)
        link = re.search(r'href="([^"]+)" class="button" rel="next"', shown)
        assert ("looked back to" in shown) == bool(link)
        url = list_page(Delivery) + link[1].replace("&amp;", "&") if link else ""
        pages += 1
    assert found == [str(rare.pk)]
    assert pages == 3


def test_an_indexed_filter_is_not_cut_short(admin_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(keyset, "SCAN", 2)
    tenant = make_tenant(slug="acme")
    endpoint, other = make_endpoint(tenant), make_endpoint()
    mine = make_delivery(endpoint)
    for _ in range(5):
        make_delivery(other, id=ids.new_id())
    assert listed(admin_client, Delivery, tenant="acme") == [str(mine.pk)]
    assert listed(admin_client, Delivery, tenant=tenant.public_id) == [str(mine.pk)]
    assert listed(admin_client, Delivery, endpoint=endpoint.public_id) == [str(mine.pk)]
    assert listed(admin_client, Delivery, tenant="nobody") == []


def test_a_rare_state_is_found_by_its_index(admin_client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(keyset, "SCAN", 2)
    endpoint = make_endpoint()
    rare = {state: make_delivery(endpoint, id=ids.new_id(), state=state) for state in ("dead", "cancelled", "held")}
    for _ in range(5):
        make_delivery(endpoint, id=ids.new_id(), state="succeeded")
    for state, row in rare.items():
        shown = text(admin_client.get(list_page(Delivery), {"state": state}))
        assert re.findall(r'name="_selected_action" value="([^"]+)"', shown) == [str(row.pk)]
        assert "looked back to" not in shown


def test_the_last_week_is_shown_unless_asked_otherwise(admin_client: Client) -> None:
    endpoint = make_endpoint()
    new = make_delivery(endpoint, id=ids.new_id())
    old = make_delivery(endpoint, id=ids.floor(OLD))
    assert listed(admin_client, Delivery) == [str(new.pk)]
    assert listed(admin_client, Delivery, window="30d") == [str(new.pk), str(old.pk)]
    assert listed(admin_client, Delivery, window="nonsense") == [str(new.pk)]


def test_an_exact_search_finds_old_rows_too(admin_client: Client) -> None:
    endpoint = make_endpoint()
    event = make_event(endpoint.tenant, key="order-77", fanned_out=True)
    old = make_delivery(endpoint, event, id=ids.floor(OLD))
    make_delivery(endpoint)
    attempt = make_attempt(old, id=ids.floor(OLD))
    for term in (old.public_id, str(old.pk), ids.show(ids.EVENT, event.pk), "order-77"):
        assert listed(admin_client, Delivery, q=term) == [str(old.pk)], term
    assert page(attempt) in text(admin_client.get(list_page(Attempt), {"q": old.public_id}))
    assert listed(admin_client, Event, q="order-77") == [str(event.pk)]


def test_events_are_found_by_their_whole_type(admin_client: Client) -> None:
    event = make_event(type="order.created")
    make_event(type="order.created.late")
    assert listed(admin_client, Event, q="order.created") == [str(event.pk)]
    assert listed(admin_client, Event, q="order") == []


@pytest.mark.parametrize("model", [*LARGE, Endpoint])
@pytest.mark.parametrize(
    "query", [{"q": "\x00"}, {"q": "dlv_zz"}, {"before": "x", "after": "y"}, {"p": "9"}, {"tenant": "\x00"}]
)
def test_nonsense_in_the_address_is_no_error(admin_client: Client, model: type, query: dict[str, str]) -> None:
    assert admin_client.get(list_page(model), query).status_code in (200, 302, 400)


@pytest.mark.parametrize("lookup", ["data__contains", "response_body__gt", "tenant__metadata__x", "state__startswith"])
def test_columns_cannot_be_probed_through_the_query_string(admin_client: Client, lookup: str) -> None:
    assert admin_client.get(list_page(Delivery), {lookup: "a"}).status_code == 400
