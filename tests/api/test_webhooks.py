"""``/api/webhooks``: what is stored, shown, changed and refused."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint, make_event, secret_of
from tests.receiver import Receiver
from webhooks.core import ids
from webhooks.guards import gate
from webhooks.models import Endpoint, EndpointSecret, Mailbox, Subscription, Tenant
from webhooks.services import backlog

FULL: dict[str, Any] = {
    "url": "https://api.destination.com/webhooks",
    "event_types": ["payment.*", "order.created"],
    "version": "v2",
    "active": True,
    "description": "Payment processing webhooks",
    "metadata": {"team": "billing", "n": 1.5},
    "channels": ["eu"],
    "filter": {"data.amount": {"$gte": 100}},
    "payload_format": "data",
    "content_type": "application/vnd.acme.v2+json",
    "signature_schemes": ["hex"],
    "headers": {"X-Team": "billing", "X-Api-Key": "very secret"},
    "auth": {"type": "basic", "username": "clarion", "password": "hunter2"},
    "retry_policy": {"schedule": [10, 60, 600], "jitter": 0.1},
    "retry_client_errors": True,
    "timeout": 20,
    "rate_limit": {"limit": 100, "period": 1},
    "max_in_flight": 3,
    "ordered": True,
    "batch": None,
}
MINIMAL = {"url": "https://a.example/hook", "event_types": ["*"]}
DEFAULTS = {
    "version": None, "active": True, "description": "", "metadata": {}, "channels": [], "filter": None,
    "payload_format": "envelope", "content_type": "application/json", "signature_schemes": ["standard", "hex"],
    "headers": {}, "auth": {"type": "none"}, "retry_policy": "default", "retry_client_errors": False,
    "timeout": 15, "rate_limit": None, "max_in_flight": 8, "ordered": False, "batch": None,
}  # fmt: skip
MASK = "********"


def _create(api: ApiClient, **fields: Any) -> dict[str, Any]:
    response = api.post("/api/webhooks", MINIMAL | fields)
    assert response.status_code == 201, response.content
    made: dict[str, Any] = response.json()
    return made


def _path(webhook: dict[str, Any]) -> str:
    return f"/api/webhooks/{webhook['id']}"


def test_every_field_is_stored_and_shown(api: ApiClient, valkey: redis.Redis) -> None:
    made = _create(api, **FULL)
    shown = api.get(_path(made)).json()
    expected = FULL | {
        "webhook_url": FULL["url"],
        "headers": {"X-Team": "billing", "X-Api-Key": MASK},
        "auth": {"type": "basic", "username": "clarion", "password": MASK},
        "status": "active", "disabled_reason": None, "breaker": "closed", "next_due_at": None, "pending": 0,
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected
    endpoint = Endpoint.objects.get()
    assert endpoint.headers == FULL["headers"]
    assert endpoint.auth == FULL["auth"]
    assert {(one.pattern, tuple(one.channels), one.tenant_id) for one in endpoint.subscriptions.all()} == {
        (pattern, ("eu",), endpoint.tenant_id) for pattern in FULL["event_types"]
    }
    assert Mailbox.objects.get().endpoint == endpoint


def test_what_is_left_out_gets_its_default(api: ApiClient) -> None:
    made = _create(api)
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS


def test_the_secret_is_in_the_answer_to_creating_and_nowhere_else(api: ApiClient) -> None:
    made = _create(api)
    secret = made["secret"]
    assert secret == secret_of(Endpoint.objects.get())
    others = [api.get(_path(made)), api.get("/api/webhooks"), api.patch(_path(made), {"description": "x"})]
    others += [api.put(_path(made), MINIMAL), api.post(f"{_path(made)}/pause")]
    for response in others:
        assert response.status_code == 200
        assert secret.encode() not in response.content


def test_location_leads_to_the_new_webhook(api: ApiClient) -> None:
    response = api.post("/api/webhooks", MINIMAL)
    assert api.get(response["Location"]).json()["id"] == response.json()["id"]


def test_webhook_url_is_accepted_for_url(api: ApiClient) -> None:
    made = api.post("/api/webhooks", {"webhook_url": "https://b.example/x", "event_types": ["a.b"]}).json()
    assert (made["url"], made["webhook_url"]) == ("https://b.example/x", "https://b.example/x")


def test_the_url_is_kept_in_canonical_form(api: ApiClient) -> None:
    assert _create(api, url="HTTPS://BÜCHER.example:443/Pfad?q={}"[:-2] + "1")["url"] == (
        "https://xn--bcher-kva.example/Pfad?q=1"
    )


def test_a_webhook_can_be_made_inactive(api: ApiClient) -> None:
    made = _create(api, active=False)
    assert (made["active"], made["status"]) == (False, "disabled")
    assert made["disabled_reason"]


# --- bad input: body, pointers

URLS = [
    "", "x", "ftp://a.example/", "file:///etc/passwd", "https://", "https:///x", "https://a.example:0/",
    "https://a.example:99999/", "https://user:pw@a.example/", "https://a.example/#x", "https://a b.example/",
    "http://127.0.0.1\\@a.example/", "https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest",
    "https://[::1]/", "https://[fe80::1%25eth0]/", "https://2130706433/", "https://0x7f.1/", "https://a.invalid/",
    "https://a.onion/", "https://100.64.0.1/", "https://[::ffff:10.0.0.1]/", "https://a.example/" + "x" * 2100,
    "https://a.example/{secret}", "https://a.example/\x00", "javascript:alert(1)", 5, None, True, [], {"url": "x"},
]  # fmt: skip


@pytest.mark.parametrize("url", URLS, ids=repr)
def test_a_bad_or_hostile_url_is_refused(api: ApiClient, url: Any) -> None:
    assert pointers(api.post("/api/webhooks", MINIMAL | {"url": url})) == ["/url"]
    assert not Endpoint.objects.exists()


def test_http_is_refused_unless_it_is_allowed(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_HTTP = False
    assert pointers(api.post("/api/webhooks", MINIMAL | {"url": "http://a.example/"})) == ["/url"]
    settings.WEBHOOKS_ALLOW_HTTP = True
    _create(api, url="http://a.example/")


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"event_types": []}, ["/event_types"]),
    ({"event_types": "order.*"}, ["/event_types"]),
    ({"event_types": None}, ["/event_types"]),
    ({"event_types": ["order.created", 5]}, ["/event_types/1"]),
    ({"event_types": ["a..b", "*.a", "a.*.b", "", "a b"]}, [f"/event_types/{n}" for n in range(5)]),
    ({"event_types": ["a\n", "x" * 200, "ä", "a.***"]}, [f"/event_types/{n}" for n in range(4)]),
    ({"event_types": ["a.b", "a.b"]}, ["/event_types/1"]),
    ({"event_types": [f"a.b{n}" for n in range(101)]}, ["/event_types"]),
    ({"version": "v 2"}, ["/version"]),
    ({"version": 2}, ["/version"]),
    ({"version": "x" * 33}, ["/version"]),
    ({"active": "yes"}, ["/active"]),
    ({"active": None}, ["/active"]),
    ({"description": None}, ["/description"]),
    ({"description": "x" * 501}, ["/description"]),
    ({"description": "a\x00b"}, ["/description"]),
    ({"metadata": []}, ["/metadata"]),
    ({"metadata": {"a": "\x00"}}, ["/metadata"]),
    ({"metadata": {"\x00": 1}}, ["/metadata"]),
    ({"metadata": {"a": "x" * 20_000}}, ["/metadata"]),
    ({"channels": "eu"}, ["/channels"]),
    ({"channels": ["eu", "", "a,b", "x" * 129]}, ["/channels/1", "/channels/2", "/channels/3"]),
    ({"channels": [str(n) for n in range(21)]}, ["/channels"]),
    ({"filter": []}, ["/filter"]),
    ({"filter": {}}, ["/filter"]),
    ({"filter": {"data.a": {"$regex": "x"}}}, ["/filter/data.a/$regex"]),
    ({"filter": {"$or": [{"a": 1}, {"b": {"$in": 5}}]}}, ["/filter/$or/1/b/$in"]),
    ({"filter": {"a/b~c": {"$gt": None}}}, ["/filter/a~1b~0c/$gt"]),
    ({"filter": {"data.a": "\x00"}}, ["/filter"]),
    ({"payload_format": "xml"}, ["/payload_format"]),
    ({"payload_format": "cloudevents", "content_type": "application/vnd.acme.v2+json"}, ["/content_type"]),
    ({"content_type": "application/cloudevents+json"}, ["/content_type"]),
    ({"payload_format": "cloudevents-binary", "content_type": "application/cloudevents-batch+json"}, ["/content_type"]),
    ({"content_type": "text/plain"}, ["/content_type"]),
    ({"content_type": "application/json\r\nX-Evil: 1"}, ["/content_type"]),
    ({"content_type": "application/json\n"}, ["/content_type"]),
    ({"signature_schemes": []}, ["/signature_schemes"]),
    ({"signature_schemes": "hex"}, ["/signature_schemes"]),
    ({"signature_schemes": ["hex", "rot13"]}, ["/signature_schemes/1"]),
    ({"signature_schemes": ["standard-ed25519", "v1a"]}, ["/signature_schemes/1"]),
    ({"signing_keys": []}, ["/signing_keys"]),
    ({"headers": []}, ["/headers"]),
    ({"headers": {"Host": "x"}}, ["/headers/Host"]),
    ({"headers": {"Transfer-Encoding": "chunked", "X-Ok": "1"}}, ["/headers/Transfer-Encoding"]),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, ["/headers/X-A"]),
    ({"headers": {"X/A": "1"}}, ["/headers/X~1A"]),
    ({"headers": {"X-A": 1}}, ["/headers/X-A"]),
    ({"headers": {f"X-{n}": "1" for n in range(21)}}, ["/headers"]),
    ({"headers": {"Webhook-Signature": "x"}}, ["/headers/Webhook-Signature"]),
    ({"auth": None}, ["/auth"]),
    ({"auth": "bearer"}, ["/auth"]),
    ({"auth": {}}, ["/auth"]),
    ({"auth": {"type": "digest"}}, ["/auth/type"]),
    ({"auth": {"type": "oauth2", "token_url": "https://a.example/"}}, ["/auth/client_id", "/auth/client_secret"]),
    ({"auth": {"type": "mtls"}}, ["/auth/certificate", "/auth/private_key"]),
    ({"auth": {"type": "basic", "username": "a"}}, ["/auth/password"]),
    ({"auth": {"type": "basic", "username": "a:b", "password": "c"}}, ["/auth/username"]),
    ({"auth": {"type": "bearer", "token": "a b"}}, ["/auth/token"]),
    ({"auth": {"type": "bearer", "token": "a\r\nX: y"}}, ["/auth/token"]),
    ({"auth": {"type": "bearer", "token": "x", "username": "y"}}, ["/auth/username"]),
    ({"auth": {"type": "bearer", "token": MASK}}, ["/auth/token"]),
    ({"auth": {"type": "api_key", "name": "Host", "value": "x"}}, ["/auth/name"]),
    ({"auth": {"type": "api_key", "name": "X-Key", "value": "é"}}, ["/auth/value"]),
    ({"auth": {"type": "none", "token": "x"}}, ["/auth/token"]),
    ({"auth": {"type": "bearer", "token": "x"}, "headers": {"authorization": "Bearer y"}}, ["/headers/authorization"]),
    ({"auth": {"type": "api_key", "name": "X-Key", "value": "x"}, "headers": {"x-key": "y"}}, ["/headers/x-key"]),
    ({"retry_policy": "never"}, ["/retry_policy"]),
    ({"retry_policy": {"schedule": [1, -1]}}, ["/retry_policy"]),
    ({"retry_policy": {"schedule": [1] * 21}}, ["/retry_policy"]),
    ({"retry_policy": {"schedule": [1], "jitter": 2}}, ["/retry_policy"]),
    ({"retry_policy": None}, ["/retry_policy"]),
    ({"retry_client_errors": 1}, ["/retry_client_errors"]),
    ({"timeout": 0}, ["/timeout"]),
    ({"timeout": 31}, ["/timeout"]),
    ({"timeout": 1.5}, ["/timeout"]),
    ({"timeout": True}, ["/timeout"]),
    ({"timeout": "15"}, ["/timeout"]),
    ({"rate_limit": {}}, ["/rate_limit"]),
    ({"rate_limit": {"limit": 0}}, ["/rate_limit/limit"]),
    ({"rate_limit": {"limit": 1.5, "period": 0}}, ["/rate_limit/limit", "/rate_limit/period"]),
    ({"rate_limit": {"limit": 1, "burst": 5}}, ["/rate_limit/burst"]),
    ({"max_in_flight": 0}, ["/max_in_flight"]),
    ({"max_in_flight": 101}, ["/max_in_flight"]),
    ({"ordered": "true"}, ["/ordered"]),
    ({"batch": []}, ["/batch"]),
    ({"batch": {"max_events": 0, "max_wait": -1, "size": 5}}, ["/batch/max_events", "/batch/max_wait", "/batch/size"]),
    ({"batch": {"max_events": 101}}, ["/batch/max_events"]),
    ({"batch": {"max_wait": 301}}, ["/batch/max_wait"]),
    ({"batch": {}, "ordered": True}, ["/batch"]),
    ({"batch": {}, "payload_format": "data"}, ["/payload_format"]),
    ({"batch": {}, "payload_format": "cloudevents-binary"}, ["/payload_format"]),
    ({"batch": {}, "url": "https://receiver.example/{event_type}"}, ["/url"]),
    ({"batch": {}, "url": "https://receiver.example/{version}"}, ["/url"]),
    ({"destination": {"type": "queue"}}, ["/destination", "/destination/queue", "/destination/url"]),
    ({"destination": "amqps://mq.example.com"}, ["/destination", "/destination"]),
    ({"destination": {"type": "kafka"}}, ["/destination", "/destination/type"]),
    ({"webhook_url": "https://other.example/"}, ["/webhook_url"]),
    ({"colour": "red", "a/b": 1}, ["/a~1b", "/colour"]),
    ({"id": "wh_1"}, ["/id"]),
    ({"secret": "whsec_mine"}, ["/secret"]),
    ({"status": "paused"}, ["/status"]),
    ({"tenant_id": "ten_other"}, ["/tenant_id"]),
    ({"created_at": "2020-01-01T00:00:00Z"}, ["/created_at"]),
]  # fmt: skip


def test_a_batch_is_kept_with_its_defaults(api: ApiClient) -> None:
    made = _create(api, batch={"max_wait": 0.5})

    assert made["batch"] == {"max_events": 50, "max_wait": 0.5}
    assert api.patch(_path(made), {"ordered": True}).status_code == 422
    assert api.patch(_path(made), {"batch": None, "ordered": True}).json()["batch"] is None


@pytest.mark.parametrize(("fields", "where"), BAD, ids=[f"{n}-{next(iter(row[0]))}" for n, row in enumerate(BAD)])
def test_a_bad_field_is_refused_with_its_pointer(api: ApiClient, fields: dict[str, Any], where: list[str]) -> None:
    assert sorted(pointers(api.post("/api/webhooks", MINIMAL | fields))) == sorted(where)
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(("fields", "where"), BAD[::7], ids=[f"{next(iter(row[0]))}" for row in BAD[::7]])
def test_a_bad_change_changes_nothing(api: ApiClient, fields: dict[str, Any], where: list[str]) -> None:
    made = _create(api)
    changed = {"description": "changed", **fields}
    assert sorted(pointers(api.patch(_path(made), changed))) == sorted(where)
    assert sorted(pointers(api.put(_path(made), MINIMAL | changed))) == sorted(where)
    assert api.get(_path(made)).json() == {name: value for name, value in made.items() if name != "secret"}


def test_all_faults_are_told_at_once(api: ApiClient) -> None:
    response = api.post("/api/webhooks", {"url": "x", "timeout": 0, "colour": 1})
    assert set(pointers(response)) == {"/url", "/timeout", "/colour", "/event_types"}


@pytest.mark.parametrize("body", [{}, {"event_types": ["*"]}, {"url": "https://a.example/"}])
def test_url_and_event_types_are_required(api: ApiClient, body: dict[str, Any]) -> None:
    assert set(pointers(api.post("/api/webhooks", body))) == {"/url", "/event_types"} - {f"/{name}" for name in body}


# --- changing


def test_patch_changes_the_given_fields_only(api: ApiClient) -> None:
    made = _create(api, **FULL)
    changed = api.patch(_path(made), {"timeout": 5, "event_types": ["refund.*", "order.created"]}).json()
    stays = {name: made[name] for name in FULL if name not in ("timeout", "event_types")}
    assert {name: changed[name] for name in stays} == stays
    assert (changed["timeout"], set(changed["event_types"])) == (5, {"refund.*", "order.created"})
    assert Endpoint.objects.get().auth == FULL["auth"]


def test_patch_keeps_filter_and_channels_for_new_patterns(api: ApiClient) -> None:
    made = _create(api, **FULL)
    api.patch(_path(made), {"event_types": ["refund.*"]})
    subscription = Subscription.objects.get()
    assert (subscription.filter, subscription.channels) == (FULL["filter"], FULL["channels"])


def test_patch_with_null_takes_away(api: ApiClient) -> None:
    made = _create(api, **FULL)
    changed = api.patch(_path(made), {"filter": None, "rate_limit": None, "version": None}).json()
    assert (changed["filter"], changed["rate_limit"], changed["version"]) == (None, None, None)


def test_put_resets_what_is_left_out(api: ApiClient) -> None:
    made = _create(api, **FULL)
    replaced = api.put(_path(made), MINIMAL).json()
    assert {name: replaced[name] for name in DEFAULTS} == DEFAULTS
    assert replaced["event_types"] == ["*"]


def test_put_leaves_the_state_alone_unless_it_is_given(api: ApiClient) -> None:
    made = _create(api)
    api.post(f"{_path(made)}/pause")
    assert api.put(_path(made), MINIMAL).json()["status"] == "paused"
    assert api.put(_path(made), MINIMAL | {"active": True}).json()["status"] == "active"


def test_an_answer_can_be_edited_and_sent_back(api: ApiClient) -> None:
    made = _create(api, **FULL)
    shown = api.get(_path(made)).json() | {"url": "https://moved.example/", "timeout": 7}
    changed = api.put(_path(made), shown)
    assert changed.status_code == 200, changed.content
    assert (changed.json()["url"], changed.json()["timeout"]) == ("https://moved.example/", 7)
    endpoint = Endpoint.objects.get()
    assert endpoint.auth == FULL["auth"]
    assert endpoint.headers == FULL["headers"]


def test_a_read_only_field_with_another_value_is_refused(api: ApiClient) -> None:
    made = _create(api)
    assert pointers(api.patch(_path(made), {"status": "paused"})) == ["/status"]
    assert pointers(api.patch(_path(made), {"tenant_id": "ten_" + "0" * 32})) == ["/tenant_id"]


def test_a_mask_that_was_never_shown_is_refused(api: ApiClient) -> None:
    made = _create(api)
    assert pointers(api.patch(_path(made), {"auth": {"type": "bearer", "token": MASK}})) == ["/auth/token"]
    assert pointers(api.patch(_path(made), {"headers": {"X-Token": MASK}})) == ["/headers/X-Token"]


def test_a_change_is_checked_against_what_is_stored(api: ApiClient) -> None:
    made = _create(api, auth={"type": "bearer", "token": "abc"})
    assert pointers(api.patch(_path(made), {"headers": {"Authorization": "x"}})) == ["/headers/Authorization"]


def test_active_switches_the_state(api: ApiClient) -> None:
    made = _create(api)
    off = api.patch(_path(made), {"active": False}).json()
    assert (off["status"], off["active"]) == ("disabled", False)
    on = api.patch(_path(made), {"active": True}).json()
    assert (on["status"], on["active"], on["disabled_reason"]) == ("active", True, None)


def test_a_change_moves_updated_at(api: ApiClient) -> None:
    made = _create(api)
    assert api.patch(_path(made), {"timeout": 5}).json()["updated_at"] > made["updated_at"]


def test_a_deleted_webhook_is_gone(api: ApiClient) -> None:
    made = _create(api)
    response = api.delete(_path(made))
    assert (response.status_code, response.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        problem(api.request(method, _path(made), *([{}] if method == "PATCH" else [])), 404)
    problem(api.post(f"{_path(made)}/enable"), 404)
    assert api.get("/api/webhooks").json()["results"] == []


# --- what is shown of the present


def test_it_shows_breaker_and_backlog(api: ApiClient, tenant: Tenant, valkey: redis.Redis) -> None:
    endpoint = make_endpoint(tenant)
    for _ in range(3):
        make_delivery(endpoint, make_event(tenant, fanned_out=True))
    make_delivery(endpoint, make_event(tenant, fanned_out=True), state="succeeded")
    grant = gate.admit(endpoint.id, "t", want=9, hold=5, max_slots=4)
    gate.settle(endpoint.id, grant, answered=0, failed=9, tail=9, max_slots=4)
    shown = api.get(f"/api/webhooks/{endpoint.public_id}").json()
    assert (shown["pending"], shown["breaker"]) == (3, "open")
    assert shown["next_due_at"].endswith("Z")


def test_counting_what_waits_stops_at_a_limit(api: ApiClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "COUNT_LIMIT", 2)
    endpoint = make_endpoint(tenant)
    for _ in range(3):
        make_delivery(endpoint, make_event(tenant, fanned_out=True))
    assert api.get(f"/api/webhooks/{endpoint.public_id}").json()["pending"] == 2


# --- verbs


def test_pause_and_resume(api: ApiClient) -> None:
    made = _create(api)
    paused = api.post(f"{_path(made)}/pause", {"reason": "moving house"}).json()
    assert (paused["status"], paused["disabled_reason"], paused["active"]) == ("paused", "moving house", False)
    assert Mailbox.objects.get().unsettled
    resumed = api.post(f"{_path(made)}/resume").json()
    assert (resumed["status"], resumed["disabled_reason"]) == ("active", None)


def test_disable_and_enable(api: ApiClient) -> None:
    made = _create(api)
    assert api.post(f"{_path(made)}/disable", {"reason": "spam"}).json()["disabled_reason"] == "spam"
    for verb in ("pause", "resume"):
        problem(api.post(f"{_path(made)}/{verb}"), 409)
    assert api.post(f"{_path(made)}/enable").json()["status"] == "active"


@pytest.mark.parametrize("verb", ["pause", "resume", "enable", "disable"])
def test_a_verb_can_be_repeated(api: ApiClient, verb: str) -> None:
    made = _create(api)
    first = api.post(f"{_path(made)}/{verb}").json()
    second = api.post(f"{_path(made)}/{verb}").json()
    assert first == second


@pytest.mark.parametrize("verb", ["pause", "resume", "enable", "disable", "test", "rotate-secret"])
def test_a_verb_refuses_what_it_does_not_know(api: ApiClient, verb: str) -> None:
    made = _create(api)
    assert pointers(api.post(f"{_path(made)}/{verb}", {"force": True})) == ["/force"]
    problem(api.post(f"{_path(made)}/{verb}", b"{", headers={}), 400)
    problem(api.post(f"{_path(made)}/{verb}", b"x=1", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("reason", [5, None, "x" * 201, "a\nb", "a\x00b"])
def test_a_bad_reason_is_refused(api: ApiClient, reason: Any) -> None:
    made = _create(api)
    assert pointers(api.post(f"{_path(made)}/pause", {"reason": reason})) == ["/reason"]
    assert api.get(_path(made)).json()["status"] == "active"


def test_rotating_makes_a_new_secret_and_keeps_the_old_one_for_a_while(api: ApiClient) -> None:
    made = _create(api)
    rotated = api.post(f"{_path(made)}/rotate-secret").json()
    assert rotated["overlap_seconds"] == 86_400
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    until = dict(EndpointSecret.objects.values_list("value", "valid_until"))
    assert until[rotated["secret"]] is None
    assert until[made["secret"]].timestamp() == pytest.approx(time.time() + 86_400, abs=60)


@pytest.mark.parametrize("overlap", [-1, 700_000, 1.5, "60", None, True])
def test_a_bad_overlap_is_refused(api: ApiClient, overlap: Any) -> None:
    made = _create(api)
    response = api.post(f"{_path(made)}/rotate-secret", {"overlap_seconds": overlap})
    assert pointers(response) == ["/overlap_seconds"]
    assert EndpointSecret.objects.count() == 1


def test_a_test_event_is_on_its_way(api: ApiClient, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["order.created"])
    response = api.post(f"/api/webhooks/{endpoint.public_id}/test")
    assert response.status_code == 202
    sent = response.json()
    assert set(sent) == {"event_id", "delivery_id"}
    delivery = api.get(response["Location"]).json()
    assert (delivery["event_id"], delivery["trigger"], delivery["event_type"]) == (
        sent["event_id"],
        "test",
        "webhook.test",
    )


@pytest.mark.parametrize("wait", ["-1", "31", "x", "", "1.5", "٣"])
def test_a_bad_wait_is_refused(api: ApiClient, wait: str) -> None:
    made = _create(api)
    response = api.post(f"{_path(made)}/test?wait={wait}")
    assert problem(response, 400)["errors"][0]["parameter"] == "wait"


@pytest.mark.parametrize("event_type", ["a..b", "", 5, "order.*", None])
def test_a_bad_test_type_is_refused(api: ApiClient, event_type: Any) -> None:
    made = _create(api)
    assert pointers(api.post(f"{_path(made)}/test", {"event_type": event_type})) == ["/event_type"]


def test_a_wait_that_ends_too_early_is_202(api: ApiClient) -> None:
    made = _create(api)  # no worker runs
    assert api.post(f"{_path(made)}/test?wait=1").status_code == 202


@pytest.mark.django_db(transaction=True)
def test_waiting_for_a_test_answers_with_the_finished_delivery(
    shared_worker: Any, api: ApiClient, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"))
    response = api.post(f"/api/webhooks/{endpoint.public_id}/test?wait=30", {"event_type": "order.created"})
    assert response.status_code == 200, response.content
    delivery = response.json()
    (attempt,) = delivery["attempts"]
    assert (delivery["status"], delivery["response_status"]) == ("succeeded", 200)
    assert (attempt["status"], attempt["number"], attempt["trigger"]) == ("succeeded", 1, "test")
    assert attempt["request_url"] == endpoint.url
    assert attempt["address"] == "127.0.0.1"
    (listed,) = api.get(f"/api/webhooks/{endpoint.public_id}/attempts").json()["results"]
    assert listed == attempt
    assert ids.parse(ids.ATTEMPT, attempt["id"])
