"""Each provider's own signatures pass, and what an attacker makes of them does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.inbound.flips import changed
from webhooks.core import inbound, signatures
from webhooks.core.inbound import Recipe, Request
from webhooks.core.signatures import InvalidSignature

NOW = 1_700_000_000
BODY = b'{"id": "evt_1", "type": "order.created", "data": {"n": 1.10}}'
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CUSTOM = {
    "header": "X-Signature", "algorithm": "sha512", "encoding": "base64url", "prefix": "v1=",
    "template": "{id}.{timestamp}.{body}", "timestamp_header": "X-Time", "id_header": "X-Id",
    "secret_encoding": "text",
}  # fmt: skip
# provider -> (secret, options, the headers that are signed or that sign, lower case)
SIGNED: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "github": ("It's a Secret to Everybody", {}, ("x-hub-signature-256",)),
    "stripe": ("whsec_test_secret", {}, ("stripe-signature",)),
    "shopify": ("hush-hush-hush", {}, ("x-shopify-hmac-sha256",)),
    "slack": ("8f742231b10e8888abcd99yyyzzz85a5", {}, ("x-slack-signature", "x-slack-request-timestamp")),
    "standard": (STANDARD, {}, ("webhook-id", "webhook-timestamp", "webhook-signature")),
    "hex": ("only-for-tests", {}, ("x-webhook-signature",)),
    "custom": ("only-for-tests", CUSTOM, ("x-signature", "x-time", "x-id")),
}
TIMED = [name for name, (_, options, _) in SIGNED.items() if inbound.PROVIDERS[name].signs_time or options]
by_name = pytest.mark.parametrize("name", sorted(SIGNED))


def recipe(name: str, *secrets: str) -> Recipe:
    secret, options, _ = SIGNED[name]
    return Recipe(secrets or (secret,), options)


def signed(name: str, body: bytes = BODY, now: int = NOW) -> list[tuple[str, str]]:
    sign = inbound.PROVIDERS[name].sign
    assert sign is not None
    return list(sign(recipe(name), body, now).items())


def refused(name: str, request: Request, made: Recipe | None = None, now: float = NOW) -> InvalidSignature:
    with pytest.raises(InvalidSignature) as caught:
        inbound.verify(name, made or recipe(name), request, now)
    return caught.value


@by_name
def test_a_genuine_request_passes(name: str) -> None:
    inbound.verify(name, recipe(name), Request(signed(name), BODY), NOW)


@by_name
def test_every_changed_bit_of_it_is_refused(name: str) -> None:
    headers = signed(name)
    count = 0
    for request in changed(headers, BODY, SIGNED[name][2]):
        refused(name, request)
        count += 1
    assert count > 8 * len(BODY)


@by_name
def test_each_of_several_secrets_counts_and_no_other(name: str) -> None:
    other = "whsec_" + base64.b64encode(bytes(range(32))).decode() if name == "standard" else "another-secret"
    request = Request(signed(name), BODY)
    inbound.verify(name, recipe(name, other, SIGNED[name][0]), request, NOW)
    refused(name, request, recipe(name, other))


@by_name
@pytest.mark.parametrize("secrets", [(), ("",)], ids=["none", "an empty one"])
def test_without_a_secret_nothing_passes(name: str, secrets: tuple[str, ...]) -> None:
    """n8n CVE-2026-86080: whoever knows that the secret is empty signs with it."""
    _, options, _ = SIGNED[name]
    refused(name, Request(signed(name), BODY), Recipe(secrets, options))


@by_name
def test_a_header_that_is_missing_repeated_or_not_ascii_is_refused(name: str) -> None:
    headers = signed(name)
    for wanted in SIGNED[name][2]:
        others = [pair for pair in headers if pair[0].lower() != wanted]
        value = next(value for name_, value in headers if name_.lower() == wanted)
        assert refused(name, Request(others, BODY)).word == "missing"
        refused(name, Request([*headers, (wanted, value)], BODY))
        refused(name, Request([*others, (wanted, f"{value},{value}")], BODY))
        for hostile in ("é", value + "\x00", "", " ", value.upper() + "=", value[:-1], "x" * 5000, value + "é"):
            refused(name, Request([*others, (wanted, hostile)], BODY))


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("off", "passes"), [(300, True), (-300, True), (301, False), (-301, False), (10**9, False)])
def test_the_time_may_be_off_by_the_tolerance_either_way(name: str, off: int, passes: bool) -> None:
    request = Request(signed(name, now=NOW + off), BODY)
    if passes:
        inbound.verify(name, recipe(name), request, NOW)
    else:
        assert refused(name, request).word == "stale"


def test_github_signs_what_its_documentation_says() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = Request([("X-Hub-Signature-256", signature)], b"Hello, World!")
    inbound.verify("github", recipe("github"), request, NOW)


def test_slack_signs_what_its_documentation_says() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = [("X-Slack-Signature", signature), ("X-Slack-Request-Timestamp", "1531420618")]
    request = Request(headers, body, content_type="application/x-www-form-urlencoded")
    inbound.verify("slack", recipe("slack"), request, 1531420618)
    (found,) = inbound.read("slack", recipe("slack"), request)
    assert (found.type, found.key) == ("slash_command", "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")


def test_github_sha1_and_a_signature_cut_short_count_for_nothing() -> None:
    """svix CVE-2024-21491: a comparison up to the shorter length takes an empty signature."""
    key = SIGNED["github"][0].encode()
    sha1 = "sha1=" + hmac.digest(key, BODY, "sha1").hex()
    assert refused("github", Request([("X-Hub-Signature", sha1)], BODY)).word == "missing"
    for value in ("sha256=", sha1, signed("github")[-1][1][:20]):
        refused("github", Request([("X-Hub-Signature-256", value)], BODY))


def test_stripe_passes_over_other_schemes_and_takes_any_of_its_own() -> None:
    header = dict(signed("stripe"))["Stripe-Signature"]
    time, good = header.split(",")
    for value in (f"{time},v1={'0' * 64},{good}", f"{time},{good},v0={'0' * 64}"):
        inbound.verify("stripe", recipe("stripe"), Request([("Stripe-Signature", value)], BODY), NOW)
    for value in (f"{time},{good.replace('v1', 'v0')}", good, f"{time},{time},{good}", f"{time}, {good}"):
        refused("stripe", Request([("Stripe-Signature", value)], BODY))


def test_standard_takes_names_of_svix_and_public_keys_but_no_mixture() -> None:
    headers = [(name.replace("webhook-", "svix-"), value) for name, value in signed("standard")]
    inbound.verify("standard", recipe("standard"), Request(headers, BODY), NOW)
    mixed = [*headers[:2], signed("standard")[2]]
    refused("standard", Request(mixed, BODY))
    private = signatures.private_key_of(signatures.generate_private_key())
    from webhooks.core.signatures import standard_ed25519

    signature = standard_ed25519.sign([private], "msg_1", NOW, BODY)
    pairs = [("webhook-id", "msg_1"), ("webhook-timestamp", str(NOW)), ("webhook-signature", signature)]
    public = signatures.public_text(private)
    for secrets in ((public,), (STANDARD, public)):
        inbound.verify("standard", recipe("standard", *secrets), Request(pairs, BODY), NOW)
    refused("standard", Request(pairs, BODY))
    other = signatures.public_text(signatures.private_key_of(signatures.generate_private_key()))
    refused("standard", Request(pairs, BODY), recipe("standard", other))


@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_a_custom_hmac_is_what_its_options_say(algorithm: str, encoding: str) -> None:
    options = {
        "header": "X-Sig", "algorithm": algorithm, "encoding": encoding, "template": "a{body}z",
        "secret_encoding": "hex",
    }  # fmt: skip
    digest = hmac.new(b"\x01" * 20, b"a" + BODY + b"z", getattr(hashlib, algorithm)).digest()
    text = {
        "hex": digest.hex(),
        "base64": base64.b64encode(digest).decode(),
        "base64url": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }[encoding]
    made = Recipe(("01" * 20,), options)
    inbound.verify("custom", made, Request([("X-Sig", text)], BODY), NOW)
    refused("custom", Request([("X-Sig", text + "=")], BODY), made)


def test_a_body_that_looks_like_a_placeholder_is_signed_as_it_is() -> None:
    body = b"{timestamp}{id}{body}"
    options = {**CUSTOM, "template": "{timestamp}:{body}"}
    made = Recipe(("only-for-tests",), options)
    sign = inbound.PROVIDERS["custom"].sign
    assert sign is not None
    headers = list(sign(made, body, NOW).items())
    inbound.verify("custom", made, Request(headers, body), NOW)
    expected = hmac.digest(b"only-for-tests", b"%d:" % NOW + body, "sha512")
    assert dict(headers)["X-Signature"] == "v1=" + base64.urlsafe_b64encode(expected).decode().rstrip("=")


# --- keys and certificates


def test_an_api_key_counts_in_its_header_only() -> None:
    made = Recipe(("first-key-0123", "second-key-4567"), {"header": "X-Token", "prefix": "Key "})
    for value in ("Key first-key-0123", "key second-key-4567"):
        inbound.verify("api_key", made, Request([("X-Token", value)], b""), NOW)
    for value in ("first-key-0123", "Key first-key-012", "Key ", "Key first-key-0123 ", "Key first-key-0123é"):
        refused("api_key", Request([("X-Token", value)], b""), made)
    assert refused("api_key", Request([("X-Api-Key", "first-key-0123")], b""), made).word == "missing"


def test_eventbridge_takes_a_key_or_basic_and_ignores_range() -> None:
    always = [("Range", "bytes=0-1048575"), ("Content-Type", "application/json; charset=utf-8")]
    key = Recipe(("key-of-the-bus",), {"auth": "api_key", "header": "X-Api-Key"})
    inbound.verify("eventbridge", key, Request([*always, ("X-Api-Key", "key-of-the-bus")], b""), NOW)
    basic = Recipe(("user:pass:word",), {"auth": "basic"})
    value = "Basic " + base64.b64encode(b"user:pass:word").decode()
    inbound.verify("eventbridge", basic, Request([*always, ("Authorization", value)], b""), NOW)
    refused("eventbridge", Request([("Authorization", value + "=")], b""), basic)
    refused("eventbridge", Request([("Authorization", "Bearer x")], b""), basic)


FINGERPRINT = hashlib.sha256(b"certificate").hexdigest()


def test_a_client_certificate_is_believed_from_a_proxy_only() -> None:
    colons = ":".join(FINGERPRINT[n : n + 2].upper() for n in range(0, 64, 2))
    options = {
        "header": "X-Client", "format": "fingerprint", "expected": [FINGERPRINT], "verified_header": "X-Verify",
        "verified_value": "SUCCESS",
    }  # fmt: skip
    made = Recipe((), options)
    pairs = [("X-Client", colons), ("X-Verify", "SUCCESS")]
    inbound.verify("mtls", made, Request(pairs, b"", from_proxy=True), NOW)
    refused("mtls", Request(pairs, b"", from_proxy=False), made)
    refused("mtls", Request([pairs[0], ("X-Verify", "FAILED:expired")], b"", from_proxy=True), made)
    refused("mtls", Request([pairs[0]], b"", from_proxy=True), made)
    refused("mtls", Request([("X-Client", "00" * 32), pairs[1]], b"", from_proxy=True), made)


def test_a_certificate_in_a_header_is_known_by_its_fingerprint() -> None:
    from urllib.parse import quote

    import trustme
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    pem = trustme.CA().issue_cert("client.example").cert_chain_pems[0].bytes()
    fingerprint = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    made = Recipe((), {"header": "X-Cert", "format": "certificate", "expected": [fingerprint]})
    inbound.verify("mtls", made, Request([("X-Cert", quote(pem))], b"", from_proxy=True), NOW)
    other = trustme.CA().issue_cert("client.example").cert_chain_pems[0].bytes()
    for text in (quote(other), "", "x", quote(pem)[:200]):
        refused("mtls", Request([("X-Cert", text)], b"", from_proxy=True), made)


# --- what messages say


@pytest.mark.parametrize(
    ("name", "headers", "body", "expected"),
    [
        ("github", {"X-GitHub-Event": "push", "X-GitHub-Delivery": "g-1"}, {"ref": "x"}, ("push", "g-1")),
        ("github", {"X-GitHub-Event": "star", "X-GitHub-Delivery": "g"}, {"action": "created"}, ("star.created", "g")),
        ("stripe", {}, {"id": "evt_1", "type": "charge.failed", "created": 1700000000}, ("charge.failed", "evt_1")),
        ("shopify", {"X-Shopify-Topic": "a/b", "X-Shopify-Event-Id": "s"}, {}, ("a/b", "s:a/b")),
        ("slack", {}, {"type": "event_callback", "event_id": "E", "event": {"type": "message"}}, ("message", "E")),
        ("standard", {"webhook-id": "msg_1"}, {"type": "user.created"}, ("user.created", "msg_1")),
        ("hex", {"X-Webhook-Event": "a.b", "webhook-id": "h"}, {"type": "no"}, ("a.b", "h")),
        ("hex", {}, {"event_type": "a.b", "event_id": 7}, ("a.b", "7")),
        ("eventbridge", {}, {"id": "b", "detail-type": "Order Placed", "source": "shop"}, ("Order Placed", "b")),
        ("none", {}, [1], ("", "")),
    ],
)  # fmt: skip
def test_type_and_id_are_the_providers(
    name: str, headers: dict[str, str], body: Any, expected: tuple[str, str]
) -> None:
    raw = json.dumps(body).encode()
    (found,) = inbound.read(name, Recipe(), Request(list(headers.items()), raw))
    assert (found.type, found.key) == expected
    assert found.body == found.data == raw


def test_options_say_where_type_and_id_are() -> None:
    options = {"type_pointer": "/event/na~1me", "id_header": "X-Id"}
    body = b'{"event": {"na/me": "a.b"}, "type": "no", "id": "no"}'
    (found,) = inbound.read("none", Recipe(options=options), Request([("X-Id", "i")], body))
    assert (found.type, found.key) == ("a.b", "i")


def test_a_form_of_github_becomes_the_json_of_its_payload() -> None:
    body = b"payload=%7B%22action%22%3A%22opened%22%2C+%22n%22%3A1.10%7D"
    request = Request([("X-GitHub-Event", "issues")], body, content_type="application/x-www-form-urlencoded")
    (found,) = inbound.read("github", Recipe(), request)
    assert (found.type, found.data, found.body) == ("issues.opened", b'{"action":"opened", "n":1.10}', body)
    again = inbound.read_stored("github", {}, [["X-GitHub-Event", "issues"]], found.content_type, found.body)
    assert again == found


def test_slack_gets_its_challenge_back() -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}'
    (found,) = inbound.read("slack", Recipe(), Request([], body))
    assert found.reply == {"challenge": "3eZbrw1a"}


@pytest.mark.parametrize(
    ("template", "type", "expected"),
    [
        ("github.{type}", "issues.opened", "github.issues.opened"),
        ("shopify.{type}", "orders/create", "shopify.orders.create"),
        ("{type}", "EC2 Instance State-change Notification", "EC2_Instance_State_change_Notification"),
        ("{type}", "", "message"),
        ("{type}", "..a..b..", "a.b"),
        ("in.{type}", "\x00\n*", "in.___"),
        ("{type}", "x" * 500, "x" * 128),
        ("fixed", "push", "fixed"),
    ],
)
def test_every_type_becomes_a_valid_event_type(template: str, type: str, expected: str) -> None:
    from webhooks.core.patterns import check_event_type

    found = inbound.event_type(template, type)
    assert found == expected
    check_event_type(found)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[", b"null", b'"x"', b'{"id": ' + b"[" * 100_000, b'{"type": "\\ud800"}', b"{" * 9999]
)
@pytest.mark.parametrize("name", sorted(inbound.PROVIDERS))
def test_whatever_a_body_is_it_can_be_read(name: str, body: bytes) -> None:
    for content_type in ("application/json", "application/x-www-form-urlencoded", "", "multipart/form-data; x"):
        for found in inbound.read(name, Recipe(), Request([], body, content_type=content_type)):
            assert found.body == body
