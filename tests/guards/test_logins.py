"""Counting logins in Valkey: by name and by address, in one step, and open when Valkey is away."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from webhooks.guards import logins, store

ADDRESS = "198.51.100.7"


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.WEBHOOKS_LOGIN_TRIES_USER = 3
    settings.WEBHOOKS_LOGIN_TRIES_ADDRESS = 6
    settings.WEBHOOKS_LOGIN_PERIOD = 60.0


def admitted(names: list[str], addresses: list[str]) -> int:
    tries = zip(names, addresses, strict=True)
    return sum(logins.attempt(name, address).wait == 0 for name, address in tries)


def test_a_name_has_so_many_tries_from_wherever(valkey: redis.Redis) -> None:
    assert admitted(["admin"] * 5, [f"198.51.100.{n}" for n in range(5)]) == 3


def test_an_address_has_so_many_tries_of_whatever_name(valkey: redis.Redis) -> None:
    assert admitted([secrets.token_hex(4) for _ in range(9)], [ADDRESS] * 9) == 6


def test_other_spellings_are_the_same_name(valkey: redis.Redis) -> None:
    spellings = ["admin", "ADMIN", " admin ", "\uff41dmin"]
    assert admitted(spellings, [f"198.51.100.{n}" for n in range(4)]) == 3


def test_an_ipv6_subscriber_is_one_address(valkey: redis.Redis) -> None:
    names = [secrets.token_hex(4) for _ in range(8)]
    assert admitted(names, [f"2001:db8:0:1::{n:x}" for n in range(1, 9)]) == 6


def test_the_wait_is_told_and_does_not_grow_by_trying(valkey: redis.Redis) -> None:
    admitted(["admin"] * 3, [ADDRESS] * 3)
    first = logins.attempt("admin", ADDRESS)
    assert 0 < first.wait <= 60
    assert first.first
    for _ in range(20):
        again = logins.attempt("admin", ADDRESS)
    assert 0 < again.wait <= first.wait
    assert not again.first, "only the first refusal is news"


def test_after_the_wait_there_are_tries_again(valkey: redis.Redis, settings: Any) -> None:
    admitted(["admin"] * 3, [ADDRESS] * 3)
    assert logins.attempt("admin", ADDRESS).wait > 0
    for key in valkey.scan_iter("clarion:login:*"):  # type: ignore[union-attr]
        assert valkey.pttl(key) > 0, f"{key} would lock for ever"
        valkey.delete(key)
    assert logins.attempt("admin", ADDRESS).wait == 0


def test_a_success_frees_the_name_and_gives_the_address_one_try_back(valkey: redis.Redis) -> None:
    admitted(["admin"] * 3, [ADDRESS] * 3)
    logins.forgive("admin", ADDRESS)
    assert admitted(["admin"] * 4, [ADDRESS] * 4) == 3, "the name begins anew"
    logins.forgive("admin", ADDRESS)
    assert admitted([secrets.token_hex(4) for _ in range(5)], [ADDRESS] * 5) == 2, "6 - (3 - 1) - (3 - 1)"


def test_who_knows_one_password_cannot_wash_an_address_clean_of_guesses(valkey: redis.Redis) -> None:
    guessed = 0
    for n in range(40):
        guessed += logins.attempt(f"victim-{n}", ADDRESS).wait == 0
        if logins.attempt("mallory", ADDRESS).wait == 0:
            logins.forgive("mallory", ADDRESS)
    assert guessed <= 6


def test_parallel_tries_are_no_more_than_those_one_after_the_other(valkey: redis.Redis) -> None:
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda _: logins.attempt("admin", ""), range(200)))
    assert sum(attempt.wait == 0 for attempt in found) == 3
    assert sum(attempt.first for attempt in found) == 1


def test_no_name_stands_in_valkey(valkey: redis.Redis) -> None:
    logins.attempt("olga@example.com", ADDRESS)
    assert not [key for key in valkey.scan_iter("*") if "olga" in key]  # type: ignore[union-attr]


def test_any_text_is_a_name(valkey: redis.Redis) -> None:
    for name in ("", "\0", "\ud800", "x" * 100_000, "a:b*"):
        assert logins.attempt(name, "").wait == 0


def test_without_valkey_everybody_may_try_and_the_log_says_so(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert admitted(["admin"] * 8, [ADDRESS] * 8) == 8
    logins.forgive("admin", ADDRESS)
    assert "guards_unavailable" in caplog.text
    store._resting_until = 0.0
