"""``/api/events/{id}/routing``: each webhook's part in the routing of an event, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api.checks import parameters, problem
from tests.client import ApiClient
from tests.factories import make_endpoint, make_event, make_key, make_tenant
from webhooks.core import ids
from webhooks.models import Endpoint, Event, Subscription, Tenant
from webhooks.services import deliveries, endpoints, testing
from webhooks.services.fan_out import fan_out

pytestmark = pytest.mark.usefixtures("valkey")


def routed(tenant: Tenant, type: str = "order.created", data: Any = None, **fields: Any) -> Event:
    """An event that was published and routed."""
    event = make_event(tenant, type, data, **fields)
    while fan_out().events:
        pass
    # The database's clock stands still in the transaction of a test.
    Event.objects.filter(id=event.id).update(fanned_out_at=timezone.now())
    return event


def verdicts(api: ApiClient, event: Event) -> dict[str, Any]:
    """The rows of the answer by the id of their webhook."""
    answer = api.get(f"/api/events/{event.public_id}/routing")
    assert answer.status_code == 200, answer.content
    return {row["webhook_id"]: row for row in answer.json()["results"]}


def test_it_tells_who_got_the_event_and_why_the_others_did_not(api: ApiClient, tenant: Tenant) -> None:
    wanting = make_endpoint(tenant, event_types=["order.*"])
    refusals = {
        "type": make_endpoint(tenant, event_types=["invoice.**"]),
        "filter": make_endpoint(tenant, filter={"data.amount": {"$gte": 100}}),
        "channel": make_endpoint(tenant, channels=["eu"]),
        "version": make_endpoint(tenant, version="v9"),
    }
    deleted = make_endpoint(tenant)
    endpoints.delete(deleted.id)
    event = routed(tenant, data={"amount": 5}, channels=["us"], version="v1")
    later = make_endpoint(tenant)
    rows = verdicts(api, event)
    assert len(rows) == 7
    got = rows.pop(wanting.public_id)
    expected = ids.show(ids.DELIVERY, ids.delivery_id(event.id, wanting.id))
    assert (got["matched"], got["reason"], got["delivery_id"], got["delivery_status"], got["trigger"]) == (
        True, None, expected, "pending", "event",
    )  # fmt: skip
    reasons = {name: row["reason"] for name, row in rows.items()}
    assert reasons == {endpoint.public_id: reason for reason, endpoint in refusals.items()} | {
        deleted.public_id: "deleted", later.public_id: "created_later",
    }  # fmt: skip
    assert all(row["matched"] is False and row["detail"] and row["delivery_id"] is None for row in rows.values())
    assert "eu" in rows[refusals["channel"].public_id]["detail"]
    assert "v9" in rows[refusals["version"].public_id]["detail"]
    assert rows[refusals["filter"].public_id]["condition"] == {
        "pointer": "/filter/data.amount/$gte", "path": "data.amount", "operator": "$gte",
    }  # fmt: skip


def test_the_event_stands_beside_the_list(api: ApiClient, tenant: Tenant) -> None:
    make_endpoint(tenant)
    make_endpoint(tenant)
    event = routed(tenant, key="own-id")
    answer = api.get("/api/events/own-id/routing?limit=1").json()
    assert (answer["event_id"], answer["event_type"], answer["status"], answer["matched"]) == (
        "own-id", "order.created", "routed", 2,
    )  # fmt: skip
    assert answer["routed_at"]
    assert (len(answer["results"]), bool(answer["next"]), answer["previous"]) == (1, True, None)
    assert event.key == "own-id"


def test_an_event_that_nobody_wanted_is_explained_as_well(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["other"])
    event = routed(tenant)
    answer = api.get(f"/api/events/{event.public_id}/routing").json()
    assert (answer["matched"], answer["status"]) == (0, "routed")
    assert verdicts(api, event)[endpoint.public_id]["reason"] == "type"


def test_an_event_that_waits_for_its_routing_says_so(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant)
    answer = api.get(f"/api/events/{event.public_id}/routing").json()
    assert (answer["status"], answer["routed_at"]) == ("accepted", None)
    row = verdicts(api, event)[endpoint.public_id]
    assert (row["matched"], row["reason"]) == (None, "not_routed")


@pytest.mark.parametrize(("stop", "reason"), [(endpoints.pause, "paused"), (endpoints.disable, "disabled")])
def test_a_held_delivery_has_a_reason(api: ApiClient, tenant: Tenant, stop: Any, reason: str) -> None:
    endpoint = make_endpoint(tenant)
    stop(endpoint.id)
    row = verdicts(api, routed(tenant))[endpoint.public_id]
    assert (row["matched"], row["reason"], row["delivery_status"]) == (True, reason, "held")


def test_a_replay_is_told_beside_the_reason(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["other"])
    event = routed(tenant)
    deliveries.replay_events([event.id], [endpoint.id])
    row = verdicts(api, event)[endpoint.public_id]
    assert (row["matched"], row["reason"], row["trigger"]) == (False, "type", "replay")
    assert row["delivery_id"]


def test_a_replay_does_not_hide_the_delivery_of_the_routing(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = routed(tenant)
    deliveries.replay_events([event.id], None)
    row = verdicts(api, event)[endpoint.public_id]
    assert (row["matched"], row["trigger"]) == (True, "event")


def test_a_test_event_is_for_one_webhook(api: ApiClient, tenant: Tenant) -> None:
    endpoint, bystander = make_endpoint(tenant), make_endpoint(tenant)
    event_id, _ = testing.send_test(endpoint.id)
    rows = verdicts(api, Event.objects.get(id=event_id))
    assert (rows[endpoint.public_id]["matched"], rows[endpoint.public_id]["trigger"]) == (True, "test")
    assert (rows[bystander.public_id]["matched"], rows[bystander.public_id]["reason"]) == (False, "test")


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ({"filter": {"data.n": 5}}, {"filter": None}, "filter"),
        ({"channels": ["eu"]}, {"channels": []}, "channel"),
        ({"version": "v9"}, {"version": None}, "version"),
        ({"event_types": ["other"]}, {"event_types": ["*"]}, "type"),
    ],
)
def test_what_was_changed_since_does_not_change_the_verdict(
    api: ApiClient, tenant: Tenant, then: dict[str, Any], now: dict[str, Any], reason: str
) -> None:
    endpoint = make_endpoint(tenant, **then)
    event = routed(tenant, version="v1")
    endpoints.update(tenant.id, endpoint.id, now)
    row = verdicts(api, event)[endpoint.public_id]
    assert (row["matched"], row["reason"], row["condition"]) == (False, reason, None)
    assert "since" in row["detail"]


def test_a_star_does_not_stand_for_operational_events(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = routed(tenant, "delivery.dead", origin=Event.Origin.OPERATIONAL)
    row = verdicts(api, event)[endpoint.public_id]
    assert row["reason"] == "type"
    assert "*" in row["detail"]


def test_data_that_is_no_json_is_explained_without_a_condition(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, filter={"data.n": 1})
    event = make_event(tenant)
    Event.objects.filter(id=event.id).update(data=b"{")
    while fan_out().events:
        pass
    Event.objects.filter(id=event.id).update(fanned_out_at=timezone.now())
    row = verdicts(api, event)[endpoint.public_id]
    assert (row["reason"], row["condition"]) == ("filter", None)


def test_no_value_of_a_filter_is_shown(api: ApiClient, tenant: Tenant) -> None:
    make_endpoint(tenant, filter={"$and": [{"data.code": {"$prefix": "cellar"}}, {"data.n": 1}]})
    answer = api.get(f"/api/events/{routed(tenant).public_id}/routing")
    assert b"/filter/$and/0/data.code/$prefix" in answer.content
    assert b"cellar" not in answer.content


def test_one_webhook_can_be_asked_for(api: ApiClient, tenant: Tenant) -> None:
    endpoint, _ = make_endpoint(tenant), make_endpoint(tenant)
    event = routed(tenant)
    path = f"/api/events/{event.public_id}/routing"
    rows = api.get(f"{path}?webhook={endpoint.public_id}").json()["results"]
    assert [row["webhook_id"] for row in rows] == [endpoint.public_id]
    assert parameters(api.get(f"{path}?webhook=x")) == ["webhook"]


def test_pages_lead_through_all_webhooks(api: ApiClient, tenant: Tenant) -> None:
    made = {make_endpoint(tenant).public_id for _ in range(5)}
    path = f"/api/events/{routed(tenant).public_id}/routing?limit=2"
    found: list[str] = []
    while path:
        page = api.get(path).json()
        found += [row["webhook_id"] for row in page["results"]]
        path = (page["next"] or "").replace("http://testserver", "")
    assert (len(found), set(found)) == (5, made)


def test_nothing_of_another_tenant_is_told(platform_key: str, tenant: Tenant) -> None:
    make_endpoint(make_tenant())
    own = make_endpoint(tenant)
    event = routed(tenant)
    assert set(verdicts(ApiClient(platform_key), event)) == {own.public_id}
    problem(ApiClient(make_key(make_tenant())).get(f"/api/events/{event.public_id}/routing"), 404)


def test_an_endpoint_deleted_after_the_event_is_judged_by_what_it_was(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["other"])
    event = routed(tenant)
    Endpoint.objects.filter(id=endpoint.id).update(deleted_at=timezone.now() + timedelta(seconds=1))
    assert verdicts(api, event)[endpoint.public_id]["reason"] == "type"
    assert Subscription.objects.filter(endpoint=endpoint).exists()


def test_the_number_of_statements_does_not_grow_with_the_webhooks(
    api: ApiClient, tenant: Tenant, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_endpoint(tenant)
    event = routed(tenant)
    api.get(f"/api/events/{event.public_id}/routing")  # notes the use of the key
    with django_assert_max_num_queries(11):
        verdicts(api, event)
