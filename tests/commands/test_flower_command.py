"""``manage.py flower`` refuses to start openly. What it answers then is tested on the real stack (tests/stack)."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from webhooks.management.commands.flower import close_metrics


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "clarion:word")
    monkeypatch.delenv("FLOWER_AUTH", raising=False)
    monkeypatch.delenv("FLOWER_UNAUTHENTICATED_API", raising=False)
    return monkeypatch


@pytest.mark.parametrize("value", ["", None])
def test_it_does_not_start_without_a_login(login: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        login.delenv("FLOWER_BASIC_AUTH")
    else:
        login.setenv("FLOWER_BASIC_AUTH", value)
    with pytest.raises(CommandError, match="FLOWER_BASIC_AUTH=user:password"):
        call_command("flower")


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_it_does_not_start_with_an_open_api(login: pytest.MonkeyPatch, value: str) -> None:
    login.setenv("FLOWER_UNAUTHENTICATED_API", value)
    with pytest.raises(CommandError, match="unset it"):
        call_command("flower")


def test_flowers_own_metrics_are_still_open_so_that_closing_them_is_still_needed() -> None:
    """When this fails, Flower asks for the login by itself: delete close_metrics."""
    from flower.views.monitor import Metrics

    original = getattr(Metrics.get, "__wrapped__", Metrics.get)
    assert "authenticated" not in original.__qualname__
    close_metrics()
    once = Metrics.get
    close_metrics()
    assert Metrics.get is once
    assert once.__wrapped__ is original
