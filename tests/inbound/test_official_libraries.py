"""Requests made by the libraries of the providers themselves: accepted, and refused with any bit changed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
import stripe
import svix
from cloudevents.core.bindings import http as cloudevents
from cloudevents.core.v1.event import CloudEvent
from slack_sdk.signature import SignatureVerifier

from tests.inbound import samples
from tests.inbound.flips import changed
from webhooks.core import inbound
from webhooks.core.inbound import Recipe, Request
from webhooks.core.signatures import InvalidSignature

NOW = int(time.time())
BODY = '{"id":"evt_1","type":"order.paid","n":12345678901234567890.10,"text":"Grüße 😀"}'
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET = "only-for-tests"


def _stripe() -> dict[str, str]:
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(BODY, SECRET, NOW)}


def _slack() -> dict[str, str]:
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(NOW), body=BODY)
    return {"X-Slack-Signature": str(signature), "X-Slack-Request-Timestamp": str(NOW)}


def _standard(library: Any, prefix: str) -> dict[str, str]:
    signature = library.Webhook(STANDARD).sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY)
    return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": str(NOW), f"{prefix}-signature": signature}


LIBRARIES: dict[str, tuple[str, Callable[[], dict[str, str]]]] = {
    "stripe": ("stripe", _stripe),
    "slack_sdk": ("slack", _slack),
    "standardwebhooks": ("standard", lambda: _standard(standardwebhooks, "webhook")),
    "svix": ("standard", lambda: _standard(svix, "svix")),
}


def _check(provider: str, secret: str, headers: dict[str, str], body: str) -> None:
    """Accepted as it is; refused with each bit of the body and of every header that belongs to the signature."""
    recipe, pairs, raw = Recipe((secret,)), list(headers.items()), body.encode()
    inbound.verify(provider, recipe, Request(pairs, raw), NOW)
    accepted = 0
    for request in changed(pairs, raw, [name.lower() for name in headers]):
        try:
            inbound.verify(provider, recipe, request, NOW)
            accepted += 1
        except InvalidSignature:
            pass
    assert accepted == 0


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_what_a_library_for_python_signs_is_accepted_and_every_changed_bit_refused(library: str) -> None:
    provider, sign = LIBRARIES[library]
    _check(provider, STANDARD if provider == "standard" else SECRET, sign(), BODY)


def _asked(folder: Path, cases: list[dict[str, Any]]) -> list[Any]:
    """What tests/node/sign.mjs answers."""
    done = subprocess.run(
        ["node", "sign.mjs"], cwd=folder, input=json.dumps(cases), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_what_libraries_for_node_sign_is_accepted_and_every_changed_bit_refused(node_folder: Path) -> None:
    cases = [
        {"library": "octokit", "secret": SECRET, "body": BODY},
        {"library": "stripe", "secret": SECRET, "body": BODY, "now": NOW},
        {"library": "standardwebhooks", "secret": STANDARD, "body": BODY, "now": NOW},
        {"library": "svix", "secret": STANDARD, "body": BODY, "now": NOW},
    ]
    providers = {"octokit": "github", "standardwebhooks": "standard", "svix": "standard", "stripe": "stripe"}
    for case, headers in zip(cases, _asked(node_folder, cases), strict=True):
        assert isinstance(headers, dict), headers
        _check(providers[str(case["library"])], str(case["secret"]), headers, BODY)


def test_shopifys_library_and_we_agree_about_every_request(node_folder: Path) -> None:
    """It verifies and does not sign: what we sign it takes, and what it refuses we refuse."""
    sign = inbound.PROVIDERS["shopify"].sign
    assert sign is not None
    good = sign(Recipe((SECRET,)), BODY.encode(), NOW)["X-Shopify-Hmac-Sha256"]
    others = [good[:-2] + "A=", good.replace("=", ""), "", good + "=", good.lower(), "x", good]
    bodies = [BODY] * (len(others) - 1) + [BODY + " "]
    cases = [
        {"library": "shopify", "secret": SECRET, "body": body, "signature": signature}
        for signature, body in [(good, BODY), *zip(others, bodies, strict=True)]
    ]
    answers = _asked(node_folder, cases)
    assert answers[0] is True
    for case, answer in zip(cases, answers, strict=True):
        request = Request([("X-Shopify-Hmac-Sha256", str(case["signature"]))], str(case["body"]).encode())
        try:
            inbound.verify("shopify", Recipe((SECRET,)), request, NOW)
            ours = True
        except InvalidSignature:
            ours = False
        assert (answer is True) == ours, case


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_events_of_the_cloudevents_library_are_read(mode: str) -> None:
    attributes = {"type": "com.example.paid", "source": "/shop/ü", "id": "a 1", "datacontenttype": "application/json"}
    event = CloudEvent(attributes | {"specversion": "1.0", "time": datetime.now(UTC)}, {"n": 1})
    make = cloudevents.to_structured_event if mode == "structured" else cloudevents.to_binary_event
    message = make(event)
    kind = next(value for name, value in message.headers.items() if name.lower() == "content-type")
    raw = message.body if isinstance(message.body, bytes) else message.body.encode()
    (found,) = inbound.read("none", Recipe(), Request(list(message.headers.items()), raw, content_type=kind))
    assert (found.type, found.key, found.faults) == ("com.example.paid", "/shop/ü#a 1", ())
    assert json.loads(found.data) == {"n": 1}
    assert found.at is not None


def test_every_example_of_octokit_and_shopify_is_read(node_folder: Path) -> None:
    from webhooks.core.patterns import check_event_type

    github, shopify = samples.github(node_folder), samples.shopify(node_folder)
    assert len(github) > 200
    assert len(shopify) > 100
    for provider, given in (("github", github), ("shopify", shopify)):
        template = inbound.PROVIDERS[provider].event_type
        sign = inbound.PROVIDERS[provider].sign
        assert sign is not None
        for sample in given:
            headers = sign(Recipe((SECRET,)), sample.body, NOW) | sample.headers
            request = Request(list(headers.items()), sample.body, content_type="application/json")
            inbound.verify(provider, Recipe((SECRET,)), request, NOW)
            (found,) = inbound.read(provider, Recipe(), request)
            assert (found.data, found.type) == (sample.body, sample.type)
            check_event_type(inbound.event_type(template, found.type))
