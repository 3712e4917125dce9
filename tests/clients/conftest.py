"""A web process, and clients of both kinds for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

import clarion
from tests.api.wire import Web
from tests.clients.gateway import Gateway

if TYPE_CHECKING:
    from webhooks.models import Tenant


@pytest.fixture(scope="module")
def web(stack_env: Mapping[str, str]) -> Iterator[Web]:
    """gunicorn on this process's database."""
    made = Web({**stack_env, "WEBHOOKS_PUBLIC_URL": "http://localhost"})
    made.start()
    yield made
    made.stop()


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    """A tenant that other processes see."""
    from tests.factories import make_tenant

    return make_tenant()


@pytest.fixture
def gateway(web: Web) -> Iterator[Gateway]:
    """In front of the web process."""
    made = Gateway(web.port)
    yield made
    made.close()


class Blocking:
    """Drives a client whose methods return results."""

    make: Callable[..., Any] = clarion.Client

    def do(self, result: Any) -> Any:
        return result

    def rows(self, listed: Iterator[Any]) -> list[Any]:
        return list(listed)

    def close(self) -> None:
        pass


class Awaiting:
    """Drives a client whose methods return awaitables, in one event loop."""

    make: Callable[..., Any] = clarion.AsyncClient

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def do(self, result: Any) -> Any:
        return self._runner.run(result)

    def rows(self, listed: AsyncIterator[Any]) -> list[Any]:
        async def collect() -> list[Any]:
            return [one async for one in listed]

        return self._runner.run(collect())

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(params=[Blocking, Awaiting], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Iterator[Blocking | Awaiting]:
    """Both kinds of client, by the same test."""
    driver = request.param()
    yield driver
    driver.close()


@pytest.fixture
def client(drive: Blocking | Awaiting, gateway: Gateway, api_key: str) -> Iterator[Any]:
    """A client of ``tenant``."""
    made = type(drive).make(api_key, gateway.url)
    yield made
    drive.do(made.aclose() if isinstance(drive, Awaiting) else made.close())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, noted instead of made."""
    noted: list[float] = []

    async def later(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr("clarion._sync.exchange.time.sleep", noted.append)
    monkeypatch.setattr("clarion._aio.exchange.asyncio.sleep", later)
    return noted
