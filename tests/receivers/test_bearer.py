"""OAuth 2.0 Bearer tokens: those of the issuer pass, forged ones do not, and the issuer is not asked without end."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.answers import Answer
from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.factories import make_source
from tests.receiver import Receiver
from tests.receivers.sending import send
from webhooks.models import Source, Tenant
from webhooks.services import jwks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

ISSUER, AUDIENCE = "https://issuer.example", "clarion"


class Issuer:
    """Signs tokens and publishes its keys at ``/jwks``."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.private: dict[str, Any] = {
            "rsa": rsa.generate_private_key(65537, 2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "ed": ed25519.Ed25519PrivateKey.generate(),
        }
        self.published = [self.jwk(kid) for kid in self.private]
        receiver.always("/jwks", lambda _: Answer(200, [], json.dumps({"keys": self.published}).encode()))

    @property
    def asked(self) -> int:
        return len(self.receiver.requests("/jwks"))

    def jwk(self, kid: str) -> dict[str, Any]:
        kind = {"rsa": "RSA", "ec": "EC", "ed": "OKP"}[kid.partition("-")[0]]
        algorithm: Any = {
            "RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm, "OKP": jwt.algorithms.OKPAlgorithm,
        }[kind]  # fmt: skip
        return {**algorithm.to_jwk(self.private[kid].public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def token(self, kid: str = "rsa", algorithm: str = "RS256", headers: Any = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "sub": "bus", "scope": "events extra"} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.private[kid], algorithm, {"kid": kid, **(headers or {})})


@pytest.fixture
def issuer(receiver: Receiver) -> Iterator[Issuer]:
    jwks.forget()
    yield Issuer(receiver)
    jwks.forget()


@pytest.fixture
def source(tenant: Tenant, issuer: Issuer) -> Source:
    options = {
        "jwks_url": issuer.receiver.url("/jwks"), "issuer": ISSUER, "audience": [AUDIENCE], "scope": "events",
        "subject": ["bus"],
    }  # fmt: skip
    return make_source(tenant, "oauth2", verification=options)


def status(source: Source, token: str) -> int:
    found: int = send(source, token[-40:].encode(), {"Authorization": f"Bearer {token}"}).status_code
    return found


def test_tokens_of_each_kind_of_key_pass_and_the_keys_are_fetched_once(source: Source, issuer: Issuer) -> None:
    for kid, algorithm in (("rsa", "RS256"), ("rsa", "PS512"), ("ec", "ES256"), ("ed", "EdDSA")):
        assert status(source, issuer.token(kid, algorithm)) == 202
    assert issuer.asked == 1


def _encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _forged(issuer: Issuer) -> dict[str, str]:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": "bus", "scope": "events"}
    public = issuer.private["rsa"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    hmac_head = f"{_encoded({'alg': 'HS256', 'kid': 'rsa'})}.{_encoded(claims)}"
    other = rsa.generate_private_key(65537, 2048)
    brought = jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key(), as_dict=True)
    good = issuer.token()
    return {
        "none": f"{_encoded({'alg': 'none', 'kid': 'rsa'})}.{_encoded(claims)}.",
        "none with a signature": f"{_encoded({'alg': 'none', 'kid': 'rsa'})}.{_encoded(claims)}.eA",
        "HMAC with the public key": f"{hmac_head}.{_encoded(hmac.digest(pem, hmac_head.encode(), 'sha256'))}",
        "another key under this id": jwt.encode(claims, other, "RS256", {"kid": "rsa"}),
        "a key of its own": jwt.encode(claims, other, "RS256", {"kid": "own", "jwk": brought}),
        "a key set of its own": jwt.encode(claims, other, "RS256", {"kid": "own", "jku": "https://evil.example/"}),
        "another key's algorithm": f"{_encoded({'alg': 'ES256', 'kid': 'rsa'})}.{good.split('.', 1)[1]}",
        "what it does not know": issuer.token(headers={"crit": ["exp"], "exp": 1}),
        "another audience": issuer.token(aud="another"),
        "another issuer": issuer.token(iss="https://evil.example"),
        "another subject": issuer.token(sub="somebody"),
        "without the scope": issuer.token(scope="event extra"),
        "expired": issuer.token(exp=int(time.time()) - 120),
        "not yet": issuer.token(nbf=int(time.time()) + 120),
        "without end": issuer.token(exp=None),
        "without audience": issuer.token(aud=None),
        "without issuer": issuer.token(iss=None),
        "another signature": f"{good[:-4]}AAAA",
        "a changed claim": ".".join([good.split(".")[0], _encoded(claims | {"sub": "x"}), good.split(".")[2]]),
        "no token": "x",
        "too long": "a." * 5000,
        "four parts": good + ".x",
    }


def test_forged_tokens_are_the_same_401(source: Source, issuer: Issuer) -> None:
    bodies = set()
    for name, token in _forged(issuer).items():
        answer = send(source, b"", {"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        bodies.add(json.dumps(problem(answer, 401) | {"request_id": ""}, sort_keys=True))
    for value in ("", "Basic eDp5", "Bearer", "bearer  "):
        found = problem(send(source, b"", {"Authorization": value}), 401)
        bodies.add(json.dumps(found | {"request_id": ""}, sort_keys=True))
    assert len(bodies) == 1
    assert status(source, issuer.token()) == 202


def test_every_changed_character_of_a_token_is_refused(source: Source, issuer: Issuer) -> None:
    from webhooks.core import inbound
    from webhooks.core.signatures import InvalidSignature

    recipe = inbound.Recipe(options=source.verification, keyring=jwks.Ring(source.verification["jwks_url"]))
    token = issuer.token("ed", "EdDSA")
    for place in range(len(token) - 1):  # some bits of the last one are no part of the signature
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        request = inbound.Request([("Authorization", f"Bearer {changed}")], b"")
        with pytest.raises(InvalidSignature):
            inbound.verify("oauth2", recipe, request, time.time())


def test_a_new_key_is_fetched_and_unknown_ids_do_not_make_us_ask_again(
    source: Source, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(source, issuer.token()) == 202
    issuer.private["ec-2"] = ec.generate_private_key(ec.SECP256R1())
    new = issuer.token("ec-2", "ES256")
    issuer.published.append(issuer.jwk("ec-2"))
    for _ in range(3):
        assert status(source, new) == 401, "fetched a moment ago"
    assert issuer.asked == 1
    monkeypatch.setattr(jwks, "_PAUSE", 0.0)
    assert status(source, new) == 202
    assert issuer.asked == 2


def test_an_issuer_that_is_away_is_503_and_not_asked_again_at_once(source: Source, issuer: Issuer) -> None:
    issuer.receiver.always("/jwks", Answer(500))
    for _ in range(3):
        answer = send(source, b"", {"Authorization": f"Bearer {issuer.token()}"})
        problem(answer, 503)
        assert int(answer["Retry-After"]) > 0
    assert issuer.asked == 1


def test_only_public_signing_keys_of_a_set_count(issuer: Issuer) -> None:
    shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"}
    private = jwt.algorithms.RSAAlgorithm.to_jwk(issuer.private["rsa"], as_dict=True)
    listed = [shared, private, {"kty": "RSA"}, "x", None, {"kty": "EC", "crv": "x"}, issuer.jwk("rsa")]
    assert [key.key_id for key in jwks.read_set(json.dumps({"keys": listed}).encode())] == ["rsa"]
    for body in (b"", b"[]", b"{}", b'{"keys": {}}', b"\xff", b"[" * 100_000):
        assert jwks.read_set(body) == ()
    many = {"keys": [issuer.jwk("ed")] * 1000}
    assert len(jwks.read_set(json.dumps(many).encode())) == jwks.MAX_KEYS


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/keys", "https://10.0.0.1/", "ftp://x.example/", "https://user@x.example/", "x"]
)
def test_a_key_set_is_fetched_from_nowhere_inside(api: ApiClient, url: str) -> None:
    verification = {"jwks_url": url, "issuer": ISSUER, "audience": AUDIENCE}
    body = {"name": "IdP", "provider": "oauth2", "verification": verification}
    assert pointers(api.post("/api/sources", body)) == ["/verification/jwks_url"]
