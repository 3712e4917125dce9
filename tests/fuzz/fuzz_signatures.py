"""Fuzzes the signature verifiers: ``python tests/fuzz/fuzz_signatures.py -runs=100000``. Needs atheris.

Whatever comes in, a verifier refuses it with InvalidSignature and raises nothing else.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["webhooks.core.signatures"]):
    from webhooks.core import signatures
    from webhooks.core.signatures import github, plain_hex, rfc9421, standard, standard_ed25519, stripe

NOW = 1_614_265_330
KEY = signatures.private_key_of("whsk_" + "A" * 43 + "=").public_key()
VERIFIERS = (
    lambda got: standard.verify([b"key"], got, NOW),
    lambda got: standard_ed25519.verify([KEY], got, NOW),
    lambda got: plain_hex.verify([b"key"], got),
    lambda got: github.verify([b"key"], got),
    lambda got: stripe.verify([b"key"], got, NOW),
    lambda got: rfc9421.verify({"sig_1": KEY}, got, NOW),
)
NAMES = (
    *("webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature", "x-hub-signature-256"),
    *("stripe-signature", "signature-input", "signature", "content-digest"),
)


def one_input(data: bytes) -> None:
    """Every header from the input, and now and then the right time and digest, to come further in."""
    given = atheris.FuzzedDataProvider(data)
    headers: list[tuple[str, str | bytes]] = [(name, given.ConsumeBytes(60)) for name in NAMES]
    body = given.ConsumeBytes(40)
    if given.ConsumeBool():
        headers[1] = ("webhook-timestamp", str(NOW))
        headers[-1] = ("content-digest", rfc9421.content_digest(body))
    for verify in VERIFIERS:
        try:
            verify(signatures.Received(headers, body, "POST", "https://receiver.example/"))
        except signatures.InvalidSignature:
            continue
        raise AssertionError("a signature made without the key was taken")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
