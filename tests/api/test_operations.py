"""``/api/operations``, the replays that are short for one, uploads, and downloads by link."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from pytest_django import Settings

from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event, make_key, make_tenant
from tests.services.conftest import storage as storage
from tests.services.operating import finish
from webhooks.core import ids, purged
from webhooks.models import Delivery, Event, Operation, Tenant

pytestmark = pytest.mark.django_db
NDJSON = {"Content-Type": "application/x-ndjson"}


def key_of(answer: Any) -> Any:
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert answer["Location"] == f"/api/operations/{body['operation_id']}"
    assert body["status"] == "pending"
    return ids.parse(ids.OPERATION, body["operation_id"])


def test_an_operation_is_ordered_watched_and_done(api: ApiClient, tenant: Tenant, valkey: Any) -> None:
    make_event(tenant, fanned_out=True)
    make_endpoint(tenant)
    answer = api.post("/api/operations", {"type": "replay", "params": {"status": ["unmatched"]}})
    key = key_of(answer)
    shown = api.get(answer["Location"]).json()
    assert (shown["status"], shown["result"], shown["progress"]) == ("pending", None, {"done": 0, "total": None})
    assert shown["params"]["status"] == ["unmatched"]
    finish(key)
    shown = api.get(answer["Location"]).json()
    assert (shown["status"], shown["progress"]) == ("done", {"done": 1, "total": 1})
    assert shown["result"]["deliveries"] == 1
    assert shown["error"] is shown["result_url"] is shown["callback_url"] is None


def test_lists_are_filtered(api: ApiClient, valkey: Any) -> None:
    first = key_of(api.post("/api/operations", {"type": "replay"}))
    second = key_of(api.post("/api/operations", {"type": "discard"}))
    finish(first)

    def listed(query: str) -> list[str]:
        return [one["id"] for one in api.get(f"/api/operations?{query}").json()["results"]]

    shown = [ids.show(ids.OPERATION, key) for key in (second, first)]
    assert listed("limit=5") == shown
    assert listed("type=discard") == shown[:1]
    assert listed("status=done") == shown[1:]
    assert listed("status=done&type=discard") == []


def test_a_secret_is_shown_once_and_only_when_it_was_made(api: ApiClient, valkey: Any) -> None:
    order = {"type": "replay", "callback_url": "https://app.example/done"}
    made = api.post("/api/operations", order)
    assert made.json()["callback_secret"].startswith("whsec_")
    shown = api.get(made["Location"])
    assert shown.json()["callback_url"] == "https://app.example/done"
    assert "whsec_" not in shown.content.decode()
    given = "whsec_" + "QUJD" * 11
    assert "callback_secret" not in api.post("/api/operations", {**order, "callback_secret": given}).json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"),
        ({"type": "everything"}, "/type"),
        ({"type": "replay", "parameters": {}}, "/parameters"),
        ({"type": "replay", "params": {"staus": ["dead"]}}, "/params/staus"),
        (
            {"type": "replay", "params": {"since": "2025-01-02T00:00:00Z", "until": "2025-01-01T00:00:00Z"}},
            "/params/until",
        ),
        ({"type": "replay", "callback_url": "http://169.254.169.254/"}, "/callback_url"),
        ({"type": "replay", "callback_secret": "whsec_x"}, "/callback_secret"),
        ({"type": "purge"}, "/params"),
        ({"type": "export", "params": {"what": "events", "status": ["dead"]}}, "/params/status"),
        ({"type": "import"}, "/params/ndjson"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_orders_are_422_with_a_pointer(api: ApiClient, valkey: Any, body: Any, pointer: str) -> None:
    assert problem(api.post("/api/operations", body), 422)["errors"][0]["pointer"] == pointer
    assert not Operation.objects.exists()


def test_the_same_order_under_one_key_is_one_operation(api: ApiClient, valkey: Any) -> None:
    order = {"type": "replay", "callback_url": "https://app.example/done"}
    answers = [api.post("/api/operations", order, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Operation.objects.count() == 1


def test_cancelling(api: ApiClient, valkey: Any) -> None:
    answer = api.post("/api/operations", {"type": "replay"})
    key = key_of(answer)
    assert api.post(f"{answer['Location']}/cancel").status_code == 202
    finish(key)
    assert api.get(answer["Location"]).json()["status"] == "cancelled"
    assert api.post(f"{answer['Location']}/cancel").json()["status"] == "cancelled"
    other = api.post("/api/operations", {"type": "replay"})
    finish(key_of(other))
    assert "done" in problem(api.post(f"{other['Location']}/cancel"), 409)["detail"]


# --- replays of one webhook and of one event


def test_a_webhook_is_replayed(api: ApiClient, tenant: Tenant, valkey: Any) -> None:
    event = make_event(tenant, fanned_out=True)
    endpoint, other = make_endpoint(tenant), make_endpoint(tenant)
    body = {"status": ["unmatched"], "dry_run": False, "rate": 10}
    operation = finish(key_of(api.post(f"/api/webhooks/{endpoint.public_id}/replay", body)))
    assert operation.params["webhooks"] == [endpoint.public_id]
    assert Delivery.objects.get().event_id == event.id
    assert not Delivery.objects.filter(endpoint=other).exists()


def test_its_parameters_stand_at_the_top(api: ApiClient, tenant: Tenant, valkey: Any) -> None:
    path = f"/api/webhooks/{make_endpoint(tenant).public_id}/replay"
    for body, pointer in (({"status": ["x"]}, "/status/0"), ({"x": 1}, "/x"), ({"webhooks": "all"}, "/webhooks")):
        assert problem(api.post(path, body), 422)["errors"][0]["pointer"] == pointer


def test_an_event_is_replayed_to_named_webhooks_or_to_all_that_had_it(
    api: ApiClient, tenant: Tenant, valkey: Any
) -> None:
    endpoint, other = make_endpoint(tenant), make_endpoint(tenant, event_types=["other.type"])
    event = make_event(tenant, key="ord-1", fanned_out=True)
    path = "/api/events/ord-1/replay"
    assert "name the webhooks" in problem(api.post(path), 409)["detail"]
    answer = api.post(path, {"webhooks": [other.public_id]})
    assert answer.status_code == 202
    (shown,) = answer.json()["deliveries"]
    assert api.get(f"/api/deliveries/{shown}").json()["trigger"] == "replay"
    make_delivery(endpoint, event, state="succeeded")
    assert len(api.post(path, {"webhooks": None}).json()["deliveries"]) == 2
    assert Delivery.objects.count() == 4


def test_an_event_is_not_replayed_to_others_webhooks_nor_when_it_was_purged(
    api: ApiClient, tenant: Tenant, valkey: Any
) -> None:
    event = make_event(tenant, fanned_out=True)
    path = f"/api/events/{event.public_id}/replay"
    foreign = make_endpoint(make_tenant())
    for webhooks, pointer in (
        ([foreign.public_id], "/webhooks/0"), ([], "/webhooks"), (["wh_"], "/webhooks/0"), (7, "/webhooks"),
    ):  # fmt: skip
        assert problem(api.post(path, {"webhooks": webhooks}), 422)["errors"][0]["pointer"] == pointer
    Event.objects.update(data=purged.MARKER)
    assert "purged" in problem(api.post(path, {"webhooks": [make_endpoint(tenant).public_id]}), 409)["detail"]
    assert not Delivery.objects.exists()


def test_a_callback_is_among_the_deliveries_and_not_among_the_webhooks(
    api: ApiClient, tenant: Tenant, valkey: Any
) -> None:
    body = {"type": "replay", "callback_url": "https://app.example/done"}
    operation = finish(key_of(api.post("/api/operations", body)))
    (shown,) = api.get("/api/deliveries").json()["results"]
    assert (shown["trigger"], shown["event_type"]) == ("callback", "operation.done")
    assert api.get("/api/webhooks").json()["results"] == []
    hidden = ids.show(ids.WEBHOOK, operation.callback_id)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/replay")):
        body = () if method in ("GET", "DELETE") else ({},)
        problem(api.request(method, f"/api/webhooks/{hidden}{path}", *body), 404)


# --- files


def download(answer: Any) -> Any:
    return ApiClient().get(answer.json()["result_url"].removeprefix("http://127.0.0.1:8000"))


@pytest.fixture
def public(settings: Settings, storage: Any, valkey: Any) -> None:
    settings.WEBHOOKS_PUBLIC_URL = "http://127.0.0.1:8000"


def exported(api: ApiClient, **params: Any) -> str:
    answer = api.post("/api/operations", {"type": "export", "params": {"what": "events", **params}})
    finish(key_of(answer))
    return str(answer["Location"])


def test_a_result_is_downloaded_without_a_key(api: ApiClient, tenant: Tenant, public: None) -> None:
    make_event(tenant, key="ord-1")
    answer = download(api.get(exported(api)))
    assert answer.status_code == 200
    assert [json.loads(line)["id"] for line in answer.getvalue().splitlines()] == ["ord-1"]
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"].startswith('attachment; filename="events-op_')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert download(api.get(exported(api, format="csv")))["Content-Type"].startswith("text/csv")


def test_a_link_is_for_one_operation_and_nobody_guesses_it(api: ApiClient, tenant: Tenant, public: None) -> None:
    mine = api.get(exported(api)).json()
    stranger = ApiClient(make_key(make_tenant()))
    theirs = stranger.get(exported(stranger)).json()
    token = mine["result_url"].partition("?")[2]
    for path in (
        f"/api/operations/{theirs['id']}/result?{token}",
        f"/api/operations/{mine['id']}/result",
        f"/api/operations/{mine['id']}/result?token=",
        f"/api/operations/{mine['id']}/result?{token}x",
        f"/api/operations/{mine['id']}/result?token=%00:%ff",
        f"/api/operations/op_{'0' * 32}/result?{token}",
        f"/api/operations/x/result?{token}",
    ):
        for client in (ApiClient(raise_errors=False), stranger):
            problem(client.get(path), 404)


def test_there_is_no_result_of_other_operations(api: ApiClient, public: None) -> None:
    answer = api.post("/api/operations", {"type": "replay"})
    finish(key_of(answer))
    assert api.get(answer["Location"]).json()["result_url"] is None


def test_a_file_is_imported(api: ApiClient, tenant: Tenant, public: None) -> None:
    text = b'{"type":"order.created","data":1,"id":"a-1"}\n{"type":"order.created"}\n'
    for body, headers in ((text, NDJSON), (gzip.compress(text), {**NDJSON, "Content-Encoding": "gzip"})):
        answer = api.post("/api/operations/import?callback_url=https://app.example/done", body, headers=headers)
        finish(key_of(answer))
        assert answer.json()["callback_secret"].startswith("whsec_")
        result = api.get(answer["Location"]).json()["result"]
        assert (result["lines"], result["failed"], result["errors"][0]["line"]) == (2, 1, 2)
    assert Event.objects.filter(key="a-1").count() == 1


def test_bad_uploads_are_refused(api: ApiClient, settings: Settings, public: None, storage: Any) -> None:
    path = "/api/operations/import"
    problem(api.post(path, b"", headers=NDJSON), 422)
    problem(api.post(path, b" \n ", headers=NDJSON), 422)
    problem(api.post(path, b"{}", headers={"Content-Type": "text/csv"}), 415)
    assert problem(api.post(f"{path}?callback=x", b"{}", headers=NDJSON), 400)["errors"][0]["parameter"] == "callback"
    bad = problem(api.post(f"{path}?callback_url=ftp://x", b"{}", headers=NDJSON), 400)
    assert bad["errors"][0]["parameter"] == "callback_url"
    settings.WEBHOOKS_MAX_IMPORT_BYTES = 10
    problem(api.post(path, b"x" * 11, headers=NDJSON), 413)
    assert not Operation.objects.exists()
    assert not list(storage.iterdir()), "nothing is stored of what is refused"


def test_an_upload_under_one_key_is_one_import(api: ApiClient, public: None) -> None:
    headers = {**NDJSON, "Idempotency-Key": "k"}
    answers = [api.post("/api/operations/import", b'{"type":"a.b","data":1}', headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert Operation.objects.count() == 1


def test_operations_are_found_by_status_and_type_with_their_callbacks(api: ApiClient, valkey: Any) -> None:
    order = {"type": "replay", "callback_url": "https://app.example.com/done"}
    made = {api.post("/api/operations", order).json()["operation_id"] for _ in range(2)}
    found = api.get("/api/operations?status=pending&type=replay").json()["results"]
    assert {row["id"] for row in found} == made
    assert {row["callback_url"] for row in found} == {order["callback_url"]}
    assert api.get("/api/operations?status=done&type=replay").json()["results"] == []
