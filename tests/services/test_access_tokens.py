"""Tokens: asked for once by all threads, kept encrypted, renewed when they are refused, and void after a change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import redis
from pytest_django import Settings

from tests.answers import Answer, Drip, Hang
from tests.receiver import Receiver
from tests.services.engine import at_once
from tests.services.tokens import SECRET, TOKEN, TokenServer, token_answer
from webhooks.core import ids, oauth2
from webhooks.core.oauth2 import ClientCredentials
from webhooks.guards import tokens as shared
from webhooks.net.result import ErrorClass, ExchangeFailed
from webhooks.services import access_tokens
from webhooks.services.endpoint_auth import parse_token_url

pytestmark = pytest.mark.usefixtures("valkey")
SOON = 10.0  # seconds a token may take in these tests


@pytest.fixture
def endpoint_id() -> UUID:
    return ids.new_id()


def credentials(receiver: Receiver, **parts: Any) -> ClientCredentials:
    fields = {"client_id": "clarion", "client_secret": SECRET} | parts
    return ClientCredentials(parse_token_url(receiver.url(TOKEN)), **fields)


def failure(endpoint_id: UUID, wanted: ClientCredentials, seconds: float = SOON, rejected: str = "") -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        access_tokens.get(endpoint_id, wanted, seconds, rejected)
    assert SECRET not in caught.value.detail
    return caught.value


def other_process() -> None:
    """What follows knows only what is in Redis."""
    access_tokens.forget()


def test_a_token_is_asked_for_once_and_kept(receiver: Receiver, endpoint_id: UUID) -> None:
    server, wanted = TokenServer(receiver), credentials(receiver)
    assert {access_tokens.get(endpoint_id, wanted, SOON) for _ in range(3)} == {"canary-token-1"}
    other_process()
    assert access_tokens.get(endpoint_id, wanted, SOON) == "canary-token-1"
    assert server.asked == 1


def test_twenty_threads_ask_once(receiver: Receiver, endpoint_id: UUID) -> None:
    server, wanted = TokenServer(receiver), credentials(receiver)
    receiver.script(TOKEN, [lambda _: Answer(**_slow("canary-token-1"))])
    got = at_once(*[lambda: access_tokens.get(endpoint_id, wanted, SOON)] * 20)
    assert (set(got), server.asked) == ({"canary-token-1"}, 1)


def _slow(token: str) -> dict[str, Any]:
    answer = token_answer(token)
    return {"status": 200, "headers": answer.headers, "body": answer.body, "delay": 0.3}


def test_twenty_threads_whose_token_was_refused_ask_once(receiver: Receiver, endpoint_id: UUID) -> None:
    server, wanted = TokenServer(receiver), credentials(receiver)
    first = access_tokens.get(endpoint_id, wanted, SOON)
    got = at_once(*[lambda: access_tokens.get(endpoint_id, wanted, SOON, rejected=first)] * 20)
    assert (set(got), server.asked) == ({"canary-token-2"}, 2)
    assert access_tokens.get(endpoint_id, wanted, SOON) == "canary-token-2"


def test_twenty_threads_share_one_failure(receiver: Receiver, endpoint_id: UUID) -> None:
    wanted = credentials(receiver)
    receiver.always(TOKEN, Answer(503, delay=0.3))
    found = at_once(*[lambda: failure(endpoint_id, wanted).detail] * 20)
    assert len(set(found)) == 1
    assert "HTTP 503" in found[0]
    assert len(receiver.requests(TOKEN)) == 1


def test_a_failure_is_not_kept_for_those_who_come_later(receiver: Receiver, endpoint_id: UUID) -> None:
    receiver.script(TOKEN, [Answer(503)], then=token_answer("good"))
    failure(endpoint_id, credentials(receiver))
    assert access_tokens.get(endpoint_id, credentials(receiver), SOON) == "good"


def test_a_lock_of_a_process_that_died_frees_itself(receiver: Receiver, endpoint_id: UUID) -> None:
    server = TokenServer(receiver)
    assert shared.lock(endpoint_id, "gone", 0.3)
    assert access_tokens.get(endpoint_id, credentials(receiver), SOON) == "canary-token-1"
    assert server.asked == 1


def test_a_lock_that_another_process_holds_is_waited_for_within_the_time(receiver: Receiver, endpoint_id: UUID) -> None:
    server = TokenServer(receiver)
    assert shared.lock(endpoint_id, "busy", 60)
    found = failure(endpoint_id, credentials(receiver), seconds=0.3)
    assert found.error == ErrorClass.TOKEN_ERROR
    assert server.asked == 0


def test_without_redis_each_process_asks_for_itself(
    receiver: Receiver, endpoint_id: UUID, no_redis: None, settings: Settings
) -> None:
    server, wanted = TokenServer(receiver), credentials(receiver)
    got = at_once(*[lambda: access_tokens.get(endpoint_id, wanted, SOON)] * 5)
    assert (set(got), server.asked) == ({"canary-token-1"}, 1)


def test_a_token_is_not_used_until_its_very_end(receiver: Receiver, endpoint_id: UUID) -> None:
    server = TokenServer(receiver, expires_in=0.0001)
    first, second = (access_tokens.get(endpoint_id, credentials(receiver), SOON) for _ in range(2))
    assert (first, second, server.asked) == ("canary-token-1", "canary-token-2", 2)


@pytest.mark.parametrize("part", ["client_secret", "client_id", "scope", "method"])
def test_a_change_of_the_credentials_makes_the_token_void(receiver: Receiver, endpoint_id: UUID, part: str) -> None:
    server = TokenServer(receiver)
    access_tokens.get(endpoint_id, credentials(receiver), SOON)
    changed = credentials(receiver, **{part: oauth2.POST if part == "method" else "new"})
    assert access_tokens.get(endpoint_id, changed, SOON) == "canary-token-2"
    other_process()
    assert access_tokens.get(endpoint_id, changed, SOON) == "canary-token-2"
    assert server.asked == 2


def test_two_endpoints_share_nothing(receiver: Receiver) -> None:
    server, wanted = TokenServer(receiver), credentials(receiver)
    got = {access_tokens.get(ids.new_id(), wanted, SOON) for _ in range(2)}
    assert (len(got), server.asked) == (2, 2)


def test_a_renewed_token_that_is_refused_too_is_not_renewed_at_once(receiver: Receiver, endpoint_id: UUID) -> None:
    """Attack: a receiver that answers 401 to everything has Clarion flood the token endpoint."""
    server, wanted = TokenServer(receiver), credentials(receiver)
    first = access_tokens.get(endpoint_id, wanted, SOON)
    second = access_tokens.get(endpoint_id, wanted, SOON, rejected=first)
    for forget in (lambda: None, other_process):
        forget()
        assert "renewed" in failure(endpoint_id, wanted, rejected=second).detail
    assert server.asked == 2


def test_a_server_that_always_gives_the_same_token_is_asked_once_for_each_refusal(
    receiver: Receiver, endpoint_id: UUID
) -> None:
    receiver.always(TOKEN, token_answer("same"))
    wanted = credentials(receiver)
    assert access_tokens.get(endpoint_id, wanted, SOON) == "same"
    assert access_tokens.get(endpoint_id, wanted, SOON, rejected="same") == "same"
    assert len(receiver.requests(TOKEN)) == 2


def test_tokens_in_redis_are_encrypted(receiver: Receiver, endpoint_id: UUID, valkey: redis.Redis) -> None:
    TokenServer(receiver)
    access_tokens.get(endpoint_id, credentials(receiver), SOON)
    kept = shared.read(endpoint_id)
    assert kept
    values = [valkey.get(key) for key in valkey.keys("*") if valkey.type(key) == "string"]
    assert kept in values
    assert not any("canary" in str(value) for value in values)
    assert 0 < valkey.pttl(f"clarion:token:{endpoint_id}") <= 3600_000


@pytest.mark.parametrize("text", ["garbage", "", "{}"])
def test_what_redis_holds_is_not_trusted(receiver: Receiver, endpoint_id: UUID, text: str) -> None:
    TokenServer(receiver)
    shared.keep(endpoint_id, text, 60)
    assert access_tokens.get(endpoint_id, credentials(receiver), SOON) == "canary-token-1"


# --- hostile and broken token endpoints: one error class, one sentence, in time

HUGE = Answer(200, [("Content-Type", "application/json")], b'{"access_token":"' + b"x" * 200_000 + b'"}')


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (HUGE, "longer than"),
        (Answer(302, [("Location", "http://127.0.0.1/elsewhere")]), "redirect"),
        (Answer(200, [("Content-Type", "text/html")], b"<html>canary-client-secret</html>"), "not a JSON object"),
        (Answer(401, (), b'{"error":"invalid_client","error_description":"canary-client-secret"}'), "invalid_client"),
        (Answer(500, (), b"canary-client-secret"), "HTTP 500"),
        (token_answer("x", expires_in=-1), "expires_in"),
        (token_answer("a\r\nEvil: 1"), "access_token"),
        (token_answer("x", token_type="mac"), "token_type"),
        (Answer(204), "HTTP 204"),
    ],
    ids=["huge", "redirect", "html", "echo", "error", "lifetime", "injection", "type", "empty"],
)
def test_a_bad_answer_is_a_sentence_without_its_content(
    receiver: Receiver, endpoint_id: UUID, step: Any, words: str
) -> None:
    receiver.always(TOKEN, step)
    found = failure(endpoint_id, credentials(receiver))
    assert found.error == ErrorClass.TOKEN_ERROR
    assert found.detail.startswith("No access token from 127.0.0.1. ")
    assert words in found.detail
    assert len(receiver.requests()) == 1, "a redirect was followed"


@pytest.mark.parametrize("step", [Hang(), Drip(token_answer("x"), 0.05), Drip(token_answer("x"), 0.05, head_too=True)])
def test_a_slow_token_endpoint_ends_with_the_time_there_is(receiver: Receiver, endpoint_id: UUID, step: Any) -> None:
    receiver.always(TOKEN, step)
    assert failure(endpoint_id, credentials(receiver), seconds=0.3).error == ErrorClass.TOKEN_ERROR


def test_a_token_endpoint_at_a_forbidden_address_is_never_connected_to(endpoint_id: UUID) -> None:
    wanted = ClientCredentials(
        parse_token_url("https://metadata.example.com/token"), "clarion", SECRET,
    )  # fmt: skip
    found = failure(endpoint_id, wanted)
    assert found.error == ErrorClass.TOKEN_ERROR
