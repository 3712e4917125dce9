"""Clients for the tests of the HTTP client; every one is closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.net.servers import LOCAL, RawServer, Script
from webhooks.core.urls import CanonicalUrl
from webhooks.net.client import HttpClient
from webhooks.net.result import HttpResult

MakeClient = Callable[..., HttpClient]
Serve = Callable[..., RawServer]


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """``make_client(connect_timeout=1)``: a client that may talk to the loopback."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(HttpClient(**({"allow": LOCAL, "refusal_step": 0.01} | options)))


@pytest.fixture
def client(make_client: MakeClient) -> HttpClient:
    return make_client()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(script, context=None)``: a running :class:`RawServer`."""
    with ExitStack() as stack:

        def start(script: Script, *args: Any, **options: Any) -> RawServer:
            return stack.enter_context(RawServer(script, *args, **options))

        yield start


def post(client: HttpClient, target: RawServer | CanonicalUrl, **options: Any) -> HttpResult:
    """A small delivery with a generous timeout."""
    url = target.url() if isinstance(target, RawServer) else target
    defaults: dict[str, Any] = {
        "body": b'{"id":1}',
        "headers": {"Content-Type": "application/json"},
        "timeout": 15.0,
        "pool_key": "endpoint",
    }
    return client.post(url, **(defaults | options))
