"""The canonical URL parser: what it accepts, what it refuses, and that it refuses in words."""

from __future__ import annotations

import string
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from webhooks.core.addresses import NOTHING_ALLOWED, AllowList
from webhooks.core.urls import CanonicalUrl, InvalidUrl, expand_path, is_ip_literal, parse_endpoint_url

LOOPBACK = AllowList.parse("127.0.0.0/8:*,[::1/128]:*")


def parse(text: str, allow: AllowList = NOTHING_ALLOWED, allow_http: bool = True) -> CanonicalUrl:
    return parse_endpoint_url(text, allow_http=allow_http, allow=allow)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM/Path", "https://example.com/Path"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:0443/", "https://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com?a=1", "https://example.com/?a=1"),
        ("https://example.com./", "https://example.com/"),
        ("https://example.com//a/../b//", "https://example.com//a/../b//"),
        ("https://example.com/%7eA%2f?q=%20&b[]=1|2", "https://example.com/%7eA%2f?q=%20&b[]=1|2"),
        (
            "https://example.com/a@b:c;d=1,2?x=http://other/?y",
            "https://example.com/a@b:c;d=1,2?x=http://other/?y",
        ),
        ("https://r3---sn-a.example.com/", "https://r3---sn-a.example.com/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700:0:0:0:0:1111]:8443/a", "https://[2606:4700:4700::1111]:8443/a"),
        ("https://[2606:4700::ABCD]/", "https://[2606:4700::abcd]/"),
        ("https://example.com/{version}/{event_type}", "https://example.com/{version}/{event_type}"),
    ],
)
def test_it_writes_a_url_in_its_canonical_form(text: str, canonical: str) -> None:
    assert parse(text).url == canonical
    assert str(parse(canonical)) == canonical


def test_it_takes_a_url_apart() -> None:
    url = parse("https://Bücher.example:8443/a/b?c=1")
    assert url == CanonicalUrl(
        scheme="https",
        host="xn--bcher-kva.example",
        display_host="bücher.example",
        port=8443,
        path_and_query="/a/b?c=1",
        authority="xn--bcher-kva.example:8443",
        url="https://xn--bcher-kva.example:8443/a/b?c=1",
    )
    assert url.origin == "https://xn--bcher-kva.example:8443"


def test_the_authority_of_an_ipv6_literal_has_brackets_and_the_host_has_none() -> None:
    url = parse("https://[2606:4700::1]/")
    assert (url.host, url.authority, url.port) == ("2606:4700::1", "[2606:4700::1]", 443)
    assert is_ip_literal(url.host)


def test_http_needs_permission() -> None:
    assert parse("http://example.com/").scheme == "http"
    with pytest.raises(InvalidUrl, match="must start with https://"):
        parse("http://example.com/", allow_http=False)
    assert parse("https://example.com/", allow_http=False).scheme == "https"


REFUSED = {
    # two parsers, two hosts
    "http://127.0.0.1\\@example.com/": "backslash",
    "https://example.com\\.evil.example/": "backslash",
    "https://example.com\\@10.0.0.1/": "backslash",
    "http://%31%32%37.0.0.1/": "percent",
    "https://example.com%2eevil.example/": "percent",
    "https://example%00.com/": "percent",
    "https://user@example.com/": "user name",
    "https://user:password@example.com/": "user name",
    "https://@example.com/": "user name",
    "https://example.com:80@10.0.0.1/": "user name",
    "https://example.com#@10.0.0.1/": "fragment",
    "https://example.com/#a": "fragment",
    "https://example.com/?a#b": "fragment",
    # blanks and control characters, which urlsplit strips
    " https://example.com/": "blank",
    "https://example.com/ ": "blank",
    "https://exa mple.com/": "blank",
    "https://example.com/a b": "blank",
    "\thttps://example.com/": "blank",
    "ht\ntps://example.com/": "blank",
    "https://example.com/\r\nX-Header: 1": "blank",
    "https://example.com/\x00": "blank",
    "https://example.com/\x7f": "blank",
    "https://example.com/\u2028": "blank",
    # not a URL
    "": "must start with https://",
    "example.com": "must start with https://",
    "//example.com/": "must start with https://",
    "https:example.com": "must start with https://",
    "https:/example.com": "must start with https://",
    "https:///path": "no host",
    "https://": "no host",
    "https://:443/": "no host",
    "https://?a": "no host",
    "ftp://example.com/": "scheme ftp",
    "file:///etc/passwd": "scheme file",
    "gopher://example.com/": "scheme gopher",
    "javascript://example.com/": "scheme javascript",
    "https://example.com/" + "a" * 2048: "longer than 2048",
    # ports
    "https://example.com:0/": "port 0",
    "https://example.com:65536/": "port 65536",
    "https://example.com:99999/": "port 99999",
    "https://example.com:123456/": "port must be",
    "https://example.com:/": "port must be",
    "https://example.com:-1/": "port must be",
    "https://example.com:٤٤٣/": "port must be",
    "https://example.com:443:443/": "brackets",
    "https://example.com:22/": "Port 22",
    "https://example.com:6379/": "Port 6379",
    # IPv4 in disguise
    "http://2130706433/": "must be written like",
    "http://127.1/": "must be written like",
    "http://0x7f.0.0.1/": "must be written like",
    "http://0x7f000001/": "must be written like",
    "http://127.0.0.0x1/": "must be written like",
    "http://example.0x/": "must be written like",
    "http://0177.0.0.1/": "must be written like",
    "http://127.0.0.01/": "must be written like",
    "http://1.2.3.4.5/": "must be written like",
    "http://256.1.1.1/": "must be written like",
    "http://example.123/": "must be written like",
    "http://\uff11\uff12\uff17.0.0.1/": "must be written like",
    "http://127。0。0。1/": "must be written like",
    "http://①②⑦.0.0.1/": "must be written like",
    "http://8。8。8。8/": "must be written like",
    # IPv6
    "http://[::1/": "brackets",
    "http://::1/": "brackets",
    "http://[]/": "brackets",
    "http://[example.com]/": "brackets",
    "http://[127.0.0.1]/": "brackets",
    "http://[::1]x/": "brackets",
    "http://[v1.a]/": "brackets",
    "http://[fe80::1%25eth0]/": "zone",
    "http://[fe80::1%eth0]/": "zone",
    "http://[::ffff:127.0.0.1]/": "IPv4 address itself: 127.0.0.1",
    # names
    "https://a..example.com/": "not a domain name",
    "https://.example.com/": "not a domain name",
    "https://example.com../": "not a domain name",
    "https://-a.example.com/": "not a domain name",
    "https://a-.example.com/": "not a domain name",
    "https://my_host.example.com/": "not a domain name",
    "https://exam!ple.com/": "not a domain name",
    "https://*.example.com/": "not a domain name",
    f"https://{'a' * 64}.example.com/": "not a domain name",
    f"https://{'a.' * 130}com/": "longer than 253",
    "https://xn--a.com/": "international",
    "https://\ud800.com/": "international",
    "https://🙂.example/": "international",
    f"https://{'ü' * 300}.example/": "longer than 253",
    # addresses and names of other networks
    "http://127.0.0.1/": "address that webhooks may not be sent to",
    "http://10.0.0.1:8080/": "address that webhooks may not be sent to",
    "http://169.254.169.254/latest/meta-data/": "address that webhooks may not be sent to",
    "http://0.0.0.0/": "address that webhooks may not be sent to",
    "http://[::]/": "address that webhooks may not be sent to",
    "http://[::1]/": "address that webhooks may not be sent to",
    "http://[64:ff9b::7f00:1]/": "address that webhooks may not be sent to",
    "http://[fd00:ec2::254]/": "address that webhooks may not be sent to",
    "http://localhost/": "internal network",
    "http://LOCALHOST./": "internal network",
    "http://ⓛocalhost/": "internal network",
    "http://a.localhost:8080/": "internal network",
    "http://database/": "internal network",
    "http://printer.local/": "internal network",
    "http://metadata.google.internal/": "internal network",
    "http://router.home.arpa/": "internal network",
    "http://hidden.onion/": "no address on the Internet",
    "http://name.alt/": "no address on the Internet",
    "http://name.invalid/": "no address on the Internet",
    # path and query
    "https://example.com/é": "percent-encoded",
    'https://example.com/"': "percent-encoded",
    "https://example.com/<a>": "percent-encoded",
    "https://example.com/a^b": "percent-encoded",
    "https://example.com/`": "percent-encoded",
    "https://example.com/%": "two hexadecimal digits",
    "https://example.com/%zz": "two hexadecimal digits",
    "https://example.com/?%a": "two hexadecimal digits",
    "https://example.com/a\\b": "backslash",
    "https://example.com/{tenant}": "Braces",
    "https://example.com/{version": "Braces",
    "https://example.com/{{version}}": "Braces",
    "https://example.com/?v={version}": "path only",
    "https://example.com/?{x}": "Braces",
    "https://{version}.example.com/": "not a domain name",
}


@pytest.mark.parametrize(("text", "hint"), REFUSED.items(), ids=[ascii(text)[:60] for text in REFUSED])
def test_it_refuses_in_one_clear_sentence(text: str, hint: str) -> None:
    with pytest.raises(InvalidUrl) as refusal:
        parse(text)
    message = str(refusal.value)
    assert hint in message
    assert message.endswith(".")
    assert "password" not in message or "auth settings" in message
    message.encode("utf-8", errors="strict" if text.isprintable() else "replace")


def test_it_does_not_repeat_credentials_in_its_message() -> None:
    with pytest.raises(InvalidUrl) as refusal:
        parse("https://me:s3cr3t@example.com/")
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize("value", [None, 5, b"https://example.com/", ["https://example.com/"]])
def test_it_refuses_what_is_not_text(value: object) -> None:
    with pytest.raises(InvalidUrl, match="must be text"):
        parse(value)  # type: ignore[arg-type]


# --- the operator's allow-list


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:40123/hook",
        "http://[::1]:40123/",
        "http://localhost:8080/",
        "http://receiver:8080/",
        "http://api.internal/",
    ],
)
def test_internal_targets_need_a_rule_that_opens_the_port(text: str) -> None:
    assert parse(text, LOOPBACK).url == text
    for allow in (NOTHING_ALLOWED, AllowList.parse("10.0.0.0/8:9999")):
        with pytest.raises(InvalidUrl):
            parse(text, allow)


def test_an_allow_list_does_not_open_other_literals() -> None:
    for text in ("http://10.0.0.1:8080/", "http://169.254.169.254/", "http://[::ffff:127.0.0.1]:8080/"):
        with pytest.raises(InvalidUrl):
            parse(text, LOOPBACK)


def test_an_allow_list_opens_a_denied_port_only_when_it_names_it() -> None:
    with pytest.raises(InvalidUrl, match="Port 6379"):
        parse("http://queue.example.com:6379/", LOOPBACK)
    assert parse("http://queue.example.com:6379/", AllowList.parse("10.2.0.0/16:6379")).port == 6379


def test_an_allow_list_does_not_loosen_the_grammar() -> None:
    everything = AllowList.parse("0.0.0.0/0,::/0")
    for text in (
        "http://127.1:8080/",
        "http://127.0.0.1\\@example.com/",
        "http://x.onion/",
        "ftp://localhost/",
    ):
        with pytest.raises(InvalidUrl):
            parse(text, everything)


# --- placeholders


@pytest.mark.parametrize(
    ("template", "expanded"),
    [
        ("/hooks/{version}/{event_type}", "/hooks/v2/order.created"),
        ("/{event_type}/{event_type}?a={}".replace("{}", "1"), "/order.created/order.created?a=1"),
        ("/{version}.json", "/v2.json"),
        ("/plain", "/plain"),
    ],
)
def test_it_puts_values_into_the_path(template: str, expanded: str) -> None:
    url = expand_path(parse(f"https://example.com{template}"), "v2", "order.created")
    assert url.path_and_query == expanded
    assert url.url == f"https://example.com{expanded}"
    assert url.authority == "example.com"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("a/b", "a%2Fb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("?x=1#y", "%3Fx%3D1%23y"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
        ("é\r\n", "%C3%A9%0D%0A"),
        ("{event_type}", "%7Bevent_type%7D"),
        ("\ud800", "%3F"),
    ],
)
def test_a_value_cannot_leave_its_place(value: str, encoded: str) -> None:
    url = expand_path(parse("https://example.com/a/{version}/b"), value, "x")
    assert url.path_and_query == f"/a/{encoded}/b"
    assert parse(url.url).url == url.url


@pytest.mark.parametrize(
    ("template", "value"),
    [("/a/{version}/b", ".."), ("/a/{version}", "."), ("/a/.{version}/b", "."), ("/a/%2E{version}", ".")],
)
def test_a_value_cannot_become_a_dot_segment(template: str, value: str) -> None:
    with pytest.raises(InvalidUrl, match="another path"):
        expand_path(parse(f"https://example.com{template}"), value, "x")


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_expanded_path_has_as_many_segments_as_its_template(version: str, event_type: str) -> None:
    url = parse("https://example.com/a/{version}/b/{event_type}?c=d")
    try:
        expanded = expand_path(url, version, event_type)
    except InvalidUrl:
        assert {version, event_type} & {".", ".."}
        return
    path, _, query = expanded.path_and_query.partition("?")
    assert (path.count("/"), query) == (4, "c=d")
    assert path.isascii()
    assert (expanded.host, expanded.origin) == (url.host, url.origin)


# --- properties

PIECES = st.sampled_from(
    [
        "http",
        "https",
        "://",
        ":",
        "/",
        "//",
        "\\",
        "@",
        "#",
        "?",
        "%",
        "[",
        "]",
        "::1",
        "127.0.0.1",
        "localhost",
        "example.com",
        "xn--",
        "xn--bcher-kva",
        "ü",
        "。",
        "\uff11",
        "0x7f",
        ".",
        "..",
        "-",
        "_",
        "443",
        "{version}",
        "\t",
        "\n",
        " ",
        "\x00",
        "\u200b",
        "\u202e",
        "\ud800",
        "🙂",
        "é",
        "%2e",
        "%00",
        "user:pass@",
    ]
)
HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=12).map(lambda parts: "https://" + "".join(parts)),
)
LABEL = st.text(alphabet=string.ascii_letters + string.digits + "üéß例-", min_size=1, max_size=12)
NEARLY_GOOD = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS"]),
    st.lists(LABEL, min_size=1, max_size=4).map(".".join),
    st.one_of(st.just(""), st.integers(0, 70_000).map(":{}".format)),
    st.text(alphabet=string.printable + "é", max_size=20).map("/{}".format),
)


@given(st.one_of(HOSTILE, NEARLY_GOOD), st.booleans())
@example("http://[", True)
@example("https://" + "a" * 5000, True)
@example("https://xn--\u200d.com", False)
def test_it_raises_nothing_but_its_own_error_and_is_stable(text: str, allow_http: bool) -> None:
    """Whatever it accepts, it accepts again unchanged, and other parsers find the same host and port."""
    try:
        url = parse(text, LOOPBACK, allow_http)
    except InvalidUrl:
        return
    assert parse(url.url, LOOPBACK, allow_http) == url
    assert url.url.isascii()
    assert url.url.isprintable()
    assert " " not in url.url
    standard, other = urlsplit(url.url), parse_url(url.url)
    assert (standard.hostname, standard.port or {"http": 80, "https": 443}[url.scheme]) == (
        url.host,
        url.port,
    )
    assert (other.host or "").strip("[]") == url.host
    assert standard.username is None
    assert other.auth is None
