"""Signatures: published vectors, and what the official library says of ours."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.core import signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_of_standard_webhooks() -> None:
    assert signatures.sign_standard([signatures.key_of(SECRET)], MESSAGE, 1_614_265_330, BODY) == SIGNATURE


def test_the_second_case_of_rfc_4231_in_hex() -> None:
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signatures.sign_hex("Jefe", b"what do ya want for nothing?") == expected


def test_the_hex_key_is_the_whole_secret_and_not_its_base64() -> None:
    assert signatures.sign_hex(SECRET, BODY) != signatures.sign_hex(SECRET.removeprefix("whsec_"), BODY)


def test_the_official_library_verifies_ours() -> None:
    secret = signatures.generate_secret()
    body = '{"name":"Zoë","n":1.0}'.encode()
    headers = signatures.headers(["standard", "hex"], [secret], MESSAGE, int(time.time()), body)
    assert Webhook(secret).verify(body, headers) == {"name": "Zoë", "n": 1.0}


def test_during_a_rotation_both_secrets_verify_and_a_third_does_not() -> None:
    new, old, foreign = (signatures.generate_secret() for _ in range(3))
    headers = signatures.headers(["standard"], [new, old], MESSAGE, int(time.time()), BODY)
    tokens = headers["webhook-signature"].split(" ")
    assert len(tokens) == 2
    assert all(token.startswith("v1,") and len(token) == len("v1,") + 44 for token in tokens)
    for secret in (new, old):
        assert Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(foreign).verify(BODY, headers)


@pytest.mark.parametrize(
    ("message", "seconds", "body"), [("msg_other", 0, BODY), (MESSAGE, 1, BODY), (MESSAGE, 0, BODY + b" ")]
)
def test_a_signature_covers_id_timestamp_and_body(message: str, seconds: int, body: bytes) -> None:
    now = int(time.time())
    headers = signatures.headers(["standard"], [SECRET], MESSAGE, now, BODY)
    headers |= {"webhook-id": message, "webhook-timestamp": str(now + seconds)}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


@pytest.mark.parametrize(
    ("schemes", "active", "names"),
    [
        (["standard"], [SECRET], {"webhook-signature"}),
        (["hex"], [SECRET], {"X-Webhook-Signature"}),
        (["standard", "hex"], [SECRET], {"webhook-signature", "X-Webhook-Signature"}),
        ([], [SECRET], set()),
        (["hex"], [], set()),
    ],
)
def test_only_the_chosen_schemes_are_sent(schemes: list[str], active: list[str], names: set[str]) -> None:
    headers = signatures.headers(schemes, active, MESSAGE, 1, BODY)
    assert set(headers) == names | {"webhook-id", "webhook-timestamp"}
    assert headers["webhook-timestamp"] == "1"


def test_hex_uses_the_newest_secret_during_a_rotation() -> None:
    new, old = signatures.generate_secret(), signatures.generate_secret()
    headers = signatures.headers(["hex"], [new, old], MESSAGE, 1, BODY)
    assert headers["X-Webhook-Signature"] == signatures.sign_hex(new, BODY)


def test_a_secret_is_32_random_bytes_in_standard_base64() -> None:
    made = {signatures.generate_secret() for _ in range(200)}
    assert len(made) == 200
    for secret in made:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret[6:], validate=True)) == 32
        assert len(signatures.key_of(secret)) == 32


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_a-b_", "whsec_abc", "whsec_é", "whsec_AA==\n"]
)
def test_a_key_that_is_no_secret_is_refused(secret: str) -> None:
    """Attack: an empty or half-decoded key signs with something the receiver (or anybody) can guess."""
    with pytest.raises(ValueError, match="whsec_ and standard base64"):
        signatures.key_of(secret)
