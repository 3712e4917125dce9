"""Signatures: published vectors, what official libraries say of ours, and hostile input for the verifiers."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.core import signatures
from webhooks.core.headers import check_custom_headers
from webhooks.core.signatures import (
    SCHEMES,
    InvalidSignature,
    KeyPair,
    Outgoing,
    Received,
    SharedSecret,
    Signer,
    github,
    plain_hex,
    rfc9421,
    standard,
    standard_ed25519,
    stripe,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = 1_614_265_330
URL = "https://receiver.example/hook?a=1"
PAIR = KeyPair.parse("sig_01", signatures.generate_private_key())
NAMES = ("standard", "standard-ed25519", "hex", "github", "stripe", "rfc9421")

# --- published vectors


def test_the_published_vector_of_standard_webhooks() -> None:
    assert standard.sign([signatures.key_of(SECRET)], MESSAGE, NOW, BODY) == SIGNATURE


def test_the_second_case_of_rfc_4231_in_hex() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert plain_hex.sign(b"Jefe", b"what do ya want for nothing?") == expected


def test_the_vector_of_githubs_documentation() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert github.sign(b"It's a Secret to Everybody", b"Hello, World!") == expected


def test_the_first_case_of_rfc_8032_as_a_key_of_either_length() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    for raw in (seed, seed + public):
        private = signatures.private_key_of("whsk_" + base64.b64encode(raw).decode())
        assert signatures.public_text(private) == "whpk_" + base64.b64encode(public).decode()
        assert private.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")
    with pytest.raises(ValueError, match="another one"):
        signatures.private_key_of("whsk_" + base64.b64encode(seed + bytes(32)).decode())


def test_the_ed25519_vector_of_rfc_9421() -> None:
    """Section B.2.6, with the key of B.1.4."""
    values = {
        "date": "Tue, 20 Apr 2021 02:07:55 GMT", "@method": "POST", "@path": "/foo", "@authority": "example.com",
        "content-type": "application/json", "content-length": "18",
    }  # fmt: skip
    parameters = (
        '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473'
        ';keyid="test-key-ed25519"'
    )
    signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    pem = (
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
        b"-----END PUBLIC KEY-----\n"
    )
    key = load_pem_public_key(pem)
    assert isinstance(key, Ed25519PublicKey)
    key.verify(base64.b64decode(signature), rfc9421.signature_base(values, parameters))


# --- keys


def test_a_secret_is_32_random_bytes_in_standard_base64() -> None:
    made = {signatures.generate_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in made)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_a-b_", "whsec_abc", "whsec_é", "whsec_AA==\n"]
)
def test_a_key_that_is_no_secret_is_refused(secret: str) -> None:
    """Attack: an empty or half-decoded key signs with something the receiver (or anybody) can guess."""
    with pytest.raises(ValueError, match="whsec_ and standard base64"):
        signatures.key_of(secret)


def test_a_parsed_key_does_not_show_itself() -> None:
    secret = SharedSecret.parse(SECRET)
    assert SECRET[6:] not in repr(secret)
    assert "Ed25519" not in repr(PAIR)


def test_a_key_pair_as_jwk_is_that_of_rfc_8037() -> None:
    """Appendix A.2."""
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    made = signatures.jwk("sig_1", "whpk_" + base64.b64encode(raw).decode())
    assert made == {
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "sig_1",
        "use": "sig", "alg": "EdDSA",
    }  # fmt: skip


# --- the signer


def _signed(schemes: Any = NAMES, secrets: Any = (SECRET,), pairs: Any = (PAIR,), now: int = NOW) -> dict[str, str]:
    signer = Signer(schemes, [SharedSecret.parse(secret) for secret in secrets], pairs)
    return signer.headers(Outgoing(MESSAGE, now, BODY, URL))


def test_the_official_library_verifies_ours_beside_v1a() -> None:
    assert Webhook(SECRET).verify(BODY, _signed(now=int(time.time()))) == {"test": 2432232314}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_chosen_scheme_is_sent(name: str) -> None:
    made = _signed([name])
    assert set(made) == {"webhook-id", "webhook-timestamp", *SCHEMES[name].headers}
    assert made["webhook-timestamp"] == str(NOW)


def test_the_registry_names_every_scheme_once() -> None:
    assert sorted(SCHEMES) == sorted(NAMES)
    assert set(signatures.DEFAULT) <= set(SCHEMES)


def test_no_header_of_any_scheme_can_be_set_by_a_tenant() -> None:
    names = {name for scheme in SCHEMES.values() for name in scheme.headers} | {"webhook-id", "webhook-timestamp"}
    for name in (*names, "Digest", "Repr-Digest", "X-Hub-Signature"):
        assert check_custom_headers({name: "x"}), name
        assert check_custom_headers({name.upper(): "x"}), name


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_unsigned(name: str) -> None:
    """Attack: a receiver that takes an empty or missing signature for a good one."""
    over = datetime.fromtimestamp(NOW - 1, UTC)
    with pytest.raises(signatures.NoSigningKey):
        _signed([name], (), ())
    with pytest.raises(signatures.NoSigningKey):
        Signer([name], [SharedSecret.parse(SECRET, over)], [KeyPair.parse("sig_1", _private(), over)]).headers(
            Outgoing(MESSAGE, NOW, BODY)
        )


def _private() -> str:
    return signatures.generate_private_key()


def test_a_secret_that_has_just_been_ended_does_not_sign_in_the_same_second() -> None:
    old = SharedSecret.parse(SECRET, datetime.fromtimestamp(NOW + 0.7, UTC))
    new = SharedSecret.parse(signatures.generate_secret())
    made = Signer(["standard"], [new, old]).headers(Outgoing(MESSAGE, NOW, BODY))
    assert made["webhook-signature"] == standard.sign([new.key], MESSAGE, NOW, BODY)


# --- verifying: every scheme with keys of both kinds

Verify = Callable[[Received, float], None]
VERIFIERS: dict[str, Callable[[list[str], list[KeyPair]], Verify]] = {
    "standard": lambda secrets, pairs: (
        lambda got, now: standard.verify(list(map(signatures.key_of, secrets)), got, now)
    ),
    "standard-ed25519": lambda secrets, pairs: (
        lambda got, now: standard_ed25519.verify([pair.private.public_key() for pair in pairs], got, now)
    ),
    "hex": lambda secrets, pairs: lambda got, now: plain_hex.verify([one.encode() for one in secrets], got),
    "github": lambda secrets, pairs: lambda got, now: github.verify([one.encode() for one in secrets], got),
    "stripe": lambda secrets, pairs: lambda got, now: stripe.verify([one.encode() for one in secrets], got, now),
    "rfc9421": lambda secrets, pairs: (
        lambda got, now: rfc9421.verify({pair.id: pair.private.public_key() for pair in pairs}, got, now)
    ),
}
TIMED = ("standard", "standard-ed25519", "stripe", "rfc9421")
SEVERAL = TIMED  # those with room for several signatures


def _received(headers: dict[str, str], body: bytes = BODY, url: str = URL, method: str = "POST") -> Received:
    return Received([("Content-Type", "application/json"), *headers.items()], body, method, url)


def _check(name: str, got: Received, now: float = NOW, secrets: Any = (SECRET,), pairs: Any = (PAIR,)) -> None:
    VERIFIERS[name](list(secrets), list(pairs))(got, now)


@pytest.mark.parametrize("name", NAMES)
@given(body=st.binary(max_size=200), key=st.binary(min_size=24, max_size=64), seed=st.binary(min_size=32, max_size=32))
def test_what_is_signed_verifies(name: str, body: bytes, key: bytes, seed: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    pair = KeyPair("sig_2", Ed25519PrivateKey.from_private_bytes(seed))
    made = Signer(NAMES, [SharedSecret.parse(secret)], [pair]).headers(Outgoing(MESSAGE, NOW, body, URL))
    _check(name, _received(made, body), secrets=(secret,), pairs=(pair,))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_a_change_of_one_bit_is_refused(name: str, data: st.DataObject) -> None:
    made = _signed([name])
    covered = {"hex": (), "github": (), "stripe": ()}.get(name, ("webhook-id", "webhook-timestamp"))
    if name == "rfc9421":
        covered = ("webhook-id", "Content-Digest", "Signature-Input")
    target = data.draw(st.sampled_from(["body", *covered, SCHEMES[name].headers[-1]]))
    whole = BODY if target == "body" else made[target].encode()
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    lines: list[tuple[str, str | bytes]] = [
        (key, bytes(changed) if key == target else value) for key, value in made.items()
    ]
    got = Received(
        [("Content-Type", "application/json"), *lines], bytes(changed) if target == "body" else BODY, "POST", URL
    )
    with pytest.raises(InvalidSignature):
        _check(name, got)


@pytest.mark.parametrize("name", NAMES)
@given(
    value=st.text(max_size=60)
    | st.binary(max_size=60)
    | st.sampled_from(["v1,", "v1a,", "t=1,v1=", "sha256=", "a=()"]),
    body=st.binary(max_size=20),
    data=st.data(),
)
def test_hostile_headers_raise_nothing_else(name: str, value: str | bytes, body: bytes, data: st.DataObject) -> None:
    made: dict[str, Any] = _signed([name])
    target = data.draw(st.sampled_from(sorted(made)))
    if name in ("hex", "github", "stripe", "rfc9421"):
        target = SCHEMES[name].headers[0]
    made[target] = value
    with pytest.raises(InvalidSignature):
        _check(name, _received(made, body))


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_missing_or_truncated_signature_is_refused(name: str) -> None:
    made = _signed([name])
    header = SCHEMES[name].headers[-1]
    for changed in ([], [(header, made[header])] * 2, [(header, made[header][:-1])], [(header, "é")], [(header, "")]):
        kept = [(key, value) for key, value in made.items() if key != header]
        with pytest.raises(InvalidSignature):
            _check(name, Received([("content-type", "application/json"), *kept, *changed], BODY, "POST", URL))


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("seconds", [-301, 301, 10**9, -(10**9)])
def test_a_time_outside_the_window_is_refused_in_both_directions(name: str, seconds: int) -> None:
    made = _received(_signed([name]))
    _check(name, made, NOW + 300)
    _check(name, made, NOW - 300)
    with pytest.raises(InvalidSignature, match="too old or too far ahead"):
        _check(name, made, NOW + seconds)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_key_nothing_verifies(name: str) -> None:
    """Attack: a source whose secret was never set."""
    with pytest.raises(InvalidSignature):
        _check(name, _received(_signed([name])), secrets=(), pairs=())


@pytest.mark.parametrize("verify", [standard.verify, stripe.verify])
def test_an_empty_key_verifies_nothing(verify: Any) -> None:
    made = {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(NOW),
        "webhook-signature": standard.sign([b""], MESSAGE, NOW, BODY),
    }
    with pytest.raises(InvalidSignature, match="no key"):
        verify([b""], _received(made | {"Stripe-Signature": stripe.sign([b""], NOW, BODY)}), NOW)


@pytest.mark.parametrize("name", SEVERAL)
def test_during_a_rotation_old_and_new_verify_and_a_third_does_not(name: str) -> None:
    new, old, foreign = (signatures.generate_secret() for _ in range(3))
    keys = [KeyPair.parse(f"sig_{n}", _private()) for n in range(3)]
    got = _received(_signed(NAMES, (new, old), keys[:2]))
    for secret, pair in ((new, keys[0]), (old, keys[1])):
        _check(name, got, secrets=(secret,), pairs=(pair,))
    with pytest.raises(InvalidSignature):
        _check(name, got, secrets=(foreign,), pairs=keys[2:])


@pytest.mark.parametrize("name", ["hex", "github"])
def test_with_room_for_one_the_newest_secret_signs(name: str) -> None:
    new, old = signatures.generate_secret(), signatures.generate_secret()
    got = _received(_signed([name], (new, old)))
    _check(name, got, secrets=(new,))
    with pytest.raises(InvalidSignature):
        _check(name, got, secrets=(old,))


def test_more_than_ten_candidates_are_not_tried() -> None:
    made = _signed(["standard"])
    made["webhook-signature"] = " ".join(["v1,AAAA"] * 10 + [made["webhook-signature"]])
    with pytest.raises(InvalidSignature, match="more than 10"):
        _check("standard", _received(made))


@pytest.mark.parametrize("noise", ["v1, ", "  ", "v1 ", "v2,abc ", ", "])
def test_what_is_no_token_is_passed_over(noise: str) -> None:
    made = _signed(["standard"])
    made["webhook-signature"] = noise + made["webhook-signature"]
    _check("standard", _received(made))


def test_a_dot_in_the_id_cannot_move_the_parts_of_what_is_signed() -> None:
    """Attack: the id "a", time 5 and body "1614265330.x" are signed like the id "a.5", that time and the body "x"."""
    signature = standard.sign([signatures.key_of(SECRET)], "a", 5, f"{NOW}.x".encode())
    moved = {"webhook-id": "a.5", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    with pytest.raises(InvalidSignature, match="dot"):
        _check("standard", _received(moved, b"x"))


def test_digits_of_other_scripts_are_no_timestamp() -> None:
    made = _signed(["standard"]) | {"webhook-timestamp": "".join(chr(0x660 + int(c)) for c in str(NOW))}
    with pytest.raises(InvalidSignature):
        _check("standard", _received(made))


@pytest.mark.parametrize(
    ("url", "method"), [("https://other.example/hook?a=1", "POST"), (URL + "2", "POST"), (URL, "PUT")]
)
def test_rfc9421_binds_the_request_to_its_url_and_method(url: str, method: str) -> None:
    got = _received(_signed(["rfc9421"]), url=url, method=method)
    with pytest.raises(InvalidSignature):
        _check("rfc9421", got)


def test_an_rfc9421_signature_that_covers_too_little_is_refused() -> None:
    """Attack: a signature over the method alone, put on another request."""
    parameters = f'("@method");created={NOW};keyid="{PAIR.id}"'
    raw = PAIR.private.sign(rfc9421.signature_base({"@method": "POST"}, parameters))
    made = {
        "Content-Digest": rfc9421.content_digest(BODY), "Signature-Input": f"a={parameters}",
        "Signature": f"a=:{base64.b64encode(raw).decode()}:", "webhook-id": MESSAGE,
    }  # fmt: skip
    with pytest.raises(InvalidSignature, match="does not cover"):
        _check("rfc9421", _received(made))


def test_the_wrong_secret_is_refused_by_the_official_library_too() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(signatures.generate_secret()).verify(BODY, _signed(now=int(time.time())))
