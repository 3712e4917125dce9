"""What must hold for any text that is given as a URL; used by hypothesis and by the fuzz target."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from urllib3 import connection_from_url
from urllib3.util import parse_url

from webhooks.core.addresses import NOTHING_ALLOWED, AllowList, judge
from webhooks.core.urls import DEFAULT_PORTS, CanonicalUrl, InvalidUrl, is_ip_literal, parse_endpoint_url

LOOPBACK = AllowList.parse("127.0.0.0/8:*,[::1/128]:*")


def check_agreement(text: str, allow: AllowList = NOTHING_ALLOWED) -> CanonicalUrl | None:
    """Parse ``text``; None when it is refused. AssertionError when anything disagrees on what was accepted.

    Attack: whoever judges a URL reads one host in it, and whoever connects reads another.
    """
    try:
        url = parse_endpoint_url(text, allow_http=True, allow=allow)
    except InvalidUrl:
        return None
    assert parse_endpoint_url(url.url, allow_http=True, allow=allow) == url, "the canonical form is stable"
    assert url.url.isascii()
    assert url.url.isprintable()
    assert " " not in url.url
    assert len(url.url) <= 2048
    _check_parsers(url)
    _check_resolver(url, allow)
    return url


def _check_parsers(url: CanonicalUrl) -> None:
    expected = (url.host, url.port)
    bare = http.client.HTTPConnection(url.authority)
    pool = connection_from_url(url.url)
    parsed, standard = parse_url(url.url), urlsplit(url.url)
    default = DEFAULT_PORTS[url.scheme]
    found = {
        "http.client": (bare.host, bare.port if ":" in url.authority.rpartition("]")[2] else default),
        "urllib3": (pool.host.strip("[]"), pool.port),
        "urllib3.parse_url": ((parsed.host or "").strip("[]"), parsed.port or default),
        "urllib.parse": (standard.hostname, standard.port or default),
    }
    with suppress(requests.exceptions.InvalidURL):  # stricter than we are is no danger
        prepared = urlsplit(requests.Request("POST", url.url).prepare().url or "")
        found["requests"] = (prepared.hostname, prepared.port or default)
    assert found == dict.fromkeys(found, expected)
    assert (standard.username, standard.password, parsed.auth, standard.fragment) == (None, None, None, "")


def _check_resolver(url: CanonicalUrl, allow: AllowList) -> None:
    """A literal is to the resolver the address that was judged; a name is no address at all."""
    try:
        rows = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        assert not is_ip_literal(url.host)
        return
    assert is_ip_literal(url.host)
    assert {ip_address(row[4][0]) for row in rows} == {ip_address(url.host)}
    assert {row[4][1] for row in rows} == {url.port}
    assert judge(url.host, url.port, allow) is None
