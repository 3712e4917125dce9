"""The address table and the operator's allow-list."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.addresses import AllowList, InvalidAllowList, embedded_ipv4, is_denied_port, judge

BLOCKED = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link_local": ["169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "febf::1"],
    "metadata": [
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
    ],
    "multicast": ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1", "ff0e::1"],
    "private": [
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
    ],
    "reserved": [
        "192.0.0.8",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "100::1",
        "100:0:0:1::1",
        "5f00::1",
        "4000::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2620:4f:8000::1",
        "3fff::1",
        # an address of a public host inside an IPv6 form that only a gateway understands
        "64:ff9b::808:808",
        "64:ff9b:1::808:808",
        "2002:808:808::1",
        "::808:808",
        "::ffff:0:808:808",
        "2606:4700::5efe:808:808",
        "2606:4700::200:5efe:808:808",
    ],
}
EMBEDDED = {
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "link_local",
    "::127.0.0.1": "loopback",
    "::ffff:0:127.0.0.1": "loopback",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "link_local",
    "64:ff9b:1::a00:1": "private",
    "2002:7f00:1::1": "loopback",
    "2002:a9fe:a9fe::": "link_local",
    "2001:0:1:2:3:4:80ff:fffe": "loopback",  # Teredo: the client's address is stored inverted
    "2606:4700::5efe:a00:1": "private",
    "2606:4700::200:5efe:7f00:1": "loopback",
}
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "2001:200::1",
    "2003::1",
]


@pytest.mark.parametrize(
    ("address", "reason"), [(address, reason) for reason, found in BLOCKED.items() for address in found]
)
def test_it_blocks_special_addresses_with_a_stable_word(address: str, reason: str) -> None:
    assert judge(address, 443) == reason


@pytest.mark.parametrize(("address", "reason"), EMBEDDED.items())
def test_it_judges_an_embedded_address_by_the_inner_one(address: str, reason: str) -> None:
    assert judge(address, 443) == reason


@pytest.mark.parametrize("address", PUBLIC)
def test_it_lets_public_addresses_pass(address: str) -> None:
    assert judge(address, 443) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "010.0.0.1",
        "1.2.3.4 ",
        "fe80::1%eth0",
        "::1%1",
        "[::1]",
    ],
)
def test_it_blocks_what_is_not_a_plain_address(address: str) -> None:
    assert judge(address, 443) == "unparsable"
    assert judge(address, 443, AllowList.parse("0.0.0.0/0,::/0")) == "unparsable"


@given(st.ip_addresses(v=6))
def test_nothing_outside_global_unicast_passes(address: IPv6Address) -> None:
    if judge(str(address), 443) is None:
        assert int(address) >> 125 == 1 or address.ipv4_mapped is not None


@given(st.ip_addresses(v=4))
def test_a_mapped_address_gets_the_verdict_of_its_inner_address(address: IPv4Address) -> None:
    assert judge(f"::ffff:{address}", 443) == judge(str(address), 443)


@given(st.text(max_size=60))
def test_it_has_a_verdict_for_any_text(text: str) -> None:
    assert judge(text, 443) is None or judge(text, 443)


def test_it_finds_the_inner_address() -> None:
    assert embedded_ipv4(IPv6Address("64:ff9b::102:304")) == IPv4Address("1.2.3.4")
    assert embedded_ipv4(IPv6Address("2606:4700::1")) is None
    assert embedded_ipv4(IPv6Address("::1")) is None


# --- ports


@pytest.mark.parametrize("port", [80, 443, 8000, 8080, 8443, 1024, 3000, 49152, 65535])
def test_it_allows_the_ports_of_web_servers(port: int) -> None:
    assert judge("8.8.8.8", port) is None


@pytest.mark.parametrize("port", [-1, 0, 1, 22, 23, 25, 53, 110, 143, 445, 587, 1023, 65536])
def test_it_denies_low_ports_and_no_ports(port: int) -> None:
    assert judge("8.8.8.8", port) == "port"


@pytest.mark.parametrize("port", [2049, 2375, 3306, 3389, 5432, 5672, 6379, 6443, 6667, 9092, 11211, 15672, 27017])
def test_it_denies_the_ports_of_other_services(port: int) -> None:
    assert is_denied_port(port)
    assert judge("8.8.8.8", port) == "port"


# --- the allow-list


def test_it_opens_a_network_on_the_port_it_names() -> None:
    allow = AllowList.parse("10.2.0.0/16:8443")
    assert judge("10.2.3.4", 8443, allow) is None
    assert judge("::ffff:10.2.3.4", 8443, allow) is None
    assert judge("10.2.3.4", 8080, allow) == "private"
    assert judge("10.3.0.1", 8443, allow) == "private"


@pytest.mark.parametrize("text", ["127.0.0.0/8:*", "127.0.0.0/8", " 127.0.0.0/8:* , ", "[::1/128]:443,127.0.0.0/8"])
def test_a_star_or_no_port_opens_the_ports_that_are_not_denied(text: str) -> None:
    allow = AllowList.parse(text)
    assert judge("127.0.0.1", 40_123, allow) is None
    assert judge("127.0.0.1", 6379, allow) == "loopback"
    assert judge("127.0.0.1", 22, allow) == "loopback"


def test_a_denied_port_opens_when_it_is_written_out() -> None:
    assert judge("127.0.0.1", 6379, AllowList.parse("127.0.0.0/8:6379")) is None
    assert judge("93.184.216.34", 6379, AllowList.parse("93.184.216.34:6379")) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[::1/128]:8443", "::1"),
        ("[::1]:8443", "::1"),
        ("::1/128", "::1"),
        ("fd00::/8", "fd12::1"),
        ("[fd00::/8]", "fd12::1"),
        ("10.0.0.5", "10.0.0.5"),
    ],
)
def test_it_reads_every_way_to_write_a_network(text: str, address: str) -> None:
    assert judge(address, 8443, AllowList.parse(text)) is None
    assert judge(address, 8443) is not None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("169.254.169.254", "link_local"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("fe80::1", "link_local"),
        ("0.0.0.0", "unspecified"),  # noqa: S104
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("::ffff:169.254.169.254", "link_local"),
        ("64:ff9b::a9fe:a9fe", "link_local"),
        ("2002:a9fe:a9fe::1", "link_local"),
    ],
)
def test_metadata_and_link_local_stay_blocked_under_any_list(address: str, reason: str) -> None:
    assert judge(address, 80, AllowList.parse("0.0.0.0/0,::/0")) == reason


def test_a_gateway_prefix_opens_only_what_lies_behind_it() -> None:
    allow = AllowList.parse("64:ff9b::/96")
    assert judge("64:ff9b::808:808", 443, allow) is None
    assert judge("64:ff9b::a00:1", 443, allow) == "private"


def test_in_the_local_gateway_prefix_only_a_gateways_own_96_opens_anything() -> None:
    """Attack: with the address in other bits than the last 32, a /48 gateway leads to 169.254.169.254 here."""
    hidden = "64:ff9b:1:a9fe:a9:fe00:808:808"
    for wide in ("::/0", "64::/16"):
        assert judge(hidden, 443, AllowList.parse(wide)) == "reserved"
    assert judge("64:ff9b:1:fffe::808:808", 443, AllowList.parse("[64:ff9b:1:fffe::/96]:443")) is None
    assert judge("64:ff9b:1:fffe::a00:1", 443, AllowList.parse("[64:ff9b:1:fffe::/96]:443")) == "private"


def test_what_the_operator_denies_stays_closed_whatever_is_allowed() -> None:
    policy = AllowList.parse("0.0.0.0/0,::/0", denied="2a01:db8:64::/96, 93.184.216.0/24")
    for address in ("2a01:db8:64::808:808", "93.184.216.34", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"):
        assert judge(address, 443, policy) == "denied"
    assert judge("2a01:db8:65::1", 443, policy) is None
    assert judge("8.8.8.8", 443, AllowList.parse("", denied="93.184.216.0/24")) is None


@pytest.mark.parametrize("item", ["nothing", "10.0.0.1/8", "10.0.0.0/8:443", "fe80::1%eth0/128", "::ffff:10.0.0.0/104"])
def test_it_refuses_a_bad_denied_network_and_says_which(item: str) -> None:
    with pytest.raises(InvalidAllowList) as refusal:
        AllowList.parse("", denied=f"203.0.113.0/24,{item}")
    assert repr(item) in str(refusal.value)


def test_an_empty_list_opens_nothing() -> None:
    allow = AllowList.parse(" , ")
    assert not allow
    assert judge("127.0.0.1", 8080, allow) == "loopback"


def test_it_knows_which_ports_it_opens_anywhere() -> None:
    allow = AllowList.parse("10.0.0.0/8:8443,127.0.0.0/8:5432")
    assert [port for port in (443, 5432, 8080, 8443) if allow.opens_port(port)] == [5432, 8443]
    assert AllowList.parse("10.0.0.0/8").opens_port(8080)
    assert not AllowList.parse("10.0.0.0/8").opens_port(5432)


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("10.0.0.1/8", "has host bits set"),
        ("10.0.0.0/33", "10.0.0.0/33"),
        ("receiver.internal", "Write a network such as"),
        ("10.0.0.0/8:", "port is"),
        ("10.0.0.0/8:0", "port is"),
        ("10.0.0.0/8:65536", "port is"),
        ("10.0.0.0/8:http", "port is"),
        ("10.0.0.0/8:٣", "port is"),
        ("10.0.0.0/8:-1", "port is"),
        ("::1/128:8443", "brackets"),
        ("[::1/128", "[fd00::/8]:8443"),
        ("[::1/128]8443", "[fd00::/8]:8443"),
        ("fd00::1%eth0/128", "Write a network such as"),
        ("169.254.169.254:80", "stay blocked"),
        ("169.254.0.0/16", "stay blocked"),
        ("[fe80::/64]", "stay blocked"),
        ("224.0.0.0/8", "stay blocked"),
        ("[64:ff9b:1::/48]", "/96"),
        ("::ffff:10.0.0.0/104", "IPv4 network"),
    ],
)
def test_it_refuses_a_bad_item_and_says_which_and_why(item: str, hint: str) -> None:
    with pytest.raises(InvalidAllowList) as refusal:
        AllowList.parse(f"127.0.0.0/8,{item}")
    assert repr(item) in str(refusal.value)
    assert hint in str(refusal.value)


@given(st.text(alphabet="0123456789abcdef.:/[]*,% ٣", max_size=40))
def test_it_raises_nothing_but_its_own_error(text: str) -> None:
    with suppress(InvalidAllowList):
        AllowList.parse(text)
