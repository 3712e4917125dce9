"""Deliveries that log in: with tokens that are renewed, with certificates, and without a trace of either."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme
from django.db import connection
from pytest_django import Settings

from tests.answers import Answer, Hang
from tests.factories import make_endpoint
from tests.receiver import Receiver, Server
from tests.services.engine import HOOK, SOON, post, run_to_quiescence, statements, states
from tests.services.tokens import SECRET, TOKEN, TokenServer, auth, token_answer
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.net import outbound
from webhooks.services import access_tokens, endpoints
from webhooks.services.drain import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
At = Callable[..., Endpoint]


@pytest.fixture(autouse=True)
def _no_tokens() -> None:
    access_tokens.forget()


def deliver(endpoint: Endpoint, events: int = 1) -> Attempt:
    """Publish, drain once, and the newest attempt."""
    post(endpoint, events)
    drain(endpoint.id)
    newest = Attempt.objects.order_by("id").last()
    assert newest
    return newest


def test_deliveries_carry_the_token_and_attempts_the_mask(endpoint_at: At, receiver: Receiver) -> None:
    server = TokenServer(receiver)
    server.guard(HOOK)
    endpoint = endpoint_at(auth=auth(receiver, scope="a b"))
    attempt = deliver(endpoint, 3)
    assert states(endpoint) == ["succeeded"] * 3
    assert {request.header("Authorization") for request in receiver.requests(HOOK)} == {"Bearer canary-token-1"}
    assert attempt.request_headers["Authorization"] == "Bearer ********"
    assert server.asked == 1


def test_a_revoked_token_is_renewed_and_the_request_sent_again_in_the_same_attempt(
    endpoint_at: At, receiver: Receiver
) -> None:
    server = TokenServer(receiver)
    server.guard(HOOK)
    endpoint = endpoint_at(auth=auth(receiver))
    deliver(endpoint)
    server.revoke()
    attempt = deliver(endpoint)
    assert states(endpoint) == ["succeeded"] * 2
    assert (attempt.number, attempt.response_status, server.asked) == (1, 200, 2)
    assert "renewed" in attempt.detail
    refused, taken = receiver.requests(HOOK)[-2:]
    assert refused.body == taken.body
    assert refused.header("webhook-signature") == taken.header("webhook-signature")


def test_a_receiver_that_refuses_every_token_is_retried_by_the_policy(endpoint_at: At, receiver: Receiver) -> None:
    server = TokenServer(receiver)
    receiver.always(HOOK, Answer(401))
    endpoint = endpoint_at(auth=auth(receiver), retry_policy={"schedule": [0, 0], "jitter": 0})
    run = post(endpoint)
    run_to_quiescence(endpoint.id)
    assert len(run) == 1
    assert states(endpoint) == ["dead"]
    assert Attempt.objects.count() == 3
    assert server.asked == 2, "one token and one renewal, whatever comes"
    assert "HTTP 401" in Delivery.objects.get().reason


def test_a_token_endpoint_that_is_down_is_an_attempt_and_a_retry(endpoint_at: At, receiver: Receiver) -> None:
    receiver.script(TOKEN, [Answer(503)], then=token_answer("good"))
    endpoint = endpoint_at(auth=auth(receiver), retry_policy=SOON)
    attempt = deliver(endpoint)
    assert (attempt.error, attempt.response_status, attempt.outcome) == ("token_error", None, "failed")
    assert "HTTP 503" in attempt.detail
    assert receiver.requests(HOOK) == []
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"]


def test_a_token_endpoint_that_hangs_counts_within_the_timeout(endpoint_at: At, receiver: Receiver) -> None:
    receiver.always(TOKEN, Hang())
    attempt = deliver(endpoint_at(auth=auth(receiver), timeout=1))
    assert attempt.error == "token_error"
    assert 900 < attempt.timings["total"] < 2000


def test_a_new_client_secret_is_used_at_once(endpoint_at: At, receiver: Receiver) -> None:
    server = TokenServer(receiver)
    endpoint = endpoint_at(auth=auth(receiver))
    deliver(endpoint)
    endpoints.update(None, endpoint.id, {"auth": auth(receiver, client_secret="new")})
    deliver(endpoint)
    assert server.asked == 2


def test_the_others_pay_nothing_for_it(endpoint_at: At, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a statement nor a call of Redis: nobody asks for tokens."""
    monkeypatch.setattr(access_tokens, "get", None)
    endpoint = endpoint_at()
    post(endpoint, 3)
    with statements() as seen:
        drain(endpoint.id)
    assert states(endpoint) == ["succeeded"] * 3
    assert not any("consent" in statement for statement in seen)


def test_no_secret_is_in_rows_logs_or_redis(
    endpoint_at: At, receiver: Receiver, valkey: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = TokenServer(receiver)
    server.guard(HOOK)
    endpoint = endpoint_at(auth=auth(receiver), retry_policy=SOON)
    deliver(endpoint)
    server.revoke()
    deliver(endpoint)
    access_tokens.forget()
    valkey.flushdb()
    receiver.always(TOKEN, Answer(401, (), json.dumps({"error": SECRET, "error_description": SECRET}).encode()))
    assert deliver(endpoint).error == "token_error"
    assert "canary" not in caplog.text
    kept = [valkey.get(key) for key in valkey.keys("*") if valkey.type(key) == "string"]
    assert "canary" not in f"{kept}"
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith("webhooks_"):
                cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', ["%canary%"])
                assert cursor.fetchone() == (0,), table


# --- mutual TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_receiver(authority: trustme.CA, settings: Settings, tmp_path: Path) -> Iterator[Receiver]:
    """Speaks HTTPS and demands a client certificate of the test's authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    settings.WEBHOOKS_CA_BUNDLE = str(bundle)
    outbound.client().close()
    outbound.client.cache_clear()
    server = Server(context)
    yield server.receiver()
    server.stop()
    outbound.client().close()
    outbound.client.cache_clear()


def identity(issuer: trustme.CA) -> dict[str, Any]:
    leaf = issuer.issue_cert("clarion@example.com")
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems).decode()
    return {"type": "mtls", "certificate": chain, "private_key": leaf.private_key_pem.bytes().decode()}


def test_a_client_certificate_is_shown_to_a_receiver_that_demands_one(
    tls_receiver: Receiver, authority: trustme.CA
) -> None:
    endpoint = make_endpoint(url=tls_receiver.url(HOOK), auth=identity(authority))
    deliver(endpoint)
    assert states(endpoint) == ["succeeded"]
    assert len(tls_receiver.requests(HOOK)) == 1


def test_without_one_or_with_one_of_another_authority_nothing_arrives(tls_receiver: Receiver) -> None:
    for chosen in ({"type": "none"}, identity(trustme.CA())):
        attempt = deliver(make_endpoint(url=tls_receiver.url(HOOK), auth=chosen))
        assert attempt.response_status is None
        assert attempt.error in ("tls_error", "connection_reset")
    assert tls_receiver.requests() == []
