"""Every route that changes something writes an audit entry in its caller's name, or says here why not."""

from __future__ import annotations

import pytest

from tests.api.test_access import PLATFORM_TABLE, TABLE, Row, World, world  # noqa: F401  # a fixture
from tests.client import ApiClient
from tests.factories import make_key
from webhooks.models import ApiKey, AuditEntry, Endpoint
from webhooks.services import endpoints

# Publishing is not recorded: events are a log of their own, and thousands a second.
PUBLISHING = {("POST", "/api/events"), ("POST", "/api/events/batch")}
CHANGING = [row for row in TABLE if row.method != "GET" and (row.method, row.path) not in PUBLISHING]
PLATFORM_CHANGING = [row for row in PLATFORM_TABLE if row.method != "GET"]


def _prepare(world: World, row: Row) -> None:  # noqa: F811
    """Some changes need a state that they change."""
    key = Endpoint.objects.get().id
    if row.path.endswith("/resume"):
        endpoints.pause(key)
    if row.path.endswith("/enable"):
        endpoints.disable(key)


def test_the_tables_have_rows() -> None:
    assert len(CHANGING) >= 15


@pytest.mark.parametrize("row", CHANGING, ids="{0.method} {0.path}".format)
def test_a_route_that_changes_something_is_recorded(world: World, row: Row) -> None:  # noqa: F811
    _prepare(world, row)
    client = ApiClient(make_key(world.tenant, row.scope))
    caller = ApiKey.objects.latest("created_at")
    before = set(AuditEntry.objects.values_list("id", flat=True))
    response = world.send(row, client)
    assert response.status_code == row.status, response.content
    made = AuditEntry.objects.exclude(id__in=before)
    assert made, f"{row.method} {row.path} writes no audit entry"
    for entry in made:
        assert (entry.actor_kind, entry.actor_id) == ("api_key", caller.public_id)
        assert entry.tenant_id == world.tenant.id
        assert entry.request_id == response["X-Request-ID"]
        assert entry.objects_named


@pytest.mark.parametrize("row", PLATFORM_CHANGING, ids="{0.method} {0.path}".format)
def test_so_is_one_of_a_platform_key(world: World, row: Row) -> None:  # noqa: F811
    client = ApiClient(make_key(None, row.scope))
    before = AuditEntry.objects.count()
    assert world.send(row, client).status_code == row.status
    assert AuditEntry.objects.count() > before
    assert AuditEntry.objects.latest("id").actor_kind == "platform_key"


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "GET"], ids="{0.path}".format)
def test_reading_is_not_recorded(world: World, row: Row) -> None:  # noqa: F811
    client = ApiClient(make_key(world.tenant, row.scope))
    before = AuditEntry.objects.count()
    world.send(row, client)
    assert AuditEntry.objects.count() == before


def test_a_refused_change_is_not_recorded(world: World) -> None:  # noqa: F811
    client = ApiClient(make_key(world.tenant, "webhooks:write"))
    before = AuditEntry.objects.count()
    answer = client.patch(
        f"/api/webhooks/{world.objects['webhook']}", {"url": "ftp://receiver.example/", "description": "x"}
    )
    assert answer.status_code == 422
    assert AuditEntry.objects.count() == before


def test_publishing_is_not_recorded(world: World) -> None:  # noqa: F811
    client = ApiClient(make_key(world.tenant, "events:write"))
    before = AuditEntry.objects.count()
    rows = [row for row in TABLE if (row.method, row.path) in PUBLISHING]
    assert [world.send(row, client).status_code for row in rows] == [202, 202]
    assert AuditEntry.objects.count() == before
