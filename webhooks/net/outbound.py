"""The HTTP client of this process, configured from the settings."""

from __future__ import annotations

import ssl
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

import webhooks
from webhooks.conf import conf
from webhooks.core.addresses import AllowList
from webhooks.core.urls import is_ip_literal
from webhooks.net.client import HttpClient
from webhooks.net.reach import Reach
from webhooks.net.tls import verifying


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


@lru_cache(maxsize=1)
def reach() -> Reach:
    """Where protocols other than HTTP may connect to, by the same settings."""
    return Reach(
        allow=allow_list(),
        deny_hosts=frozenset(own_hosts() + service_hosts()),
        connect_timeout=conf.CONNECT_TIMEOUT,
        services=services,
    )


@lru_cache(maxsize=1)
def broker_tls() -> ssl.SSLContext:
    """The TLS of queues. Never changed after it was made: threads share it."""
    return verifying(conf.CA_BUNDLE)


def aws_endpoints() -> frozenset[str]:
    """Origins that the operator lets stand in for AWS (WEBHOOKS_AWS_ENDPOINTS)."""
    return frozenset(item for part in conf.AWS_ENDPOINTS.split(",") if (item := part.strip().rstrip("/")))


def own_hosts() -> list[str]:
    """An event sent to ourselves would make an event: our public name is no target, unless it is loopback."""
    host = urlsplit(conf.PUBLIC_URL).hostname or ""
    return [] if host in ("", "localhost", "127.0.0.1", "::1") else [host]


def service_hosts() -> list[str]:
    """The names of our database, Redis and broker. Attack: a tenant talks to them from inside the network.

    Names only: at an address of theirs receivers may live, too, and the port tells them apart. Refused when
    something is sent, not when a URL is saved, where a refusal would tell a tenant what they are called.
    """
    return sorted({host for host, _ in _services() if _is_name(host)})


def services() -> set[tuple[str, int]]:
    """Hosts and ports of our database, Redis and broker; those behind a socket's path are left out.

    Attack: a queue at ``10.0.0.5:6379``, which an operator has allowed for queues, is Celery's own broker.
    """
    return {(host, port) for host, port in _services() if host and "/" not in host}


def _services() -> set[tuple[str, int]]:
    database = settings.DATABASES.get("default", {})
    brokers = getattr(settings, "CELERY_BROKER_URL", "")
    brokers = brokers.split(";") if isinstance(brokers, str) else brokers
    port = int(database.get("PORT") or 5432)
    found = {(name.strip().lower(), port) for name in str(database.get("HOST", "")).split(",")}
    for url in (conf.REDIS_URL, *brokers):
        parts = urlsplit(url)
        found.add(((parts.hostname or "").lower(), _port(parts)))
    return found


def _port(url: SplitResult) -> int:
    try:
        return url.port or _PORTS.get(url.scheme, 0)
    except ValueError:  # no number, as in the URL of a broker that has keys in that place
        return 0


_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


def _is_name(host: str) -> bool:
    """False for nothing, a socket's path, an address or the loopback."""
    return host not in ("", "localhost") and "/" not in host and not is_ip_literal(host)
