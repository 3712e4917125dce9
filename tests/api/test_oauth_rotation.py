"""``POST /api/oauth-clients/{id}/rotate-secret``: a new secret, and how long the old one counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import transaction
from django.utils import timezone

from tests.api.checks import pointers, problem
from tests.api.test_oauth_token import GRANT, Program, basic, post, refused
from tests.client import ApiClient
from tests.factories import make_key
from webhooks.models import AuditEntry, OAuthClient, OAuthToken, Tenant
from webhooks.services import oauth_clients, oauth_tokens


@pytest.fixture
def program(tenant: Tenant, valkey: redis.Redis) -> Program:
    return Program(tenant, "events:read")


def rotate(api: ApiClient, program: Program, **body: Any) -> dict[str, Any]:
    answer = api.post(f"/api/oauth-clients/{program.id}/rotate-secret", body)
    assert answer.status_code == 200, answer.content
    shown: dict[str, Any] = answer.json()
    return shown


def status(program: Program, secret: str) -> int:
    return int(post(GRANT, headers=basic(program.id, secret)).status_code)


def test_during_the_overlap_both_secrets_fetch_tokens_and_then_the_new_one_alone(
    api: ApiClient, program: Program
) -> None:
    token = program.token()
    made = rotate(api, program, overlap_seconds=3600)
    assert (made["client_id"], made["overlap_seconds"]) == (program.id, 3600)
    new, old = made["client_secret"], program.secret
    assert [status(program, secret) for secret in (new, old)] == [200, 200]
    until = datetime.fromisoformat(api.get(f"/api/oauth-clients/{program.id}").json()["previous_secret_until"])
    assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
    OAuthClient.objects.update(previous_until=timezone.now() - timedelta(hours=1))
    assert [status(program, secret) for secret in (new, old)] == [200, 401]
    assert ApiClient(token).get("/api/events").status_code == 200, "what was fetched is good until it expires"


def test_the_overlap_is_a_day_and_a_week_at_most(api: ApiClient, program: Program) -> None:
    assert rotate(api, program)["overlap_seconds"] == 86_400
    for wrong in (-1, 604_801, "60", None, 1.5, True):
        answer = api.post(f"/api/oauth-clients/{program.id}/rotate-secret", {"overlap_seconds": wrong})
        assert pointers(answer) == ["/overlap_seconds"]


def test_without_an_overlap_the_old_secret_and_its_tokens_end_at_once(api: ApiClient, program: Program) -> None:
    """Attack: who has stolen the secret goes on with a token that he has fetched."""
    token = program.token()
    new = rotate(api, program, overlap_seconds=0)["client_secret"]
    assert [status(program, secret) for secret in (new, program.secret)] == [200, 401]
    problem(ApiClient(token).get("/api/events"), 401)
    assert api.get(f"/api/oauth-clients/{program.id}").json()["previous_secret_until"] is None


def test_there_are_never_more_than_two_secrets(api: ApiClient, program: Program) -> None:
    second, third = (rotate(api, program)["client_secret"] for _ in range(2))
    assert [status(program, secret) for secret in (program.secret, second, third)] == [401, 200, 200]


def test_nobody_takes_over_a_client_that_may_do_more(tenant: Tenant, program: Program) -> None:
    """Attack: a key with the scope ``keys`` alone gets the secret of a client that reads all events."""
    path = f"/api/oauth-clients/{program.id}/rotate-secret"
    assert "events:read" in problem(ApiClient(make_key(tenant, "keys")).post(path), 403)["detail"]
    assert status(program, program.secret) == 200
    assert ApiClient(make_key(tenant, "keys", "events:read")).post(path).status_code == 200


def test_a_token_does_not_widen_itself(tenant: Tenant, valkey: redis.Redis) -> None:
    """Attack: a token that was given away with few scopes gets the secret of its client, and with it all of them."""
    program = Program(tenant, "keys", "events:read")
    path = f"/api/oauth-clients/{program.id}/rotate-secret"
    problem(ApiClient(program.token(scope="keys")).post(path), 403)
    assert ApiClient(program.token()).post(path).status_code == 200, "a client may renew its own secret"


def test_a_client_that_has_ended_gets_no_secret(api: ApiClient, tenant: Tenant, program: Program) -> None:
    expired = Program(tenant, "events:read")
    oauth_clients.revoke(program.key)
    OAuthClient.objects.filter(id=expired.key).update(expires_at=timezone.now())
    for one, word in ((program, "revoked"), (expired, "expired")):
        assert word in problem(api.post(f"/api/oauth-clients/{one.id}/rotate-secret"), 409)["detail"]


def test_it_is_recorded_without_the_secret(api: ApiClient, program: Program) -> None:
    secret = rotate(api, program)["client_secret"]
    entries = AuditEntry.objects.order_by("-id")[:2]
    assert {entry.action for entry in entries} == {"secret.rotated", "secret.revealed"}
    assert secret[4:] not in str([vars(entry) for entry in entries])
    assert secret[4:].encode() not in bytes(OAuthClient.objects.get(id=program.key).secret_hash)


def test_a_token_asked_for_with_a_secret_that_ends_meanwhile_is_not_issued(program: Program) -> None:
    who = oauth_clients.authenticate(program.id, program.secret)
    assert who is not None
    token = oauth_tokens.generate()
    with transaction.atomic():
        oauth_clients.rotate_secret(program.key, 0)
    assert not oauth_tokens.issue(program.key, token, ["events:read"], 60, who.secret_hash)
    assert not OAuthToken.objects.exists()
    refused(post(GRANT, headers=program.basic), 401, "invalid_client")
