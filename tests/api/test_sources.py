"""``/api/sources``: making, changing, rotating, deleting; what contradicts itself is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from django.db import connection
from pytest_django import Settings

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from tests.receivers.sending import send
from webhooks.core import inbound
from webhooks.models import AuditEntry, Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

MASK = "********"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# provider -> the least that a source of it takes
LEAST: dict[str, dict[str, Any]] = {
    "github": {},
    "stripe": {"secrets": ["whsec_abcdefgh"]},
    "shopify": {"secrets": ["shpss_abcdefgh"]},
    "slack": {"secrets": ["8f742231b10e8888"]},
    "standard": {},
    "hex": {},
    "eventbridge": {},
    "api_key": {},
    "oauth2": {
        "verification": {"jwks_url": "https://issuer.example/jwks", "issuer": "https://issuer.example", "audience": "x"}
    },
    "mtls": {"verification": {"header": "X-Client", "expected": ["0" * 64]}},
    "custom": {"verification": {"header": "X-Signature"}},
    "none": {},
}
HEX = {"header": "X", "secret_encoding": "hex"}
TIME = "/verification/timestamp_header"
TOKENS = [f"/verification/{name}" for name in ("jwks_url", "issuer", "audience")]
MADE_HERE = {"github", "standard", "hex", "eventbridge", "api_key", "custom"}


def create(api: ApiClient, provider: str = "hex", **fields: Any) -> Any:
    return api.post("/api/sources", {"name": "A source", "provider": provider, **LEAST[provider], **fields})


@pytest.mark.parametrize("provider", sorted(inbound.PROVIDERS))
def test_a_source_of_each_provider_takes_what_it_signs(
    api: ApiClient, provider: str, settings: Settings, transactional_db: None
) -> None:
    settings.WEBHOOKS_PROXY_CIDRS = "127.0.0.1"
    answer = create(api, provider)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert answer["Location"] == f"/api/sources/{made['id']}"
    assert (made["secret"] is not None) == (provider in MADE_HERE)
    assert made["secrets"] == ([MASK] if provider in MADE_HERE or "secrets" in LEAST[provider] else [])
    assert made["url"].endswith(f"/in/{made['id']}")
    again = api.get(f"/api/sources/{made['id']}").json()
    assert again == {name: value for name, value in made.items() if name != "secret"}
    source = Source.objects.get()
    if inbound.PROVIDERS[provider].sign:
        assert send(source, b'{"n": 1}').status_code == 202
    assert api.put(f"/api/sources/{made['id']}", again).status_code == 200, "an answer can be sent back"
    assert Source.objects.get().secrets == source.secrets
    assert api.get("/api/sources?provider=" + provider).json()["results"] == [
        api.get(f"/api/sources/{made['id']}").json()
    ]


def test_secrets_are_shown_once_and_unreadable_in_the_database(api: ApiClient) -> None:
    answer = create(api)
    secret = answer.json()["secret"]
    path = f"/api/sources/{answer.json()['id']}"
    seen = [api.get(path), api.get("/api/sources"), api.patch(path, {"name": "x"}), api.get("/api/audit")]
    assert all(secret not in one.content.decode() for one in seen)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM webhooks_source")
        assert secret not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("provider", "fields", "expected"),
    [
        ("stripe", {"secrets": []}, ["/secrets"]),
        ("slack", {"secrets": [""]}, ["/secrets/0"]),
        ("github", {"secrets": ["short"]}, ["/secrets/0"]),
        ("github", {"secrets": ["trailing\x00\x00\x00"]}, ["/secrets/0"]),
        ("github", {"secrets": [MASK]}, ["/secrets/0"]),
        ("github", {"secrets": ["x" * 20] * 6}, ["/secrets"]),
        ("github", {"secrets": "abcdefghijk"}, ["/secrets"]),
        ("standard", {"secrets": ["no-such-prefix"]}, ["/secrets/0"]),
        ("standard", {"secrets": ["whsec_eA=="]}, ["/secrets/0"]),
        ("standard", {"secrets": ["whpk_AAAA"]}, ["/secrets/0"]),
        ("none", {"secrets": ["abcdefghijk"]}, ["/secrets"]),
        ("oauth2", {"secrets": ["abcdefghijk"]}, ["/secrets"]),
        ("oauth2", {"verification": {}}, TOKENS),
        ("github", {"verification": {"header": "X"}}, ["/verification/header"]),
        ("custom", {"verification": {}}, ["/verification/header"]),
        ("custom", {"verification": {"header": "X_Y"}}, ["/verification/header"]),
        ("custom", {"verification": {"header": "X", "template": "{time}{body}"}}, ["/verification/template"]),
        ("custom", {"verification": {"header": "X", "template": "{timestamp}"}}, ["/verification/template"]),
        ("custom", {"verification": {"header": "X", "template": "{timestamp}.{body}"}}, [TIME]),
        ("custom", {"verification": {"header": "X", "timestamp_header": "T"}}, [TIME]),
        ("custom", {"verification": HEX, "secrets": ["not-hex!"]}, ["/secrets/0"]),
        ("custom", {"verification": {"header": "X", "algorithm": "md5"}}, ["/verification/algorithm"]),
        ("eventbridge", {"verification": {"auth": "oauth2"}}, TOKENS),
        ("eventbridge", {"verification": {"auth": "basic"}}, ["/secrets"]),
        ("eventbridge", {"verification": {"auth": "basic"}, "secrets": ["no-colon-here"]}, ["/secrets/0"]),
        ("mtls", {"verification": {"header": "X", "expected": ["not hex"]}}, ["/verification/expected"]),
        ("mtls", {}, ["/provider"]),
        ("none", {"allowed_ips": ["192.0.2.1/24"]}, ["/allowed_ips/0"]),
        ("none", {"allowed_ips": ["x", "::ffff:192.0.2.0/120"]}, ["/allowed_ips/0", "/allowed_ips/1"]),
        ("none", {"rate_limit": {"limit": 0}}, ["/rate_limit/limit"]),
        ("none", {"rate_limit": 5}, ["/rate_limit"]),
        ("none", {"schema": {"$ref": "https://evil.example/"}}, ["/schema/$ref"]),
        ("none", {"max_bytes": 10**9}, ["/max_bytes"]),
        ("none", {"tolerance": 0}, ["/tolerance"]),
        ("none", {"event_type": "a..b"}, ["/event_type"]),
        ("none", {"event_type": "{other}"}, ["/event_type"]),
        ("none", {"forward": 1}, ["/forward"]),
        ("none", {"nothing": 1, "id": "x"}, ["/nothing", "/id"]),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_422(
    api: ApiClient, provider: str, fields: dict[str, Any], expected: list[str]
) -> None:
    assert pointers(create(api, provider, **fields)) == expected
    assert not Source.objects.exists()


@pytest.mark.parametrize("provider", ["", "paypal", None, ["github"]])
def test_an_unknown_provider_is_422(api: ApiClient, provider: Any) -> None:
    assert pointers(api.post("/api/sources", {"name": "x", "provider": provider})) == ["/provider"]
    assert pointers(api.post("/api/sources", {})) == ["/name", "/provider"]


def test_a_mask_keeps_the_secret_at_its_place(api: ApiClient) -> None:
    path = f"/api/sources/{create(api, 'github', secrets=['first-secret', 'second-secret']).json()['id']}"
    assert api.patch(path, {"secrets": [MASK, "third-secret"]}).status_code == 200
    assert Source.objects.get().secrets == ["first-secret", "third-secret"]
    assert pointers(api.patch(path, {"secrets": [MASK, MASK, MASK]})) == ["/secrets/2"]


def test_the_last_secret_cannot_be_taken_away(api: ApiClient) -> None:
    stripe = f"/api/sources/{create(api, 'stripe').json()['id']}"
    assert pointers(api.patch(stripe, {"secrets": []})) == ["/secrets"]
    github = f"/api/sources/{create(api, 'github').json()['id']}"
    made = api.patch(github, {"secrets": []}).json()
    assert made["secret"], "a new one is made instead"


def test_another_provider_begins_anew(api: ApiClient) -> None:
    """Attack on ourselves: the secret of one provider would go on counting for another one."""
    path = f"/api/sources/{create(api, 'custom').json()['id']}"
    assert pointers(api.patch(path, {"provider": "stripe"})) == ["/secrets"]
    changed = api.patch(path, {"provider": "stripe", "secrets": ["whsec_abcdefgh"]}).json()
    assert (changed["verification"], changed["event_type"]) == ({}, "stripe.{type}")
    source = Source.objects.get()
    assert source.secrets == ["whsec_abcdefgh"]
    assert send(source, b"{}").status_code == 202


def test_put_resets_what_is_absent_but_the_secrets_and_active(api: ApiClient) -> None:
    made = create(api, tolerance=60, allowed_ips=["192.0.2.0/24"], active=False).json()
    stored = Source.objects.get().secrets
    answer = api.put(f"/api/sources/{made['id']}", {"name": "Other", "provider": "hex"}).json()
    assert (answer["tolerance"], answer["allowed_ips"], answer["active"], answer["name"]) == (300, [], False, "Other")
    assert Source.objects.get().secrets == stored


def test_rotation_lets_both_secrets_count_for_a_while(api: ApiClient) -> None:
    made = create(api, "standard").json()
    answer = api.post(f"/api/sources/{made['id']}/rotate-secret", {"overlap_seconds": 60})
    assert answer.json()["overlap_seconds"] == 60
    assert answer.json()["secret"].startswith("whsec_")
    assert api.get(f"/api/sources/{made['id']}").json()["secrets"] == [MASK, MASK]
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["secret.rotated", "secret.revealed"]


def test_a_rotation_that_makes_no_sense_is_refused(api: ApiClient) -> None:
    stripe, none = create(api, "stripe").json(), create(api, "none").json()
    assert pointers(api.post(f"/api/sources/{stripe['id']}/rotate-secret")) == ["/secret"]
    problem(api.post(f"/api/sources/{none['id']}/rotate-secret"), 409)
    path = f"/api/sources/{stripe['id']}/rotate-secret"
    assert api.post(path, {"secret": "whsec_another-one"}).status_code == 200
    assert Source.objects.get(provider="stripe").secrets[0] == "whsec_another-one"
    for body in ({"secret": ""}, {"secret": 5}, {"overlap_seconds": -1}, {"overlap_seconds": True}, {"other": 1}):
        assert api.post(path, body).status_code == 422


def test_no_more_than_a_few_secrets_ever_count(api: ApiClient) -> None:
    made = create(api).json()
    for _ in range(8):
        assert api.post(f"/api/sources/{made['id']}/rotate-secret").status_code == 200
    assert len(Source.objects.get().secrets) == 5


def test_a_deleted_source_is_gone_and_its_secrets_with_it(api: ApiClient) -> None:
    made = create(api, "github", secrets=["only-for-tests"]).json()
    source = Source.objects.get()
    assert api.delete(f"/api/sources/{made['id']}").status_code == 204
    problem(api.get(f"/api/sources/{made['id']}"), 404)
    problem(send(source, b"{}", {}), 404)
    assert Source.objects.get().secrets == []


def test_refused_requests_are_counted_for_the_owner(api: ApiClient, valkey: redis.Redis) -> None:
    made = create(api).json()
    assert made["refused_lately"] == 0
    for _ in range(3):
        send(Source.objects.get(), b"{}", {})
    assert api.get(f"/api/sources/{made['id']}").json()["refused_lately"] == 3


def test_a_schema_comes_back_as_it_is(api: ApiClient) -> None:
    schema = {"type": "object", "properties": {"n": {"maximum": 1.10}}}
    made = create(api, schema=schema).json()
    assert made["schema"] == schema
    assert json.loads(Source.objects.get().schema or "") == schema
