"""The HTTP client of this process, configured from the settings."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

import webhooks
from webhooks.conf import conf
from webhooks.core.addresses import AllowList
from webhooks.core.urls import is_ip_literal
from webhooks.net.client import HttpClient


@lru_cache(maxsize=1)
def allow_list() -> AllowList:
    """The private targets the operator trusts (WEBHOOKS_ALLOWED_CIDRS), and the public ones that are none."""
    return AllowList.parse(conf.ALLOWED_CIDRS, conf.DENIED_CIDRS)


@lru_cache(maxsize=1)
def client() -> HttpClient:
    """The shared client. Its warm connections are what makes the second delivery to an endpoint fast."""
    return HttpClient(
        allow=allow_list(),
        connect_timeout=conf.CONNECT_TIMEOUT,
        ca_bundle=conf.CA_BUNDLE,
        body_limit=conf.BODY_LIMIT,
        user_agent=f"Clarion/{webhooks.__version__}",
        deny_hosts=own_hosts() + service_hosts(),
    )


def own_hosts() -> list[str]:
    """An event sent to ourselves would make an event: our public name is no target, unless it is loopback."""
    host = urlsplit(conf.PUBLIC_URL).hostname or ""
    return [] if host in ("", "localhost", "127.0.0.1", "::1") else [host]


def service_hosts() -> list[str]:
    """The names of our database, Redis and broker. Attack: a tenant talks to them from inside the network.

    Names only: at an address of theirs receivers may live, too, and the port tells them apart. Refused when
    something is sent, not when a URL is saved, where a refusal would tell a tenant what they are called.
    """
    databases = str(settings.DATABASES.get("default", {}).get("HOST", "")).split(",")
    brokers = getattr(settings, "CELERY_BROKER_URL", "")
    brokers = brokers.split(";") if isinstance(brokers, str) else brokers
    names = {urlsplit(url).hostname or "" for url in (conf.REDIS_URL, *brokers)} | set(databases)
    return sorted(name.lower() for name in names if _is_name(name))


def _is_name(host: str) -> bool:
    """False for nothing, a socket's path, an address or the loopback."""
    return host not in ("", "localhost") and "/" not in host and not is_ip_literal(host)
