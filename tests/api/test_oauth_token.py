"""``POST /oauth/token`` and ``/oauth/revoke``: RFC 6749 sections 4.4 and 5.2, RFC 7009."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_tenant
from webhooks.core import ids
from webhooks.models import AuditEntry, OAuthClient, OAuthToken, Tenant
from webhooks.services import oauth_clients

GRANT = {"grant_type": "client_credentials"}
FORM = "application/x-www-form-urlencoded"


class Program:
    """A client of the authorization server, as another program is one."""

    def __init__(self, tenant: Tenant | None, *scopes: str, **more: Any) -> None:
        self.key, self.secret = oauth_clients.create(tenant and tenant.id, "billing", scopes or None, **more)
        self.id = ids.show(ids.OAUTH_CLIENT, self.key)

    @property
    def basic(self) -> dict[str, str]:
        return basic(self.id, self.secret)

    def ask(self, path: str = "/oauth/token", **fields: str) -> Any:
        return post({**GRANT, **fields} if path == "/oauth/token" else fields, path=path, headers=self.basic)

    def token(self, **fields: str) -> str:
        answer = self.ask(**fields)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["access_token"])


def basic(name: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def post(
    fields: Any, *, path: str = "/oauth/token", headers: dict[str, str] | None = None, kind: str = FORM, **meta: Any
) -> Any:
    body = fields if isinstance(fields, str | bytes) else urlencode(fields)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client.generic("POST", path, body, kind, headers=headers, **meta)


def refused(answer: Any, status: int, error: str) -> str:
    """The sentence of an error, after checking what all of them share."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    # RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E
    assert all(0x20 <= ord(char) <= 0x7E and char not in '"\\' for char in body["error_description"])
    return str(body["error_description"])


@pytest.fixture
def program(tenant: Tenant, valkey: redis.Redis) -> Program:
    return Program(tenant, "events:read", "events:write")


# --- tokens


@pytest.mark.parametrize("way", ["header", "body"])
def test_a_client_gets_a_token_that_works(program: Program, way: str) -> None:
    if way == "header":
        answer = post(GRANT, headers=program.basic)
    else:
        answer = post({**GRANT, "client_id": program.id, "client_secret": program.secret})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "events:read events:write")
    assert answer["Content-Type"] == "application/json"
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    assert "refresh_token" not in body
    assert ApiClient(body["access_token"]).get("/api/events").status_code == 200


def test_a_token_has_no_more_than_the_scopes_that_were_asked_for(program: Program) -> None:
    client = ApiClient(program.token(scope="events:read"))
    assert client.get("/api/events").status_code == 200
    problem(client.post("/api/events", {"type": "order.created", "data": 1}), 403)


@pytest.mark.parametrize("scope", ["keys", "events:read keys", "tenants", "nonsense", "events:read,events:write"])
def test_a_client_gets_no_scope_that_it_was_not_given(program: Program, scope: str) -> None:
    """Attack: a client that was given little asks for more."""
    assert "events:read events:write" in refused(program.ask(scope=scope), 400, "invalid_scope")
    assert not OAuthToken.objects.exists()


def test_a_stolen_database_gives_neither_tokens_nor_secrets(program: Program) -> None:
    token = program.token()
    with connection.cursor() as cursor:
        for table in ("oauthclient", "oauthtoken", "auditentry", "idempotencykey"):
            cursor.execute(f"SELECT t::text FROM webhooks_{table} t")
            stored = str(cursor.fetchall())
            for secret in (token, program.secret):
                assert secret[4:] not in stored


def test_a_token_ends_with_its_client(tenant: Tenant, valkey: redis.Redis) -> None:
    program = Program(tenant, expires_at=timezone.now() + timedelta(seconds=100))
    assert 90 <= program.ask().json()["expires_in"] <= 100


def test_the_lifetime_is_a_setting(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_OAUTH_TOKEN_TTL = 60
    assert program.ask().json()["expires_in"] == 60


# --- refusals


def test_who_is_not_known_is_told_nothing(program: Program, tenant: Tenant) -> None:
    """Attack: telling by the answer which clients exist."""
    revoked, gone = Program(tenant), Program(make_tenant(active=False))
    oauth_clients.revoke(revoked.key)
    wrong = "ocs_" + "0" * 64
    cases = {
        "wrong secret": basic(program.id, wrong),
        "unknown client": basic(ids.show(ids.OAUTH_CLIENT, ids.new_id()), wrong),
        "another's secret": basic(program.id, revoked.secret),
        "revoked": revoked.basic,
        "inactive tenant": gone.basic,
        "malformed id": basic("admin", program.secret),
        "bare uuid": basic(str(program.key), program.secret),
        "empty": basic("", ""),
        "nothing": {},
        "no base64": {"Authorization": "Basic ü"},
        "no colon": {"Authorization": "Basic " + base64.b64encode(b"x").decode()},
        "no utf-8": {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        "another scheme": {"Authorization": f"Bearer {program.secret}"},
    }
    told = set()
    for name, headers in cases.items():
        answer = post(GRANT, headers=headers)
        told.add(refused(answer, 401, "invalid_client"))
        assert answer["WWW-Authenticate"].startswith("Basic "), name
    assert len(told) == 1
    assert not OAuthToken.objects.exists()


BOTH = "the secret in the header and in the body"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "invalid_request"),
        ("scope=events%3Aread", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "invalid_request"),
        ("grant_type=client_credentials&client_id=oac_other", "invalid_request"),
        ("grant_type=client_credentials&scope=a%00b", "invalid_request"),
        ("grant_type=client_credentials&scope=%FF", "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(100)), "invalid_request"),
        ("\xff\xfe", "invalid_request"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"),
        ("grant_type=%F0%9F%92%A9", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=%22%5C", "invalid_scope"),
    ],
)
def test_a_bad_request_is_an_error_of_rfc_6749(program: Program, body: str, error: str) -> None:
    assert refused(post(body.encode("latin-1"), headers=program.basic), 400, error)
    assert not OAuthToken.objects.exists()


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_only_a_form_is_read(program: Program, kind: str) -> None:
    body = json.dumps({**GRANT, "client_id": program.id, "client_secret": program.secret})
    refused(post(body, kind=kind), 400, "invalid_request")


def test_a_secret_in_the_url_is_refused(program: Program) -> None:
    """Attack: URLs end in logs. What is only read from the body cannot be sent there by habit."""
    query = urlencode({**GRANT, "client_id": program.id, "client_secret": program.secret})
    refused(post("", path=f"/oauth/token?{query}"), 400, "invalid_request")
    refused(post(GRANT, path="/oauth/token?x=1", headers=program.basic), 400, "invalid_request")


def test_a_large_body_is_not_read(program: Program) -> None:
    refused(post("a" * 8193, headers=program.basic), 413, "invalid_request")
    refused(post(GRANT, headers=program.basic, CONTENT_LENGTH="9" * 5000), 413, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_405(client: Client, path: str, method: str) -> None:
    answer = client.generic(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    if method != "HEAD":
        problem(answer, 405)


def test_no_other_endpoint_of_an_authorization_server_is_reachable(client: Client, db: None) -> None:
    for path in (
        "authorize",
        "introspect",
        "register",
        "userinfo",
        "device_authorization",
        "applications",
        "",
        "token/",
    ):
        assert client.get(f"/oauth/{path}").status_code == 404, path


# --- what surrounds it


def test_who_guesses_has_to_wait(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_OAUTH_TRIES_ADDRESS = 3
    for n in range(3):
        refused(post(GRANT, headers=basic(program.id, f"ocs_{n:064x}")), 401, "invalid_client")
    answer = post(GRANT, headers=program.basic)
    refused(answer, 429, "temporarily_unavailable")
    assert 1 <= int(answer["Retry-After"]) <= 900
    elsewhere = post(GRANT, headers=program.basic, REMOTE_ADDR="192.0.2.9")
    assert elsewhere.status_code == 200, "who knows a client's id cannot keep it from its tokens"


def test_what_succeeds_or_is_merely_malformed_is_no_guess(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_OAUTH_TRIES_ADDRESS = 2
    for _ in range(3):
        assert program.ask().status_code == 200
        refused(post("", headers=program.basic), 400, "invalid_request")
        refused(program.ask(scope="keys"), 400, "invalid_scope")


def test_revoking_with_a_wrong_secret_counts_as_well(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_OAUTH_TRIES_ADDRESS = 1
    wrong = basic(program.id, "ocs_" + "0" * 64)
    refused(post({"token": "x"}, path="/oauth/revoke", headers=wrong), 401, "invalid_client")
    refused(post(GRANT, headers=wrong), 429, "temporarily_unavailable")


def test_a_client_that_fetches_tokens_in_a_loop_fills_no_table(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_OAUTH_TOKEN_RATE = 2
    assert [program.ask().status_code for _ in range(3)] == [200, 200, 429]
    assert OAuthToken.objects.count() == 2


def test_without_redis_tokens_are_given(program: Program, settings: Settings) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert program.ask().status_code == 200


def test_two_tokens_of_a_client_have_one_quota(program: Program, settings: Settings) -> None:
    """Attack: a new token for each request, and with it a new quota."""
    settings.WEBHOOKS_API_RATE_LIMIT = 2
    clients = [ApiClient(program.token()) for _ in range(3)]
    assert [client.get("/api/events").status_code for client in clients] == [200, 200, 429]


def test_a_request_that_comes_again_under_a_new_token_is_not_done_again(program: Program) -> None:
    """A program repeats what it does not know the answer of, and its token has been renewed meanwhile."""
    event, key = {"type": "order.created", "data": 1}, {"Idempotency-Key": "k-1"}
    first, second = (ApiClient(program.token()).post("/api/events", event, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"


def test_errors_of_django_and_of_outages_are_errors_of_oauth(
    program: Program, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(post(GRANT, headers={**program.basic, "Host": "evil.example"}), 400, "invalid_request")
    settings.SECURE_SSL_REDIRECT = True
    refused(post(GRANT, headers=program.basic), 403, "invalid_request")
    settings.SECURE_SSL_REDIRECT = False

    def away(*_: Any) -> None:
        raise OperationalError("the connection failed")

    monkeypatch.setattr(oauth_clients, "authenticate", away)
    answer = post(GRANT, headers=program.basic)
    refused(answer, 503, "temporarily_unavailable")
    assert int(answer["Retry-After"]) > 0

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("webhooks.api.outage._resting_until", 0.0)
    monkeypatch.setattr(oauth_clients, "authenticate", broken)
    assert "secret" not in refused(post(GRANT, headers=program.basic), 500, "server_error")


# --- revocation


def test_a_revoked_token_stops_working_at_once(program: Program) -> None:
    one, other = program.token(), program.token()
    assert ApiClient(one).get("/api/events").status_code == 200
    answer = program.ask("/oauth/revoke", token=one, token_type_hint="access_token")
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"", "no-store")
    problem(ApiClient(one).get("/api/events"), 401)
    assert ApiClient(other).get("/api/events").status_code == 200
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor_kind, entry.actor_id) == ("oauth_client.token_revoked", "oauth", program.id)


def test_a_token_of_another_client_is_left_as_it_is(program: Program, tenant: Tenant) -> None:
    """Attack: a client ends the tokens of others. The answer does not tell whether such a token exists."""
    token = Program(tenant).token()
    answers = [
        program.ask("/oauth/revoke", token=text) for text in (token, "clt_" + "0" * 64, "nonsense", "\U0001f4a9")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"")}
    assert ApiClient(token).get("/api/events").status_code == 200
    refused(program.ask("/oauth/revoke"), 400, "invalid_request")
    refused(program.ask("/oauth/revoke", token=token, token_type_hint="refresh_token"), 400, "unsupported_token_type")


def test_a_revoked_client_loses_all_of_its_tokens(program: Program, tenant: Tenant) -> None:
    tokens = [program.token(), program.token()]
    keys = ApiClient(Program(tenant, "keys").token())
    assert keys.delete(f"/api/oauth-clients/{program.id}").status_code == 204
    for token in tokens:
        problem(ApiClient(token).get("/api/events"), 401)
    refused(program.ask(), 401, "invalid_client")
    assert OAuthClient.objects.get(id=program.key).revoked_at


# --- clients by API


def test_a_new_client_is_shown_with_its_secret_once(api: ApiClient, valkey: redis.Redis) -> None:
    answer = api.post("/api/oauth-clients", {"name": "billing", "scopes": ["events:read"]})
    made = answer.json()
    assert answer.status_code == 201
    assert made["id"] == made["client_id"]
    token = post(GRANT, headers=basic(made["client_id"], made["client_secret"])).json()
    assert token["scope"] == "events:read"
    again = api.get(answer["Location"]).json()
    assert again == {name: value for name, value in made.items() if not name.startswith("client_")}


def test_a_client_gets_no_scope_that_its_maker_has_not(tenant: Tenant, valkey: redis.Redis) -> None:
    keys = ApiClient(Program(tenant, "keys", "events:read").token())
    assert keys.post("/api/oauth-clients", {"name": "x"}).json()["scopes"] == ["events:read", "keys"]
    for scopes in (["events:write"], ["tenants"], ["nonsense"], [], "keys", ["keys", "keys"]):
        answer = keys.post("/api/oauth-clients", {"name": "x", "scopes": scopes})
        assert problem(answer, 422)["errors"][0]["pointer"].startswith("/scopes")
    for body in ({}, {"name": ""}, {"name": 7}, {"name": "x", "expires_at": "soon"}, {"name": "x", "secret": "mine"}):
        problem(keys.post("/api/oauth-clients", body), 422)
    assert OAuthClient.objects.count() == 2
