"""docs/lookups.md: its examples are answered, and its tables are those of the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.client import ApiClient
from tests.docs.pages import block, blocks, page, section
from tests.docs.test_senders_page import rows_of
from tests.factories import make_endpoint, make_event
from webhooks.api.delivery_filters import DeadLetterFilters, DeliveryFilters
from webhooks.api.filters import AttemptFilters, EventFilters, Period
from webhooks.api.views.webhook_actions import MAX_WAIT
from webhooks.core.latency import BOUNDS
from webhooks.models import Tenant
from webhooks.services import statistics
from webhooks.services.routing import Reason

PAGE = page("docs/lookups.md")
ADDRESSES = [
    (method or "GET", address)
    for text in blocks(PAGE, "bash")
    for method, address in re.findall(r'curl (?:-X (\w+) )?"\$API([^"]+)"', text)
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES, ids=[address for _, address in ADDRESSES])
def test_the_examples_are_answered(api: ApiClient, tenant: Tenant, method: str, address: str) -> None:
    endpoint = make_endpoint(tenant)
    make_event(tenant, key="order-1001", fanned_out=True)
    path = address.replace("$WEBHOOK", endpoint.public_id).replace("?wait=10", "?wait=0")
    answer = api.request(method, f"/api{path}")
    assert answer.status_code in (200, 202), answer.content


def test_the_answer_on_the_page_has_the_members_of_a_real_one(api: ApiClient, tenant: Tenant) -> None:
    make_endpoint(tenant)
    event = make_event(tenant, fanned_out=True)
    shown = json.loads(block(PAGE, "json", "delivery_status"))
    real = api.get(f"/api/events/{event.public_id}/routing").json()
    assert list(shown) == list(real)
    assert list(shown["results"][0]) == list(shown["results"][1]) == list(real["results"][0])


def test_all_reasons_are_explained() -> None:
    table = rows_of(section(PAGE, "Why did this webhook not get that event?"))
    named = re.findall(r"`(\w+)`", " ".join(cell for cell, _ in table))
    assert sorted(named) == sorted(str(reason) for reason in Reason)


def test_the_table_of_filters_is_complete() -> None:
    table = {path.strip("`"): cell for path, cell in rows_of(section(PAGE, "Searching"))}
    sets: dict[str, type[Period]] = {
        "/api/events": EventFilters, "/api/deliveries": DeliveryFilters, "/api/dead-letters": DeadLetterFilters,
        "/api/webhooks/{id}/attempts": AttemptFilters,
    }  # fmt: skip
    assert set(table) == set(sets)
    for path, kind in sets.items():
        named = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", table[path]))
        assert set(named) == set(kind.base_filters) - {"created_after", "created_before"}, path


def test_the_members_of_statistics_are_those_of_the_answer(api: ApiClient, tenant: Tenant) -> None:
    found: Any = api.get(f"/api/webhooks/{make_endpoint(tenant).public_id}/stats").json()
    table = rows_of(section(PAGE, "How has a webhook been doing?"))
    assert {cell.strip("`") for cell, _ in table} == set(found) - {"webhook_id", "window", "since", "until"}
    assert f"{statistics.COUNT_LIMIT:,}" in PAGE
    assert f"{BOUNDS[1] / BOUNDS[0] - 1:.0%}".replace("%", " %") in PAGE
    assert f"at most {MAX_WAIT})" in PAGE
