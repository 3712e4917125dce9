"""The client of the process, made from the settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.net.conftest import post
from tests.net.servers import ScriptedNames
from webhooks.core.urls import parse_endpoint_url
from webhooks.net import outbound
from webhooks.net.client import HttpClient
from webhooks.net.resolver import Resolver
from webhooks.net.result import ErrorClass


@pytest.fixture
def deployed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings as in a deployment with services of their own names."""
    settings.WEBHOOKS_PUBLIC_URL = "https://clarion.example"
    settings.WEBHOOKS_REDIS_URL = "redis://:secret@Cache.corp.example:6379/1"
    settings.CELERY_BROKER_URL = "amqp://user:secret@broker-a.corp.example//;amqp://broker-b.corp.example//"
    monkeypatch.setitem(settings.DATABASES["default"], "HOST", "db-a.corp.example,db-b.corp.example")
    settings.WEBHOOKS_ALLOWED_CIDRS = "10.0.0.0/8:*"
    settings.WEBHOOKS_DENIED_CIDRS = "93.184.216.0/24"
    monkeypatch.setattr(outbound, "allow_list", outbound.allow_list.__wrapped__)
    with outbound.client.__wrapped__() as client:
        monkeypatch.setattr(outbound, "client", lambda: client)
        yield settings


def test_the_names_of_our_services_are_no_targets(deployed: Settings) -> None:
    """Attack: 10.0.0.0/8 is open for receivers, and the broker's management page listens in it, too."""
    ours = [f"{name}.corp.example" for name in ("broker-a", "broker-b", "cache", "db-a", "db-b")]
    assert outbound.service_hosts() == ours
    assert outbound.client().deny_hosts == {"clarion.example", *ours}
    names = ScriptedNames({name: [["10.0.0.5"]] for name in ours})
    with HttpClient(resolver=Resolver(names), deny_hosts=outbound.client().deny_hosts, refusal_step=0.01) as client:
        for name in (*ours, "clarion.example"):
            result = post(client, parse_endpoint_url(f"https://{name}:8443/", allow_http=False))
            assert result.error == ErrorClass.UNREACHABLE_TARGET
            assert result.cause == "the host is one of Clarion's own names"
    assert names.calls == []


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "::1", "/var/run/postgresql", "10.0.0.9"])
def test_addresses_sockets_and_the_loopback_are_no_names(
    deployed: Settings, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deployed.DATABASES["default"], "HOST", host)
    deployed.WEBHOOKS_REDIS_URL = deployed.CELERY_BROKER_URL = "redis://127.0.0.1:6379/0"
    assert outbound.service_hosts() == []


def test_both_lists_of_networks_reach_the_client(deployed: Settings) -> None:
    allow = outbound.client().allow
    assert [str(rule.network) for rule in allow.rules] == ["10.0.0.0/8"]
    assert [str(network) for network in allow.denied] == ["93.184.216.0/24"]
