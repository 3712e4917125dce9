"""The token request of RFC 6749 and the strict reading of its answer."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import oauth2
from webhooks.core.oauth2 import ClientCredentials, TokenRefused
from webhooks.core.urls import parse_endpoint_url

URL = parse_endpoint_url("https://auth.example.com/token", allow_http=False)


def credentials(**parts: Any) -> ClientCredentials:
    return ClientCredentials(URL, **{"client_id": "me", "client_secret": "canary"} | parts)


def answer(**changes: Any) -> bytes:
    body = {"access_token": "abc", "token_type": "Bearer", "expires_in": 3600} | changes
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def refused(status: int = 200, body: bytes = b"", whole: bool = True) -> str:
    with pytest.raises(TokenRefused) as caught:
        oauth2.read_answer(status, body, whole=whole)
    return str(caught.value)


def test_the_client_logs_in_by_basic_with_both_parts_form_encoded() -> None:
    headers, body = oauth2.request(credentials(client_id="a:b c", client_secret="p%q+u/e"))
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "a%3Ab+c:p%25q%2Bu%2Fe"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"]}


def test_the_client_logs_in_by_the_body_when_told_so() -> None:
    headers, body = oauth2.request(credentials(scope="read write", method=oauth2.POST))
    assert "Authorization" not in headers
    assert parse_qs(body.decode()) == {
        "grant_type": ["client_credentials"], "scope": ["read write"], "client_id": ["me"], "client_secret": ["canary"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "lifetime"),
    [
        ({}, 3600),
        ({"token_type": "bEARER"}, 3600),
        ({"expires_in": ...}, oauth2.DEFAULT_LIFETIME),
        ({"expires_in": None}, oauth2.DEFAULT_LIFETIME),
        ({"expires_in": "60"}, 60),
        ({"expires_in": 0.5}, 0.5),
        ({"expires_in": 10**30}, oauth2.MAX_LIFETIME),
        ({"refresh_token": "x", "anything": [1, {}]}, 3600),
    ],
)
def test_it_takes_honest_answers(changes: Any, lifetime: float) -> None:
    token = oauth2.read_answer(200, answer(**changes), whole=True)
    assert (token.value, token.lifetime) == ("abc", lifetime)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": ...}, {"access_token": ""}, {"access_token": None}, {"access_token": 5},
        {"access_token": "a b"}, {"access_token": "a\r\nX-Evil: 1"}, {"access_token": "ü"}, {"access_token": "a\n"},
        {"access_token": "x" * 8193}, {"token_type": ...}, {"token_type": "mac"}, {"token_type": ["Bearer"]},
        {"expires_in": 0}, {"expires_in": -1}, {"expires_in": True}, {"expires_in": "soon"}, {"expires_in": "-5"},
        {"expires_in": [3600]}, {"expires_in": "٣"},
    ],
)  # fmt: skip
def test_it_refuses_tokens_that_are_none(changes: Any) -> None:
    assert refused(body=answer(**changes)).startswith("Its answer has")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>log in</html>", b"[]", b'"x"', b"null", b"{", b"\xff", b'{"access_token": NaN}', b"[" * 50_000,
        b'{"access_token":"a","access_token":"b","token_type":"Bearer"}', b"1" * 10_000,
        b"access_token=a&token_type=bearer",
    ],
)  # fmt: skip
def test_it_refuses_bodies_that_are_no_json_object(body: bytes) -> None:
    assert "not a JSON object" in refused(body=body)


def test_it_refuses_a_body_that_was_cut_off() -> None:
    assert "not complete" in refused(body=answer(), whole=False)


def test_a_refusal_repeats_a_known_error_code_and_nothing_else_of_the_answer() -> None:
    echo = json.dumps({"error": "invalid_client", "error_description": "canary is not the secret of me"}).encode()
    assert refused(401, echo) == "It answered HTTP 401, invalid_client."
    assert refused(400, json.dumps({"error": "canary"}).encode()) == "It answered HTTP 400."
    assert refused(503, b'{"error": "invalid_client"}') == "It answered HTTP 503."
    assert refused(400, b"canary") == "It answered HTTP 400."
    assert "redirect" in refused(302)
    assert refused(201, answer()) == "It answered HTTP 201."


def test_secrets_are_not_in_representations() -> None:
    assert "canary" not in repr(credentials())
    assert "canary" not in repr(oauth2.Token("canary", 1))


def test_the_fingerprint_changes_with_every_part() -> None:
    other = parse_endpoint_url("https://auth.example.com/other", allow_http=False)
    made = [
        credentials(), credentials(client_id="you"), credentials(client_secret="new"), credentials(scope="read"),
        credentials(method=oauth2.POST), ClientCredentials(other, "me", "canary"),
    ]  # fmt: skip
    assert len({one.fingerprint for one in made}) == len(made)
    assert credentials().fingerprint == credentials().fingerprint


@given(st.integers(100, 599), st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_a_token_or_a_sentence(status: int, body: bytes, whole: bool) -> None:
    try:
        token = oauth2.read_answer(status, body, whole=whole)
    except TokenRefused:
        return
    assert token.value.isascii()
