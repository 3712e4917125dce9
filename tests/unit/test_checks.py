"""System checks refuse settings that lose deliveries or open a hole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from webhooks.checks import check_production, check_settings


def _ids(messages: list[Any]) -> set[str]:
    return {message.id for message in messages}


def test_the_settings_of_the_tests_pass(settings: Settings) -> None:
    assert check_settings() == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("WEBHOOKS_ENCRYPTION_KEYS", (), "webhooks.E001"),
        ("WEBHOOKS_ENCRYPTION_KEYS", ("too short",), "webhooks.E002"),
        ("WEBHOOKS_ALLOWED_CIDRS", "not a network", "webhooks.E003"),
        ("WEBHOOKS_DENIED_CIDRS", "not a network", "webhooks.E003"),
        ("WEBHOOKS_PROXY_CIDRS", "10.0.0.1/8", "webhooks.E003"),
        ("WEBHOOKS_AWS_ENDPOINTS", "http://ok:4566, localstack:4566", "webhooks.E007"),
        ("WEBHOOKS_AWS_ENDPOINTS", "http://localstack:4566/path", "webhooks.E007"),
        ("WEBHOOKS_CLOUDEVENTS_SOURCE", "a source", "webhooks.E008"),
        ("WEBHOOKS_REDIS_URL", "valkey://127.0.0.1/1", "webhooks.E009"),
        ("WEBHOOKS_REDIS_URL", "127.0.0.1:6379", "webhooks.E009"),
        ("CELERY_ACCEPT_CONTENT", ["json", "pickle"], "webhooks.E005"),
        ("CELERY_BROKER_TRANSPORT_OPTIONS", {"visibility_timeout": 60}, "webhooks.E006"),
    ],
)
def test_it_refuses(settings: Settings, name: str, value: Any, found: str) -> None:
    setattr(settings, name, value)
    assert found in _ids(check_settings())


def test_it_warns_of_the_prefetch_count_that_celery_restores_from_any_thread(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "amqp://guest@localhost//"
    assert check_settings() == []
    del settings.CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION
    assert _ids(check_settings()) == {"webhooks.W005"}
    settings.CELERY_BROKER_URL = "redis://localhost"
    assert check_settings() == []


def test_it_refuses_another_database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert "webhooks.E004" in _ids(check_settings())


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("WEBHOOKS_PUBLIC_URL", "http://clarion.example", "webhooks.W001"),
        ("WEBHOOKS_ALLOW_HTTP", True, "webhooks.W002"),
        ("WEBHOOKS_ALLOWED_CIDRS", "127.0.0.0/8:*", "webhooks.W003"),
        ("WEBHOOKS_ALLOWED_CIDRS", "0.0.0.0/0", "webhooks.W003"),
        ("WEBHOOKS_SECURITY_CONTACT", (), "webhooks.W020"),
        ("WEBHOOKS_SECURITY_CONTACT", ("security@clarion.example",), "webhooks.W020"),
        ("WEBHOOKS_SECURITY_EXPIRES", "", "webhooks.W020"),
        ("WEBHOOKS_SECURITY_EXPIRES", "2020-01-01T00:00:00Z", "webhooks.W020"),
        ("WEBHOOKS_SECURITY_EXPIRES", "2999-01-01T00:00:00Z", "webhooks.W020"),
    ],
)
def test_it_warns_in_production(settings: Settings, name: str, value: Any, found: str) -> None:
    settings.WEBHOOKS_PUBLIC_URL = "https://clarion.example"
    settings.WEBHOOKS_ALLOW_HTTP = False
    settings.WEBHOOKS_ALLOWED_CIDRS = ""
    settings.WEBHOOKS_SECURITY_CONTACT = ("mailto:security@clarion.example",)
    settings.WEBHOOKS_SECURITY_EXPIRES = f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}"
    assert check_production() == []
    setattr(settings, name, value)
    assert found in _ids(check_production())


@pytest.mark.parametrize(("value", "warned"), [("1", True), ("true", True), ("yes", True), ("0", False), ("", False)])
def test_it_warns_of_flowers_open_api(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str, warned: bool
) -> None:
    monkeypatch.setenv("FLOWER_UNAUTHENTICATED_API", value)
    assert ("webhooks.W010" in _ids(check_production())) == warned
