"""The client: one pool of connections, and the resources on it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from clarion._generated.client import AuthenticatedClient
from clarion._sync.accounts import ApiKeys, OAuthClients, Tenants
from clarion._sync.audit import AuditLog
from clarion._sync.deliveries import DeadLetters, Deliveries
from clarion._sync.event_types import EventTypes
from clarion._sync.events import Events
from clarion._sync.exchange import Exchange
from clarion._sync.operations import Operations
from clarion._sync.sources import ReceivedMessages, Sources
from clarion._sync.webhooks import Webhooks
from clarion.retries import Retries
from clarion.settings import BearerKey, Settings

TIMEOUT = 35.0  # seconds; the API itself waits for a test delivery for up to 30


class Client:
    """Clarion's HTTP API.

    ``api_key`` and ``base_url`` come from CLARION_API_KEY and CLARION_URL when they are left out. ``tenant``: the one
    to act for, by id or slug, for platform keys. ``timeout``: seconds for each step of a try (connecting, sending,
    waiting for a part of the answer). ``max_retries``: how often a request is sent again after a network error or an
    answer of 429, 502, 503 or 504. ``transport``: an httpx transport of your own, for a proxy or certificates.

    Keep it and use it for everything: it keeps its connections.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        tenant: str | None = None,
        timeout: float = TIMEOUT,
        max_retries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings = Settings.of(api_key, base_url, tenant)
        http = httpx.Client(
            base_url=settings.base_url,
            auth=BearerKey(settings.api_key),
            headers=settings.headers(),
            timeout=timeout,
            transport=Exchange(transport or httpx.HTTPTransport(), Retries(max_retries)),
            trust_env=False,  # a proxy would go past the transport with the retries
        )
        core = AuthenticatedClient(settings.base_url, token="").set_httpx_client(http)
        self._http = http
        self.events = Events(core)
        self.webhooks = Webhooks(core)
        self.deliveries = Deliveries(core)
        self.dead_letters = DeadLetters(core)
        self.event_types = EventTypes(core)
        self.operations = Operations(core)
        self.sources = Sources(core)
        self.received = ReceivedMessages(core)
        self.tenants = Tenants(core)
        self.api_keys = ApiKeys(core)
        self.oauth_clients = OAuthClients(core)
        self.audit = AuditLog(core)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.base_url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
