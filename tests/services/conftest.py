"""Fixtures of the delivery engine's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings

from tests.receiver import Receiver

if TYPE_CHECKING:
    from tests.services.overtime import Overtime
    from webhooks.models import Endpoint
    from webhooks.net.client import HttpClient


@pytest.fixture
def no_redis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address of the guards."""
    from webhooks.guards import store

    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(store, "_resting_until", 0.0)


@pytest.fixture
def endpoint_at(receiver: Receiver) -> Callable[..., Endpoint]:
    """Makes endpoints at the receiver's ``/hook``: ``endpoint_at(ordered=True)``."""
    from tests.factories import make_endpoint
    from tests.services.engine import HOOK

    def make(**fields: Any) -> Endpoint:
        return make_endpoint(url=receiver.url(HOOK), **fields)

    return make


@pytest.fixture
def deliver_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., HttpClient]]:
    """``deliver_with(allow=…, resolver=…)``: deliveries of this test go through such a client."""
    from webhooks.net import outbound
    from webhooks.net.client import HttpClient

    with ExitStack() as stack:

        def install(**options: Any) -> HttpClient:
            client = stack.enter_context(HttpClient(**({"refusal_step": 0.02} | options)))
            monkeypatch.setattr(outbound, "client", lambda: client)
            return client

        yield install


@pytest.fixture
def overtime(monkeypatch: pytest.MonkeyPatch) -> Overtime:
    """Time limits of calls are struck by the test."""
    from tests.services.overtime import Overtime

    return Overtime(monkeypatch)


@pytest.fixture
def no_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the processors that the test registers."""
    from webhooks.core import processors

    monkeypatch.setattr(processors, "_registry", {})


@pytest.fixture
def storage(settings: Settings, tmp_path: Any) -> Any:
    """The folder of this test's operations, in place of the one that the run shares."""
    options = {"location": str(tmp_path), "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "webhooks": {"BACKEND": backend, "OPTIONS": options}}
    return tmp_path
