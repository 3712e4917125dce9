"""Custom headers of a tenant, and headers as they are stored and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.headers import MASK, MAX_HEADERS, check_custom_headers, clean_stored, mask_headers, mask_pairs

REFUSED_NAMES = [
    "Host",
    "Content-Length",
    "Content-Encoding",
    "Transfer-Encoding",
    "TE",
    "Trailer",
    "Connection",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Upgrade",
    "Expect",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Real-IP",
    "Via",
    "Range",
    "Accept-Encoding",
    "webhook-id",
    "webhook-signature",
    "svix-id",
    "ce-type",
    "X-Webhook-Signature",
    "X-Hub-Signature",
    "X-Hub-Signature-256",
    "Stripe-Signature",
    "Signature",
    "Signature-Input",
    "Content-Digest",
    "Idempotency-Key",
    "Metadata-Flavor",
    "X-aws-ec2-metadata-token",
    "X-aws-ec2-metadata-token-ttl-seconds",
    "X-Google-Metadata-Request",
    "Content-Type",
    "Cookie",
    "User-Agent",
    "X-Correlation-ID",
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Team", "billing"),
        ("Authorization", "Bearer abc.def"),
        ("X-Api-Key", "k"),
        ("x", "a\tb c"),
        ("X!#$%&'*+.^_`|~1", "visible ~!@"),
        ("X-Long", "v" * 4096),
        ("X" * 64, "v"),
        ("Accept-Language", "en"),
        ("Webhooks", "not the reserved prefix"),
    ],
)
def test_it_accepts_ordinary_headers(name: str, value: str) -> None:
    assert check_custom_headers({name: value}) == []


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_it_refuses_headers_that_are_not_the_tenants_in_any_case(name: str) -> None:
    for spelling in (name, name.lower(), name.upper()):
        [(faulty, message)] = check_custom_headers({spelling: "x"})
        assert faulty == spelling
        assert message.startswith(f"{spelling} cannot be set: ")


@pytest.mark.parametrize(
    "name", ["", "X Y", "X:", "X\r\nY", "X\n", "Ünïcode", "X\x00", "X" * 65, "(x)", "x,y", 5, None]
)
def test_it_refuses_names_that_are_no_tokens(name: str) -> None:
    [(_, message)] = check_custom_headers({name: "x"})
    assert "name must have" in message


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a\r\nX: y",
        "a\rb",
        "a\x00b",
        "a\x1bb",
        "a\x7fb",
        "café",
        "€",
        "\t",
        "v" * 4097,
        5,
        None,
    ],
)
def test_it_refuses_values_that_are_not_visible_ascii(value: str) -> None:
    [(name, message)] = check_custom_headers({"X-A": value})
    assert name == "X-A"
    assert "value" in message


def test_it_refuses_names_that_differ_only_in_case() -> None:
    assert [name for name, _ in check_custom_headers({"X-A": "1", "x-a": "2"})] == ["x-a"]


def test_it_refuses_too_many() -> None:
    headers = {f"X-{number}": "v" for number in range(MAX_HEADERS)}
    assert check_custom_headers(headers) == []
    [(name, message)] = check_custom_headers(headers | {"X-More": "v"})
    assert name == ""
    assert "at most 20" in message


def test_it_reports_every_fault() -> None:
    faults = check_custom_headers({"Host": "x", "X-Good": "y", "X-Bad": "\n"})
    assert [name for name, _ in faults] == ["Host", "X-Bad"]


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=5))
def test_whatever_it_accepts_can_be_sent(headers: dict[str, str]) -> None:
    if not check_custom_headers(headers):
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        assert head.isascii()
        assert head.count("\n") == head.count("\r") == len(headers)


# --- masking


@pytest.mark.parametrize(
    "name",
    [
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "api_key",
        "X-Auth-Token",
        "X-Secret",
        "X-Auth",
        "X-Session-Id",
        "DB-Password",
        "Proxy-Authorization",
        "Ocp-Apim-Subscription-Key",
        "X-Functions-Key",
        "X-Amz-Security-Token",
        "X-JWT-Assertion",
        "X_Auth_Key",
    ],
)
def test_it_masks_credentials(name: str) -> None:
    assert mask_headers({name: "canary", name.lower(): "canary"}) == {name: MASK, name.lower(): MASK}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Bearer canary", f"Bearer {MASK}"),
        ("basic Y2FuYXJ5", f"basic {MASK}"),
        ("canary", MASK),
        ("canary canary", MASK),
    ],
)
def test_it_shows_the_scheme_of_an_authorization_and_nothing_else(value: str, shown: str) -> None:
    assert mask_headers({"Authorization": value}) == {"Authorization": shown}


def test_it_shows_everything_else_signatures_included() -> None:
    headers = {
        "webhook-signature": "v1,abc",
        "X-Webhook-Signature": "abc",
        "X-Hub-Signature-256": "sha256=abc",
        "X-Team": "billing",
        "X-Author": "ada",
        "WWW-Authenticate": "Basic",
        "Surrogate-Key": "page-1",
        "X-Keyboard": "qwerty",
    }
    assert mask_headers(headers) == headers


def test_it_masks_further_names_in_any_case_and_leaves_the_original_alone() -> None:
    headers = {"X-Team": "canary", "X-Other": "1"}
    assert mask_headers(headers, ["x-TEAM"]) == {"X-Team": MASK, "X-Other": "1"}
    assert headers["X-Team"] == "canary"


def test_it_masks_what_an_answer_hands_out_however_often() -> None:
    pairs = [("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-New-Token", "t"), ("Content-Type", "text/html")]
    assert mask_pairs(pairs) == [
        ("Set-Cookie", MASK), ("set-cookie", MASK), ("X-New-Token", MASK), ("Content-Type", "text/html"),
    ]  # fmt: skip


# --- stored text


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (b"plain", "plain"),
        ("a\x00b\x1b[2Jc\r\nd\x7f\x9b", "ab[2Jcd"),
        ("café".encode(), "café"),
        ("café".encode("latin-1"), "café"),
        ("日本", "日本"),
        ("a\ud800b", "a?b"),
        (b"", ""),
    ],
)
def test_it_stores_text_without_control_characters(value: bytes | str, stored: str) -> None:
    assert clean_stored(value, 100) == stored


def test_it_stores_so_many_characters() -> None:
    assert clean_stored("é" * 50, 10) == "é" * 10
    assert clean_stored("é".encode() * 50, 10) == "é" * 10


@given(st.one_of(st.text(), st.binary()), st.integers(0, 50))
def test_whatever_is_stored_fits_the_database(value: bytes | str, limit: int) -> None:
    stored = clean_stored(value, limit)
    assert len(stored) <= limit
    assert "\x00" not in stored
    stored.encode()
