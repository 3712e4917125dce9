"""Signatures of real deliveries, verified by libraries of others; the keys, their rotation and the JWKS."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import http_message_signatures as hms
import pytest
import requests
import standardwebhooks
import stripe
import svix
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.test import Client

from tests.factories import make_delivery, make_endpoint, make_event, secret_of
from tests.receiver import Receiver
from webhooks.core import signatures
from webhooks.models import Endpoint, EndpointSecret, SigningKey, Tenant
from webhooks.services import endpoints, signing_keys
from webhooks.services.drain import drain

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
JWKS = "/.well-known/jwks.json"
DATA = '{"name":"Zoë","object":"event","n":1.0}'.encode()


@dataclass
class Delivered:
    """A request as it arrived, during a rotation, with what it can be verified with: the new and the old."""

    secrets: list[str]
    jwks: list[dict[str, str]]
    url: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def delivered(receiver: Receiver, client: Client) -> Delivered:
    endpoint = make_endpoint(
        url=receiver.url("/hook?a=1"), signature_schemes=list(signatures.SCHEMES), payload_format="data"
    )
    old = secret_of(endpoint)
    new = endpoints.rotate_secret(endpoint.id)
    make_delivery(endpoint, make_event(endpoint.tenant, data=DATA, fanned_out=True))
    drain(endpoint.id, ring=lambda bells: None)
    (request,) = receiver.requests("/hook")
    headers = {name.lower(): value for name, value in request.headers}
    keys = client.get(JWKS, {"webhook": endpoint.public_id}).json()["keys"]
    assert len(keys) == 2
    assert request.body == DATA
    return Delivered([new, old], keys, receiver.url("/hook?a=1"), headers, request.body)


def _public(jwk: dict[str, str]) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "="))


# --- Python


def _standardwebhooks(secret: str, headers: dict[str, str], body: bytes) -> None:
    standardwebhooks.Webhook(secret).verify(body, headers)


def _svix(secret: str, headers: dict[str, str], body: bytes) -> None:
    svix.Webhook(secret).verify(body, headers)


def _stripe(secret: str, headers: dict[str, str], body: bytes) -> None:
    stripe.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], secret, 300)


@pytest.mark.parametrize("verify", [_standardwebhooks, _svix, _stripe])
def test_python_libraries_verify_both_secrets_and_no_other(verify: Callable[..., None], delivered: Delivered) -> None:
    for secret in delivered.secrets:
        verify(secret, delivered.headers, delivered.body)
    for secret, body in ((signatures.generate_secret(), DATA), (delivered.secrets[0], DATA + b" ")):
        with pytest.raises(Exception, match=r"(?i)signature"):
            verify(secret, delivered.headers, body)


def test_http_message_signatures_verifies_both_keys_by_their_jwks(delivered: Delivered) -> None:
    keys = {jwk["kid"]: _public(jwk) for jwk in delivered.jwks}

    class Resolver(hms.HTTPSignatureKeyResolver):  # type: ignore[misc]
        def resolve_public_key(self, key_id: str) -> Any:
            return keys[key_id]

        def resolve_private_key(self, key_id: str) -> Any:
            raise NotImplementedError

    verifier = hms.HTTPMessageVerifier(signature_algorithm=hms.algorithms.ED25519, key_resolver=Resolver())
    needed = ("@method", "@target-uri", "content-digest", "webhook-id", "content-type")

    def verify(url: str, body: bytes) -> list[Any]:
        message = requests.Request("POST", url, headers=delivered.headers).prepare()
        found: list[Any] = verifier.verify(message, body=body, expect_tag="clarion", require_components=needed)
        return found

    assert {result.label for result in verify(delivered.url, delivered.body)} == set(keys)
    for url, body in ((delivered.url + "1", DATA), (delivered.url, DATA + b" ")):
        with pytest.raises(hms.InvalidSignature):
            verify(url, body)


def test_cryptography_verifies_v1a_with_either_key(delivered: Delivered) -> None:
    content = b"%b.%b.%b" % (
        delivered.headers["webhook-id"].encode(), delivered.headers["webhook-timestamp"].encode(), delivered.body,
    )  # fmt: skip
    tokens = [token[4:] for token in delivered.headers["webhook-signature"].split(" ") if token.startswith("v1a,")]
    for jwk, token in zip(delivered.jwks, tokens, strict=True):
        _public(jwk).verify(base64.b64decode(token), content)


# --- Node


def test_node_libraries_verify_both_keys_and_no_other(delivered: Delivered, node_folder: Path) -> None:
    new, old = delivered.secrets
    foreign = signatures.generate_secret()
    first, second = (jwk["x"] for jwk in delivered.jwks)
    cases = [(library, secret, True) for library in ("standardwebhooks", "svix", "stripe") for secret in (new, old)]
    cases += [("octokit", new, True), ("ed25519", first, True), ("ed25519", second, True)]
    cases += [(library, foreign, False) for library in ("standardwebhooks", "svix", "stripe", "octokit")]
    cases.append(("ed25519", base64.urlsafe_b64encode(bytes(32)).decode(), False))
    asked = [
        {"library": library, "secret": secret, "headers": delivered.headers, "body": text}
        for text in (delivered.body.decode(), delivered.body.decode() + " ")
        for library, secret, _ in cases
    ]
    done = subprocess.run(
        ["node", "verify.mjs"], cwd=node_folder, input=json.dumps(asked), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [answer is True for answer in answers] == [good for *_, good in cases] + [False] * len(cases), answers


# --- keys and their set


def test_a_key_is_made_when_a_scheme_asks_for_one_and_stays(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    assert not SigningKey.objects.exists()
    for schemes in (["rfc9421"], ["hex"], ["standard-ed25519"]):
        endpoints.update(tenant.id, endpoint.id, {"signature_schemes": schemes})
    (key,) = SigningKey.objects.all()
    assert signatures.public_text(signatures.private_key_of(key.private_key)) == key.public_key
    assert EndpointSecret.objects.count() == 1


def test_the_private_key_is_unreadable_in_the_database(tenant: Tenant) -> None:
    make_endpoint(tenant, signature_schemes=["rfc9421"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM webhooks_signingkey")
        stored = cursor.fetchone()[0]
    assert SigningKey.objects.get().private_key.startswith("whsk_")
    assert "whsk_" not in stored


def test_a_rotation_ends_the_old_key_and_the_set_follows(tenant: Tenant, client: Client) -> None:
    endpoint = make_endpoint(tenant, signature_schemes=["rfc9421"])
    old = SigningKey.objects.get()
    endpoints.rotate_secret(endpoint.id, 60)
    assert [key["kid"] for key in client.get(JWKS).json()["keys"]][1:] == [old.public_id]
    SigningKey.objects.filter(id=old.id).update(valid_until=old.valid_from - timedelta(seconds=1))
    (left,) = client.get(JWKS).json()["keys"]
    assert left["kid"] != old.public_id
    endpoints.delete(endpoint.id)
    assert client.get(JWKS).json() == {"keys": []}


def test_the_set_of_one_webhook_has_its_keys_only(tenant: Tenant, client: Client) -> None:
    one, other = (make_endpoint(tenant, signature_schemes=["rfc9421"]) for _ in range(2))
    (key,) = client.get(JWKS, {"webhook": one.public_id}).json()["keys"]
    assert key["kid"] == SigningKey.objects.get(endpoint=one).public_id
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert len(client.get(JWKS).json()["keys"]) == 2
    for unknown in ("", "wh_x", other.public_id[:-1], "\x00"):
        assert client.get(JWKS, {"webhook": unknown}).json() == {"keys": []}


def test_the_set_is_bounded_cached_and_for_reading(tenant: Tenant, client: Client, monkeypatch: Any) -> None:
    make_endpoint(tenant, signature_schemes=["rfc9421"])
    newest = make_endpoint(tenant, signature_schemes=["rfc9421"])
    monkeypatch.setattr(signing_keys, "MAX_PUBLISHED", 1)
    response = client.get(JWKS)
    assert response.json()["truncated"] is True
    assert response.json()["keys"][0]["kid"] == SigningKey.objects.get(endpoint=newest).public_id
    assert response["Cache-Control"] == "public, max-age=300"
    assert client.get(JWKS, headers={"If-None-Match": response["ETag"]}).status_code == 304
    assert client.post(JWKS).status_code == 405


def test_answers_show_public_keys_and_never_private_ones(api: Any, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, signature_schemes=["standard-ed25519"])
    path = f"/api/webhooks/{endpoint.public_id}"
    (shown,) = api.get(path).json()["signing_keys"]
    assert shown["public_key"] == SigningKey.objects.get().public_key
    rotated = api.post(f"{path}/rotate-secret", {"overlap_seconds": 60})
    assert [key["valid_until"] is None for key in rotated.json()["signing_keys"]] == [True, False]
    for answer in (api.get(path), rotated, api.get("/api/webhooks")):
        assert "whsk_" not in answer.content.decode()
    assert Endpoint.objects.count() == 1
