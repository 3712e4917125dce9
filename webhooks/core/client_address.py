"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CLIENT_PREFIX = 64  # bits: one subscriber has a whole IPv6 network of this size


def client_address(peer: str, forwarded: str, proxies: int) -> str:
    """The client's address as text; empty when it is not known (a Unix socket).

    ``peer``: the other end of the connection. ``forwarded``: the header ``X-Forwarded-For``. ``proxies``: how many
    proxies of the operator's own stand in front, each of which adds its peer at the end of the header.

    Attack: a client sends the header itself and so chooses the address it is counted under. Of the addresses,
    only those that the operator's proxies added are believed: with none, the header is not read at all.
    """
    added = [part.strip() for part in forwarded.split(",") if part.strip()] if proxies > 0 else []
    chain = [*added, peer]
    found = _parsed(chain[max(0, len(chain) - 1 - proxies)]) or _parsed(peer)
    return str(found) if found else ""


def client_network(address: str) -> str:
    """What belongs to one client: an IPv4 address, or the /64 of an IPv6 address."""
    found = _parsed(address)
    if found is None or found.version == 4:
        return str(found or "")
    return str(ipaddress.ip_network(f"{found}/{CLIENT_PREFIX}", strict=False))


@lru_cache(maxsize=16)
def proxy_networks(text: str) -> tuple[bool, tuple[Network, ...]]:
    """WEBHOOKS_PROXY_CIDRS: whether a Unix socket (``unix``) is among them, and the networks. Raises ValueError."""
    items = [item for part in text.split(",") if (item := part.strip())]
    return "unix" in items, tuple(ipaddress.ip_network(item) for item in items if item != "unix")


def is_proxy(peer: str, text: str) -> bool:
    """Whether the other end of a connection, empty for a Unix socket, is one of the proxies in ``text``."""
    unix, networks = proxy_networks(text)
    found = _parsed(peer)
    return unix if found is None and not peer else any(found in network for network in networks if found)


def _parsed(text: str) -> Address | None:
    """With a port or in brackets, as proxies write it; a mapped IPv4 address as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
