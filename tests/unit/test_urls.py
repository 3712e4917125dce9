"""The canonical URL parser: what it accepts, what it refuses, and that it refuses in words."""

from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.url_agreement import check_agreement
from tests.hostile_urls import REFUSED
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


LITERALS = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=6).map("[{}]".format),
    st.integers(0, 2**32 + 5).map(str),
    st.integers(0, 2**32 - 1).map(hex),
    st.lists(st.sampled_from(["0x7f", "0177", "1", "127", "0", "256", "\uff11", "", "a"]), min_size=1, max_size=5).map(
        ".".join
    ),
)
WITH_LITERAL = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    LITERALS,
    st.sampled_from(["", ".", ":80", ":8443", "。", "%25lo", "@example.com", "\\@example.com"]),
    st.sampled_from(["", "/", "/hook", "?a", "#b"]),
)


@given(st.one_of(HOSTILE, NEARLY_GOOD, WITH_LITERAL), st.sampled_from([NOTHING_ALLOWED, LOOPBACK]))
@example("http://[", NOTHING_ALLOWED)
@example("https://" + "a" * 5000, NOTHING_ALLOWED)
@example("https://xn--\u200d.com", NOTHING_ALLOWED)
@example("https://example.com//a/../b", NOTHING_ALLOWED)
def test_what_it_accepts_every_parser_and_the_resolver_read_in_the_same_way(text: str, allow: AllowList) -> None:
    check_agreement(text, allow)


@given(st.text(max_size=40))
def test_https_alone_changes_nothing_but_the_scheme(text: str) -> None:
    with suppress(InvalidUrl):
        assert parse(text, allow_http=False).scheme == "https"
