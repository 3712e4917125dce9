"""``webhooks.receive.verify``: what it takes, what it refuses, and with which error."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receive.signed import BODY, JWKS, OTHER, PUBLIC, SECRET, URL, request
from webhooks.core import signatures
from webhooks.receive import (
    ALL,
    TIMED,
    BadSecret,
    MissingSignature,
    StaleTimestamp,
    VerificationFailed,
    WrongSignature,
    verify,
)

KEY: dict[str, Any] = {"standard-ed25519": PUBLIC, "rfc9421": JWKS}
SIGNATURE = {"standard": "webhook-signature", "standard-ed25519": "webhook-signature", "rfc9421": "Signature"} | {
    "stripe": "Stripe-Signature", "hex": "X-Webhook-Signature", "github": "X-Hub-Signature-256",
}  # fmt: skip


def test_the_kit_knows_every_scheme_that_signs() -> None:
    assert set(ALL) == set(signatures.SCHEMES)


@pytest.mark.parametrize("scheme", ALL)
def test_it_takes_what_clarion_has_signed(scheme: str) -> None:
    made = request([scheme])
    found = verify(made.body, made.headers, KEY.get(scheme, SECRET), schemes=[scheme], url=URL)
    assert (found.id, found.type, found.scheme) == ("evt_1", "order.created", scheme)
    assert found.timestamp == (int(made.headers["webhook-timestamp"]) if scheme in TIMED else None)
    assert not found.unsigned
    assert SECRET not in repr(found)


@pytest.mark.parametrize("scheme", ALL)
@pytest.mark.parametrize("change", ["body", "signature", "secret"])
def test_it_refuses_what_was_changed(scheme: str, change: str) -> None:
    made, key = request([scheme]), KEY.get(scheme, SECRET)
    if change == "body":
        made.body = made.body.replace(b"42.10", b"42.1")
    elif change == "signature":
        value = made.headers[SIGNATURE[scheme]]
        made.headers[SIGNATURE[scheme]] = value[:-6] + ("B" if value[-6] != "B" else "C") + value[-5:]
    elif scheme in KEY:
        key = signatures.public_text(signatures.private_key_of(signatures.generate_private_key()))
    else:
        key = OTHER
    with pytest.raises(WrongSignature):
        verify(made.body, made.headers, key, schemes=[scheme], url=URL)


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize("off", [-301, 301])
def test_it_refuses_other_times_as_stale(scheme: str, off: int) -> None:
    made = request([scheme], at=1_700_000_000)
    key = KEY.get(scheme, SECRET)
    with pytest.raises(StaleTimestamp, match="too old or too far ahead"):
        verify(made.body, made.headers, key, schemes=[scheme], url=URL, now=1_700_000_000 + off)
    wide = verify(made.body, made.headers, key, schemes=[scheme], url=URL, now=1_700_000_000 + off, tolerance=301)
    assert wide.timestamp == 1_700_000_000


@pytest.mark.parametrize("scheme", ALL)
def test_it_says_when_the_signature_is_missing(scheme: str) -> None:
    with pytest.raises(MissingSignature, match=r"None of the headers .* is there"):
        verify(BODY, {"webhook-id": "evt_1"}, KEY.get(scheme, SECRET), schemes=[scheme], url=URL)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_it_says_which_other_header_is_missing(header: str) -> None:
    made = request(["standard"])
    del made.headers[header]
    with pytest.raises(MissingSignature, match=f"The header {header} is missing"):
        verify(made.body, made.headers, SECRET)


def test_signatures_without_a_time_count_only_where_they_are_asked_for() -> None:
    """Attack: a recorded request, sent again without the signature that has a time."""
    made = request(["hex", "github"])
    with pytest.raises(MissingSignature):
        verify(made.body, made.headers, SECRET)
    assert verify(made.body, made.headers, SECRET, schemes=["hex"]).scheme == "hex"


def test_one_right_signature_of_several_schemes_is_enough() -> None:
    made = request(["standard", "stripe"])
    made.headers["webhook-signature"] = "v1,AAAA"
    assert verify(made.body, made.headers, SECRET).scheme == "stripe"


@pytest.mark.parametrize("held", [SECRET, OTHER])
def test_during_a_rotation_either_secret_verifies(held: str) -> None:
    made = request(["standard"], secrets=[OTHER, SECRET])
    assert verify(made.body, made.headers, held).scheme == "standard"
    made = request(["hex"], secrets=[OTHER])
    assert verify(made.body, made.headers, [SECRET, OTHER], schemes="hex").scheme == "hex"


@pytest.mark.parametrize("keys", [PUBLIC, JWKS, [SECRET, JWKS], [OTHER, PUBLIC]], ids=["text", "set", "both", "others"])
def test_public_keys_come_as_text_or_as_a_set(keys: Any) -> None:
    made = request(["standard-ed25519", "rfc9421"])
    assert verify(made.body, made.headers, keys).scheme == "standard-ed25519"
    assert verify(made.body, made.headers, keys, schemes=["rfc9421"], url=URL).scheme == "rfc9421"
    with pytest.raises(WrongSignature):
        verify(made.body, made.headers, keys, schemes=["rfc9421"], url="https://other.example/hook")


@pytest.mark.parametrize(
    "headers",
    [
        lambda made: made,
        lambda made: [(name.upper(), value) for name, value in made.items()],
        lambda made: [(name.encode(), value.encode()) for name, value in made.items()],
        lambda made: {name.encode(): value.encode() for name, value in made.items()},
        lambda made: iter(made.items()),
    ],
    ids=["mapping", "pairs", "pairs of bytes", "mapping of bytes", "iterator"],
)
def test_headers_come_in_any_form(headers: Any) -> None:
    made = request(["standard"])
    assert verify(made.body, headers(made.headers), SECRET).id == "evt_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature", "Webhook-Id"])
def test_a_repeated_header_is_refused(name: str) -> None:
    made = request(["standard"])
    with pytest.raises(WrongSignature, match="more than once"):
        verify(made.body, [*made.headers.items(), (name, "other")], SECRET)


@pytest.mark.parametrize(
    ("secrets", "sentence"),
    [
        ("", "is empty"),
        ([], "no secret"),
        ([SECRET, ""], "is empty"),
        (SECRET + "\n", "line break"),
        ("whsec_", "whsec_ and standard base64"),
        ("whsec_a", "whsec_ and standard base64"),
        ("whsk_" + base64.b64encode(bytes(64)).decode(), "private key"),
        ("whpk_AAAA", "32 bytes"),
        ({}, "list of keys"),
        ({"keys": [{"kty": "RSA", "kid": "1"}]}, "no ed25519 key"),
        ({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "AA"}]}, "32 bytes"),
        ({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": 5}]}, "no ed25519 key"),
    ],
    ids=str,
)
def test_a_secret_that_is_none_is_the_receivers_own_fault(secrets: Any, sentence: str) -> None:
    """Attack: with an empty key, of a setting that was forgotten, anybody can sign."""
    made = request(["standard"])
    with pytest.raises(BadSecret, match=sentence):
        verify(made.body, made.headers, secrets)
    assert not issubclass(BadSecret, VerificationFailed)


def test_a_key_of_the_wrong_kind_is_told_apart_from_a_wrong_signature() -> None:
    made = request()
    with pytest.raises(BadSecret, match="standard-ed25519"):
        verify(made.body, made.headers, SECRET, schemes=["standard-ed25519"])
    with pytest.raises(BadSecret, match="standard"):
        verify(made.body, made.headers, "a plain text", schemes=["standard"])
    with pytest.raises(ValueError, match="rfc9421 needs url"):
        verify(made.body, made.headers, PUBLIC, schemes=["rfc9421"])
    with pytest.raises(ValueError, match="no scheme 'md5'"):
        verify(made.body, made.headers, SECRET, schemes=["md5"])


def test_a_parsed_body_is_refused() -> None:
    made = request(["standard"])
    with pytest.raises(TypeError, match="raw bytes"):
        verify(made.body.decode(), made.headers, SECRET)  # type: ignore[arg-type]


def test_id_and_type_come_out_of_what_is_signed() -> None:
    """Attack: ``hex`` covers no header, so whoever recorded a request can give it another id and type."""
    made = request(["hex"])
    made.headers.update({"webhook-id": "evt_2", "X-Webhook-Event": "order.paid"})
    found = verify(made.body, made.headers, SECRET, schemes=["hex"])
    assert (found.id, found.type, found.unsigned) == ("evt_1", "order.created", frozenset())

    made = request(["hex"], b'{"id": "card_1", "type": "card"}')
    found = verify(made.body, made.headers, SECRET, schemes=["hex"])
    assert (found.id, found.type, found.unsigned) == ("evt_1", "order.created", {"id", "type"})

    made = request(["standard"], b"[1]")
    found = verify(made.body, made.headers, SECRET)
    assert (found.id, found.type, found.unsigned) == ("evt_1", "order.created", {"type"})


_NAMES = st.sampled_from(
    [name for names in (SIGNATURE.values(), ["webhook-id", "webhook-timestamp"]) for name in names]
)
_VALUES = (
    st.text(max_size=40) | st.binary(max_size=40) | st.sampled_from(["v1,", "t=1,v1=", "sha256=", "v1,AAAA v1a,é"])
)


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=6), st.binary(max_size=60))
def test_hostile_headers_end_in_one_tree_of_errors(headers: list[tuple[str, Any]], body: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify(body, headers, [SECRET, PUBLIC], schemes=ALL, url=URL)


BLOCKED = """
import sys
for name in ("django", "celery", "redis", "kombu", "requests", "rest_framework"):
    sys.modules[name] = None
from webhooks.receive import MemoryLedger, events, once, verify
body, headers, secret = sys.stdin.buffer.read(), {headers!r}, {secret!r}
found = verify(body, headers, secret)
with once(MemoryLedger(), found.id) as first:
    print(first, found.scheme, events(body)[0].data["amount"])
"""


def test_it_works_without_django_celery_and_redis_and_without_settings() -> None:
    made = request(["standard"])
    code = BLOCKED.format(headers=made.headers, secret=SECRET)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], input=made.body, capture_output=True, env=env, timeout=60)
    assert done.stdout.decode() == "True standard 42.1\n", done.stderr.decode()
