"""``Idempotency-Key``: once is once, whatever comes twice, at the same time, or after a crash."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from tests.api.checks import problem
from tests.api.test_access import TABLE, World
from tests.api.test_access import world as world
from tests.client import ApiClient
from tests.factories import make_endpoint, make_key, make_tenant
from tests.services.engine import at_once, in_thread, statements
from webhooks import doorbells, tasks
from webhooks.api.views import publish
from webhooks.api.views.webhooks import Webhooks
from webhooks.models import ApiKey, Endpoint, Event, IdempotencyKey, Tenant
from webhooks.services import idempotency

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

EVENT = {"type": "order.created", "data": {"n": 1}}
WEBHOOK = {"url": "https://receiver.example/hook", "event_types": ["*"]}
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    return make_tenant()


@pytest.fixture
def api(tenant: Tenant) -> ApiClient:
    return ApiClient(make_key(tenant))


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(api: ApiClient) -> None:
    first, second = (api.post("/api/events", EVENT, headers=KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert (second.content, second["Location"]) == (first.content, first["Location"])
    assert second["Content-Type"] == "application/json"
    assert second["Cache-Control"] == "no-store"
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second["X-Request-ID"] != first["X-Request-ID"]
    assert Event.objects.count() == 1


def test_without_a_key_each_request_is_one_of_its_own(api: ApiClient) -> None:
    for _ in range(2):
        assert api.post("/api/events", EVENT).status_code == 202
    assert Event.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_publishing_without_a_key_costs_no_statement_more(api: ApiClient, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 1000.0
    api.post("/api/events", EVENT)
    with statements() as seen:
        api.post("/api/events", EVENT)
    assert len(seen) == 1


@pytest.mark.parametrize("other", [EVENT | {"data": 2}, [], "text"])
def test_another_body_under_the_key_is_422(api: ApiClient, other: Any) -> None:
    api.post("/api/events", EVENT, headers=KEY)
    body = problem(api.post("/api/events", other, headers=KEY), 422)
    assert body["type"] == "urn:clarion:problem:idempotency-key-reused"
    assert body["errors"][0]["header"] == "Idempotency-Key"
    assert Event.objects.count() == 1


def test_another_path_or_query_under_the_key_is_422(api: ApiClient, tenant: Tenant) -> None:
    one, two = make_endpoint(tenant), make_endpoint(tenant)
    assert api.post(f"/api/webhooks/{one.public_id}/test", headers=KEY).status_code == 202
    problem(api.post(f"/api/webhooks/{two.public_id}/test", headers=KEY), 422)
    problem(api.post(f"/api/webhooks/{one.public_id}/test?wait=0", headers=KEY), 422)
    assert Event.objects.count() == 1


def test_quotes_are_not_part_of_the_key(api: ApiClient) -> None:
    """The draft makes it a string in quotes, Stripe's users send it bare."""
    first = api.post("/api/events", EVENT, headers={"Idempotency-Key": '"a-1"'})
    second = api.post("/api/events", EVENT, headers={"Idempotency-Key": "a-1"})
    assert second.content == first.content
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "bad", ["", '"', '""', '"a', 'a"b', "a b", "a,b", "a\tb", "é", "x" * 256, '"a", "b"', '"\\n"', "a\x00", '"a"x']
)
def test_a_key_that_is_none_is_400(api: ApiClient, bad: str) -> None:
    answer = api.post("/api/events", EVENT, headers={"Idempotency-Key": bad})
    assert problem(answer, 400)["errors"][0]["header"] == "Idempotency-Key"
    assert not Event.objects.exists()


@pytest.mark.parametrize("good", ["a", "x" * 255, '"a b, c"', '"a\\"b\\\\"', "!#$%&'()*+-./:;<=>?@[]^_`{|}~"])
def test_a_key_can_be_any_visible_text(api: ApiClient, good: str) -> None:
    for _ in range(2):
        assert api.post("/api/events", EVENT, headers={"Idempotency-Key": good}).status_code == 202
    assert Event.objects.count() == 1


# --- whose key it is


def test_the_key_of_another_caller_is_another_key(api: ApiClient, tenant: Tenant, settings: Settings) -> None:
    """Attack: a guessed key must neither show another's answer nor stop another's request."""
    stranger, colleague = ApiClient(make_key(make_tenant())), ApiClient(make_key(tenant))
    answers = [client.post("/api/events", EVENT, headers=KEY) for client in (api, stranger, colleague)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert not any("Idempotent-Replayed" in answer for answer in answers)
    assert Event.objects.count() == 3


def test_a_platform_key_has_keys_for_each_tenant_it_acts_for(transactional_db: None) -> None:
    token = make_key(None)
    for _ in range(2):
        client = ApiClient(token, headers={"Clarion-Tenant": make_tenant().slug})
        assert "Idempotent-Replayed" not in client.post("/api/events", EVENT, headers=KEY)
    assert Event.objects.count() == 2


def test_a_revoked_key_gets_no_stored_answer(api: ApiClient) -> None:
    from webhooks.services import api_keys

    api.post("/api/events", EVENT, headers=KEY)
    api_keys.revoke(ApiKey.objects.get().id)
    problem(api.post("/api/events", EVENT, headers=KEY), 401)


# --- secrets


@pytest.mark.parametrize(("path", "body", "shown"), [
    ("/api/webhooks", WEBHOOK, "secret"), ("/api/api-keys", {"name": "made"}, "token"),
    ("/api/webhooks/{id}/rotate-secret", {}, "secret"),
])  # fmt: skip
def test_an_answer_with_a_secret_is_kept_encrypted(
    api: ApiClient, tenant: Tenant, path: str, body: Any, shown: str
) -> None:
    path = path.format(id=make_endpoint(tenant).public_id)
    first, second = (api.post(path, body, headers=KEY) for _ in range(2))
    assert second.json() == first.json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT webhooks_idempotencykey::text FROM webhooks_idempotencykey")
        ((row,),) = cursor.fetchall()
    secret = first.json()[shown]
    assert secret
    assert secret.split("_")[-1] not in row
    assert KEY["Idempotency-Key"] not in row


def test_an_answer_that_cannot_be_decrypted_is_409_and_nothing_runs(api: ApiClient) -> None:
    api.post("/api/events", EVENT, headers=KEY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_idempotencykey SET answer = 'gAAAAA'")
    problem(api.post("/api/events", EVENT, headers=KEY), 409)
    assert Event.objects.count() == 1


# --- failures


def test_what_was_refused_may_be_corrected_under_the_same_key(api: ApiClient) -> None:
    for status, body in ((422, EVENT | {"type": "a..b"}), (400, b"{"), (202, EVENT), (202, EVENT)):
        assert api.post("/api/events", body, headers=KEY).status_code == status
    assert Event.objects.count() == 1


def test_a_failure_of_ours_releases_the_key_and_leaves_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is written and then the answer cannot be made: the one is undone with the other."""
    client = ApiClient(make_key(tenant), raise_errors=False)
    with monkeypatch.context() as patch:
        patch.setattr(publish, "_shown", lambda published: 1 / 0)
        problem(client.post("/api/events", EVENT, headers=KEY), 500)
    assert not Event.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert client.post("/api/events", EVENT, headers=KEY).status_code == 202


def test_a_part_of_a_batch_that_was_accepted_is_not_accepted_twice(api: ApiClient) -> None:
    mixed = {"events": [EVENT, {"type": "a..b", "data": 1}]}
    first, second = (api.post("/api/events/batch", mixed, headers=KEY) for _ in range(2))
    assert (first.status_code, second.content) == (207, first.content)
    assert Event.objects.count() == 1


# --- at the same time, and after a crash


def test_of_many_at_once_exactly_one_runs(tenant: Tenant) -> None:
    token = make_key(tenant)

    def create() -> Any:
        return ApiClient(token).post("/api/webhooks", WEBHOOK, headers=KEY)

    answers = at_once(*[create] * 8)
    made = [answer for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409)
            assert int(answer["Retry-After"]) > 0
    assert len([answer for answer in made if "Idempotent-Replayed" not in answer]) == 1
    assert len({answer.content for answer in made}) == 1
    assert Endpoint.objects.count() == 1


def _held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Requests that create a webhook say that they have begun, and wait to be let go."""
    begun, go = threading.Event(), threading.Event()
    original = Webhooks.post

    def post(self: Any, request: Any) -> Any:
        answer = original(self, request)
        if not begun.is_set():
            begun.set()
            assert go.wait(30)
        return answer

    monkeypatch.setattr(Webhooks, "post", post)
    return begun, go


def test_one_that_runs_is_told_to_the_second_with_409(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = ApiClient(make_key(tenant))
    begun, go = _held(monkeypatch)
    first = in_thread(lambda: client.post("/api/webhooks", WEBHOOK, headers=KEY))
    assert begun.wait(30)
    answer = client.post("/api/webhooks", WEBHOOK, headers=KEY)
    assert problem(answer, 409)["type"] == "urn:clarion:problem:idempotency-key-in-use"
    assert int(answer["Retry-After"]) > 0
    problem(client.post("/api/webhooks", WEBHOOK | {"description": "x"}, headers=KEY), 422)
    go.set()
    assert first().status_code == 201
    assert client.post("/api/webhooks", WEBHOOK, headers=KEY)["Idempotent-Replayed"] == "true"
    assert Endpoint.objects.count() == 1


def test_one_that_outlived_its_lease_is_rolled_back(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = ApiClient(make_key(tenant))
    begun, go = _held(monkeypatch)
    first = in_thread(lambda: client.post("/api/webhooks", WEBHOOK, headers=KEY))
    assert begun.wait(30)
    _pass(idempotency.LEASE + 1)
    second = client.post("/api/webhooks", WEBHOOK, headers=KEY)
    go.set()
    problem(first(), 409)
    assert second.status_code == 201
    assert Endpoint.objects.count() == 1


def test_the_claim_of_a_process_that_was_killed_ends_with_its_lease(tenant: Tenant, api: ApiClient) -> None:
    """Killed after the claim: the work was in a transaction that never committed."""
    credential = ApiKey.objects.get()
    seen = b"\n".join((b"POST", b"/api/events", json.dumps(EVENT).encode()))
    idempotency.claim(credential.id, tenant.id, KEY["Idempotency-Key"], seen)
    problem(api.post("/api/events", EVENT, headers=KEY), 409)
    _pass(idempotency.LEASE + 1)
    assert api.post("/api/events", EVENT, headers=KEY).status_code == 202
    assert api.post("/api/events", EVENT, headers=KEY)["Idempotent-Replayed"] == "true"
    assert Event.objects.count() == 1


def test_the_doorbell_of_a_keyed_request_rings_after_its_commit(
    api: ApiClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that hears it sooner finds the webhook as it was, and goes again."""
    endpoint = make_endpoint(tenant)
    seen: list[bool] = []
    monkeypatch.setattr(doorbells, "_publish", lambda *_: not seen.append(connection.in_atomic_block))
    for path in ("pause", "resume", "test"):
        assert (
            api.post(f"/api/webhooks/{endpoint.public_id}/{path}", headers=KEY | {"Idempotency-Key": path}).status_code
            < 300
        )
    assert seen
    assert not any(seen)


# --- for how long


def _pass(seconds: float) -> None:
    shift = timedelta(seconds=seconds)
    IdempotencyKey.objects.update(leased_until=F("leased_until") - shift, expires_at=F("expires_at") - shift)


def test_an_answer_is_kept_for_a_day_and_then_forgotten(api: ApiClient, settings: Settings) -> None:
    settings.WEBHOOKS_IDEMPOTENCY_TTL = 86_400.0
    api.post("/api/events", EVENT, headers=KEY)
    _pass(86_300)
    assert api.post("/api/events", EVENT, headers=KEY)["Idempotent-Replayed"] == "true"
    assert idempotency.prune() == 0
    _pass(200)
    assert "Idempotent-Replayed" not in api.post("/api/events", EVENT | {"data": 2}, headers=KEY)
    _pass(86_500)
    assert idempotency.prune() == 1
    assert Event.objects.count() == 2


def test_maintenance_prunes(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    api.post("/api/events", EVENT, headers=KEY)
    _pass(90_000)
    assert "1 idempotency keys" in tasks.maintain()
    assert not IdempotencyKey.objects.exists()


def test_pruning_goes_on_until_nothing_is_left(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_PRUNE", 2)
    for n in range(5):
        api.post("/api/events", EVENT, headers={"Idempotency-Key": str(n)})
    _pass(90_000)
    assert idempotency.prune() == 5


# --- every POST

POSTS = [row for row in TABLE if row.method == "POST"]


@pytest.mark.parametrize("row", POSTS, ids="{0.path}".format)
def test_every_post_is_done_once(world: World, row: Any) -> None:
    client = ApiClient(make_key(world.tenant), headers=KEY)
    first, second = world.send(row, client), world.send(row, client)
    assert first.status_code == row.status
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Idempotent-Replayed"] == "true"
