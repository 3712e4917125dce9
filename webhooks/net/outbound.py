"""The HTTP client of this process, configured from the settings."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

import webhooks
from webhooks.conf import conf
from webhooks.core.addresses import AllowList
from webhooks.net.client import HttpClient


@lru_cache(maxsize=1)
def allow_list() -> AllowList:
    """The private targets the operator trusts (WEBHOOKS_ALLOWED_CIDRS)."""
    return AllowList.parse(conf.ALLOWED_CIDRS)


@lru_cache(maxsize=1)
def client() -> HttpClient:
    """The shared client. Its warm connections are what makes the second delivery to an endpoint fast."""
    return HttpClient(
        allow=allow_list(),
        connect_timeout=conf.CONNECT_TIMEOUT,
        ca_bundle=conf.CA_BUNDLE,
        body_limit=conf.BODY_LIMIT,
        user_agent=f"Clarion/{webhooks.__version__}",
        deny_hosts=own_hosts(),
    )


def own_hosts() -> list[str]:
    """An event sent to ourselves would make an event: our public name is no target, unless it is loopback."""
    host = urlsplit(conf.PUBLIC_URL).hostname or ""
    return [] if host in ("", "localhost", "127.0.0.1", "::1") else [host]
