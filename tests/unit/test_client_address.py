"""Whose address a request is counted under, whatever it says about itself."""

from __future__ import annotations

import pytest

from webhooks.core.client_address import client_address, client_network, is_proxy

PEER = "203.0.113.9"


def test_the_header_is_not_read_unless_a_proxy_is_trusted() -> None:
    assert client_address(PEER, "198.51.100.1", 0) == PEER


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("198.51.100.1", 1, "198.51.100.1"),
        ("192.0.2.66, 198.51.100.1", 1, "198.51.100.1"),  # the first one is the client's own claim
        ("192.0.2.66, 198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("192.0.2.66,192.0.2.67 , 198.51.100.1", 1, "198.51.100.1"),
        ("", 1, PEER),
        ("198.51.100.1", 3, "198.51.100.1"),  # fewer than there should be: the farthest that is known
        ("198.51.100.1:4711", 1, "198.51.100.1"),
        ("[2001:db8::7]:4711", 1, "2001:db8::7"),
        ("2001:DB8:0::7", 1, "2001:db8::7"),
        ("::ffff:198.51.100.1", 1, "198.51.100.1"),
        ("unknown", 1, PEER),
        ("' OR 1=1 --", 1, PEER),
        ("198.51.100.1\r\nX: y", 1, PEER),
    ],
)
def test_what_the_operators_proxies_added_is_believed(forwarded: str, proxies: int, expected: str) -> None:
    assert client_address(PEER, forwarded, proxies) == expected


def test_a_unix_socket_has_no_address() -> None:
    assert client_address("", "", 0) == ""
    assert client_network("") == ""


def test_a_client_is_an_ipv4_address_or_a_network_of_ipv6() -> None:
    assert client_network("198.51.100.1") == "198.51.100.1"
    assert client_network("2001:db8:1:2:3:4:5:6") == client_network("2001:db8:1:2::9") == "2001:db8:1:2::/64"


@pytest.mark.parametrize(
    ("peer", "listed", "expected"),
    [
        ("10.0.0.9", "10.0.0.0/24, unix", True),
        ("::ffff:10.0.0.9", "10.0.0.0/24", True),
        ("10.0.1.9", "10.0.0.0/24, unix", False),
        ("", "10.0.0.0/24, unix", True),
        ("", "10.0.0.0/24", False),
        ("garbage", "0.0.0.0/0, unix", False),
        ("10.0.0.9", "", False),
        ("2001:db8::1", "10.0.0.0/8, 2001:db8::/32", True),
    ],
)
def test_a_proxy_is_known_by_where_it_connects_from(peer: str, listed: str, expected: bool) -> None:
    assert is_proxy(peer, listed) is expected
