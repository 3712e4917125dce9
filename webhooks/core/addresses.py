"""Which network addresses Clarion may connect to.

The table is written out, because ``ipaddress.is_global`` calls many dangerous addresses global (multicast,
NAT64, 6to4, IPv4-compatible, Azure's 168.63.129.16). Sources: the IANA special-purpose registries
(RFC 6890 and successors) and the metadata addresses of the cloud providers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NoReturn

from webhooks.errors import ClarionError

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# Ports below 1024 that carry HTTP; every other low port belongs to another protocol.
LOW_HTTP_PORTS = frozenset({80, 443})
# From 1024 up, the services an attacker would like us to talk to: the WHATWG "bad ports", and common
# databases, brokers and control planes (Docker, etcd, MSSQL, Oracle, MySQL, RDP, PostgreSQL, AMQP, VNC, CouchDB,
# WinRM, Redis, Kubernetes, Consul, Cassandra, Kafka, Elasticsearch, kubelet, memcached, RabbitMQ, MongoDB).
DENIED_HIGH_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}
    | {6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
    | {1433, 1521, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5671, 5672, 5900, 5984, 5985, 5986, 6379}
    | {6380, 6432, 6443, 8500, 9042, 9092, 9200, 9300, 10250, 10255, 11211, 15672, 25672, 26379, 27017, 27018, 27019}
)

# Nothing an operator writes opens these: no webhook receiver lives there, instance credentials do.
_NEVER = (
    ("0.0.0.0/8", "unspecified"),
    ("169.254.0.0/16", "link_local"),  # AWS, GCP, Azure, OCI, DigitalOcean and ECS metadata
    ("100.100.100.200/32", "metadata"),  # Alibaba
    ("168.63.129.16/32", "metadata"),  # Azure WireServer, a public address
    ("192.0.0.192/32", "metadata"),  # OCI
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "multicast"),
    ("::/128", "unspecified"),
    ("fe80::/10", "link_local"),
    ("ff00::/8", "multicast"),
    ("fd00:ec2::/32", "metadata"),  # AWS
    ("fd20:ce::254/128", "metadata"),  # GCP
    ("fd00:c1::a9fe:a9fe/128", "metadata"),  # OCI
    ("fd00:42::42/128", "metadata"),  # Scaleway
)
# Blocked unless the operator lists them.
_SPECIAL = (
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "private"),  # carrier-grade NAT, RFC 6598
    ("127.0.0.0/8", "loopback"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),  # documentation, RFC 5737
    ("192.31.196.0/24", "reserved"),  # AS112
    ("192.52.193.0/24", "reserved"),  # AMT
    ("192.88.99.0/24", "reserved"),  # 6to4 relay, RFC 7526
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),  # AS112
    ("198.18.0.0/15", "reserved"),  # benchmarking, RFC 2544
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("240.0.0.0/4", "reserved"),
    ("::1/128", "loopback"),
    ("fc00::/7", "private"),
    ("fec0::/10", "private"),  # site-local, RFC 3879
    ("2001::/23", "reserved"),  # Teredo, benchmarking, ORCHID, AMT
    ("2001:db8::/32", "reserved"),
    ("2002::/16", "reserved"),  # 6to4
    ("2620:4f:8000::/48", "reserved"),  # AS112
    ("3fff::/20", "reserved"),  # documentation, RFC 9637
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # the only IPv6 space that is routed on the Internet
_MAPPED = IPv6Network("::ffff:0:0/96")
# Prefixes whose last 32 bits are an IPv4 address that a gateway would connect to.
_IPV4_TAILS = tuple(IPv6Network(text) for text in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_LOW_32 = 0xFFFF_FFFF

_Table = tuple[tuple[int, int, str], ...]  # (network, mask, reason)


def _table(rows: tuple[tuple[str, str], ...], version: int) -> _Table:
    networks = ((ip_network(text), reason) for text, reason in rows)
    return tuple((int(n.network_address), int(n.netmask), r) for n, r in networks if n.version == version)


_NEVER_TABLES = {version: _table(_NEVER, version) for version in (4, 6)}
_SPECIAL_TABLES = {version: _table(_SPECIAL, version) for version in (4, 6)}


class InvalidAllowList(ClarionError):
    """The list of allowed networks cannot be read."""


@dataclass(frozen=True, slots=True)
class AllowRule:
    """One network the operator trusts; ``port`` None is ``*``: every port but the denied ones."""

    network: IPNetwork
    port: int | None

    def covers(self, ip: IPAddress, port: int) -> bool:
        """True when the rule opens ``port`` on ``ip``. A denied port (5432, 6379 ...) must be written out.

        Attack: in 64:ff9b:1::/48 a gateway may keep the IPv4 address in other bits than the last 32, which are the
        ones that are judged. Only the /96 of a gateway opens anything there.
        """
        if ip in _LOCAL_NAT64 and self.network.prefixlen < 96:
            return False
        return self.opens(port) and ip in self.network

    def opens(self, port: int) -> bool:
        """True when the rule opens ``port`` on any address."""
        return not is_denied_port(port) if self.port is None else port == self.port


@dataclass(frozen=True, slots=True)
class AllowList:
    """Networks of the operator's own that may be targets, and public ones that may not (``denied``).

    Comes from the environment, never from a tenant. What is denied stays so whatever the rules say.
    """

    rules: tuple[AllowRule, ...] = ()
    denied: tuple[IPNetwork, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    @classmethod
    def parse(cls, text: str, denied: str = "") -> AllowList:
        """Read ``10.2.0.0/16:8443, 127.0.0.0/8:*, [::1/128]:*``; a bare network means ``:*``.

        ``denied``: networks without ports. Raises :class:`InvalidAllowList` with the faulty item and how to mend it.
        """
        return cls(tuple(map(_parse_rule, _items(text))), tuple(map(_parse_denied, _items(denied))))

    def permits(self, ip: IPAddress, port: int) -> bool:
        """True when a rule opens ``port`` on ``ip``."""
        return any(rule.covers(ip, port) for rule in self.rules)

    def denies(self, ip: IPAddress) -> bool:
        """True for an address that is public and yet no target: behind a NAT64 prefix or a range of our own."""
        return any(ip in network for network in self.denied)

    def opens_port(self, port: int) -> bool:
        """True when some address could be reached on ``port`` thanks to this list."""
        return any(rule.opens(port) for rule in self.rules)


NOTHING_ALLOWED = AllowList()


def is_denied_port(port: int) -> bool:
    """True for a port that does not belong to a web server (or is no port at all)."""
    if port < 1024:
        return port not in LOW_HTTP_PORTS
    return port > 65535 or port in DENIED_HIGH_PORTS


def judge(
    address: str, port: int, allow: AllowList = NOTHING_ALLOWED, usual: Collection[int] = frozenset()
) -> str | None:
    """Return None when Clarion may connect to ``address`` and ``port``, else a stable reason word.

    ``usual``: the ports of the protocol that is to be spoken there (5672 for AMQP), which on public addresses are
    no reason to refuse; on the operator's own networks they have to be written out like any other denied port.

    Attack: a tenant's URL (or the DNS behind it) names an internal service or the cloud's metadata address.
    An IPv6 form that carries an IPv4 address is judged by that inner address too, because a gateway or the
    kernel would connect to it. Words: ``unparsable unspecified loopback link_local metadata multicast private
    reserved denied port``.
    """
    ip = _parse_ip(address)
    return "unparsable" if ip is None else _judge(ip, port, allow, usual)


def _judge(ip: IPAddress, port: int, allow: AllowList, usual: Collection[int]) -> str | None:
    if ip.version == 6 and ip in _MAPPED:
        ip = IPv4Address(int(ip) & _LOW_32)
    if reason := _look_up(_NEVER_TABLES[ip.version], ip):
        return reason
    if allow.denies(ip):
        return "denied"
    inner = embedded_ipv4(ip) if ip.version == 6 else None
    if inner is not None and (reason := _judge(inner, port, allow, usual)):
        return reason
    if allow.permits(ip, port):
        return None
    if reason := _look_up(_SPECIAL_TABLES[ip.version], ip):
        return reason
    if inner is not None or (ip.version == 6 and ip not in _GLOBAL_UNICAST):
        return "reserved"
    return "port" if is_denied_port(port) and port not in usual else None


def embedded_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv4-compatible, SIIT, NAT64, 6to4, Teredo or ISATAP address, else None."""
    value = int(ip)
    if value <= 1:  # :: and ::1 are addresses of their own
        return None
    if any(ip in network for network in _IPV4_TAILS):
        return IPv4Address(value & _LOW_32)
    if ip in _SIX_TO_FOUR:
        return IPv4Address(value >> 80 & _LOW_32)
    if ip in _TEREDO:
        return IPv4Address(~value & _LOW_32)  # the client's address, stored inverted (RFC 4380 section 4)
    if value >> 32 & 0xFDFF_FFFF == 0x5EFE:  # interface id [02]00:5efe:a.b.c.d, RFC 5214
        return IPv4Address(value & _LOW_32)
    return None


def _look_up(table: _Table, ip: IPAddress) -> str | None:
    value = int(ip)
    for network, mask, reason in table:
        if value & mask == network:
            return reason
    return None


@lru_cache(maxsize=4096)
def _parse_ip(address: str) -> IPAddress | None:
    """None for anything but a plain address: a zone id (``fe80::1%eth0``) names an interface of ours."""
    if "%" in address:
        return None
    try:
        return ip_address(address)
    except ValueError:
        return None


def _parse_rule(item: str) -> AllowRule:
    network_text, port_text = _split_rule(item)
    try:
        if "%" in network_text:
            raise ValueError("a zone is not part of a network")
        network = ip_network(network_text)
    except ValueError as error:
        _refuse(item, f"{error}. Write a network such as 10.2.0.0/16 or [fd00::/8]")
    if network.version == 6 and network.subnet_of(_MAPPED):
        _refuse(item, "write the IPv4 network itself")
    if network.version == 6 and network.subnet_of(_LOCAL_NAT64) and network.prefixlen < 96:
        _refuse(item, "write the /96 of your NAT64 gateway")
    if _is_never(network):
        _refuse(item, "link-local, metadata and multicast addresses stay blocked, whatever is listed")
    if port_text == "*":
        return AllowRule(network, None)
    if not (port_text.isascii() and port_text.isdecimal() and 0 < int(port_text[:6]) < 65536):
        _refuse(item, "the port is * or a number from 1 to 65535")
    return AllowRule(network, int(port_text))


def _items(text: str) -> list[str]:
    return [item for part in text.split(",") if (item := part.strip())]


def _parse_denied(item: str) -> IPNetwork:
    try:
        if "%" in item:
            raise ValueError("a zone is not part of a network")
        network = ip_network(item)
    except ValueError as error:
        raise InvalidAllowList(f"Denied network {item!r}: {error}. Write a network such as 2001:db8:64::/96.") from None
    if network.version == 6 and network.subnet_of(_MAPPED):
        raise InvalidAllowList(f"Denied network {item!r}: write the IPv4 network itself.")
    return network


def _split_rule(item: str) -> tuple[str, str]:
    if item.startswith("["):
        network, bracket, rest = item[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            _refuse(item, "write an IPv6 network as [fd00::/8]:8443")
        return network, rest[1:] if rest else "*"
    if item.count(":") > 1:
        if ":" in item.partition("/")[2]:
            _refuse(item, "put the IPv6 network in brackets before the port: [fd00::/8]:8443")
        return item, "*"
    network, colon, port = item.partition(":")
    return network, port if colon else "*"


def _is_never(network: IPNetwork) -> bool:
    start, mask = int(network.network_address), int(network.netmask)
    return any(start & m == n and mask & m == m for n, m, _ in _NEVER_TABLES[network.version])


def _refuse(item: str, why: str) -> NoReturn:
    raise InvalidAllowList(f"Allowed network {item!r}: {why}.")
