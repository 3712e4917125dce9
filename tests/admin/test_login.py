"""Logging in: how often it may fail, what is said and what is recorded."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from webhooks.models import AuditEntry

LOGIN = "/admin/login/"
WORD = "correct horse 7"


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.WEBHOOKS_LOGIN_TRIES_USER = 3
    settings.WEBHOOKS_LOGIN_TRIES_ADDRESS = 8
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick


@pytest.fixture
def olga(db: None) -> User:
    return User.objects.create_superuser("olga", "", WORD)


WRONG = "wrong"


def attempt(name: str, password: str = WRONG, address: str = "198.51.100.7", **headers: str) -> Any:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"username": name, "password": password}, headers=headers)


def test_after_too_many_failures_even_the_right_password_has_to_wait(olga: User) -> None:
    assert [attempt("olga").status_code for _ in range(3)] == [200, 200, 200]
    refused = attempt("olga", WORD)
    assert refused.status_code == 429
    assert "_auth_user_id" not in refused.client.session
    assert 0 < int(refused["Retry-After"]) <= 900
    assert "Too many logins failed. Try again in 15 minutes." in refused.content.decode()
    assert refused["Cache-Control"] == "no-store"


def test_who_is_logged_in_stays_so(olga: User) -> None:
    browser = Client()
    browser.force_login(olga)
    for _ in range(5):
        attempt("olga")
    assert browser.get(reverse("admin:index")).status_code == 200


def test_a_success_begins_anew(olga: User) -> None:
    for n in range(4):
        address = f"198.51.100.{n}"  # which keeps the failures before the success
        assert attempt("olga", address=address).status_code == 200
        assert attempt("olga", address=address).status_code == 200
        assert attempt("olga", WORD, address=address).status_code == 302


def test_names_that_do_not_exist_are_answered_like_those_that_do(olga: User) -> None:
    def answers(name: str, address: str) -> list[Any]:
        found = [attempt(name, address=address) for _ in range(5)]
        token = r'value="[A-Za-z0-9]{64}"'
        return [(one.status_code, re.sub(token, "", one.content.decode()).replace(name, "NAME")) for one in found]

    assert answers("olga", "198.51.100.1") == answers("nobody", "198.51.100.2")


def test_an_address_that_tries_many_names_has_to_wait(olga: User) -> None:
    found = [attempt(f"name-{n}").status_code for n in range(12)]
    assert found == [200] * 8 + [429] * 4
    assert attempt("olga", WORD).status_code == 429
    assert attempt("olga", WORD, address="203.0.113.1").status_code == 302, "from elsewhere"


def test_a_header_of_the_client_does_not_change_its_address(olga: User) -> None:
    found = [attempt(f"name-{n}", **{"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(12)]
    assert found[-1] == 429


def test_behind_a_proxy_each_client_is_counted_by_itself(olga: User, settings: Any) -> None:
    settings.WEBHOOKS_TRUSTED_PROXIES = 1
    forged = [attempt(f"name-{n}", **{"X-Forwarded-For": f"192.0.2.{n}, 203.0.113.5"}).status_code for n in range(12)]
    assert forged == [200] * 8 + [429] * 4, "what the client wrote stands in front of what the proxy added"
    assert attempt("olga", WORD, **{"X-Forwarded-For": "203.0.113.6"}).status_code == 302


def test_a_request_without_csrf_token_is_no_try(olga: User) -> None:
    client = Client(enforce_csrf_checks=True)
    for _ in range(10):
        assert client.post(LOGIN, {"username": "olga", "password": "wrong"}).status_code == 403
    assert attempt("olga", WORD).status_code == 302


def test_without_valkey_people_get_in(olga: User, settings: Any) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    assert [attempt("olga").status_code for _ in range(5)] == [200] * 5
    assert attempt("olga", WORD).status_code == 302


def test_logins_and_logouts_are_recorded(olga: User) -> None:
    attempt("olga")
    entered = attempt("olga", WORD)
    entered.client.post(reverse("admin:logout"))
    failed, succeeded, ended = (
        AuditEntry.objects.filter(object_kind="user").exclude(action="user.created").order_by("id")
    )
    assert [entry.action for entry in (failed, succeeded, ended)] == [
        "login.failed", "login.succeeded", "logout.succeeded",
    ]  # fmt: skip
    assert (failed.actor_kind, failed.object_label, failed.address) == ("anonymous", "olga", "198.51.100.7")
    assert (succeeded.actor_kind, succeeded.actor_id) == ("staff", f"user_{olga.pk}")
    assert (ended.actor_label, ended.request_id != "") == ("olga", True)


def test_a_password_typed_as_a_name_is_not_recorded(olga: User) -> None:
    attempt("my-Secret-pass", "olga")
    entry = AuditEntry.objects.get(action="login.failed")
    assert "Secret" not in str(entry.content())
    assert entry.objects_named == []


def test_refusals_are_recorded_once(olga: User) -> None:
    for _ in range(10):
        attempt("olga")
    assert AuditEntry.objects.filter(action="login.failed").count() == 3
    assert AuditEntry.objects.filter(action="login.refused").count() == 1


@pytest.mark.parametrize("name", ["", "\0", "x" * 10_000, "\ufffe", "a\nb"])
def test_any_name_is_an_ordinary_failure(olga: User, name: str) -> None:
    assert attempt(name).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_are_counted_like_others(olga: User) -> None:
    def one(_: int) -> int:
        try:
            return int(attempt("olga").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(40)))
    assert sorted(found) == [200] * 3 + [429] * 37
    assert AuditEntry.objects.filter(action="login.failed").count() == 3
