"""services.api_keys and the command that makes keys."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from tests.factories import make_tenant
from webhooks.errors import InvalidInput, NotFound
from webhooks.models import SCOPES, ApiKey, Tenant
from webhooks.services import api_keys


def test_a_token_authenticates_its_key(tenant: Tenant) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "ci", ["events:write"])
    credential = api_keys.authenticate(token)
    assert credential == api_keys.Credential(key_id, tenant.id, frozenset({"events:write"}), "ci")


def test_only_a_hash_of_the_secret_is_stored(tenant: Tenant) -> None:
    _, token = api_keys.create_api_key(tenant.id, "ci")
    secret = token.split("_")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM webhooks_apikey k")
        stored = str(cursor.fetchall())
    assert secret not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored


def test_tokens_are_never_the_same(tenant: Tenant) -> None:
    tokens = {api_keys.create_api_key(tenant.id, "ci")[1] for _ in range(20)}
    assert len(tokens) == 20


def test_without_scopes_a_key_gets_all_it_can_have(tenant: Tenant) -> None:
    own = api_keys.authenticate(api_keys.create_api_key(tenant.id, "a")[1])
    platform = api_keys.authenticate(api_keys.create_api_key(None, "b")[1])
    assert own is not None
    assert platform is not None
    assert own.scopes == set(SCOPES) - {"tenants"}
    assert platform.scopes == set(SCOPES)
    assert platform.tenant_id is None


@pytest.mark.parametrize("change", ["secret", "prefix", "case", "longer", "shorter", "empty", "newline", "unicode"])
def test_another_token_is_nobody(tenant: Tenant, change: str) -> None:
    _, token = api_keys.create_api_key(tenant.id, "ci")
    _, prefix, secret = token.split("_")
    other = {
        "secret": f"clk_{prefix}_{'0' * 64}", "prefix": f"clk_{'0' * 16}_{secret}", "case": token.upper(),
        "longer": token + "0", "shorter": token[:-1], "empty": "", "newline": token + "\n", "unicode": token[:-1] + "٣",
    }[change]  # fmt: skip
    assert api_keys.authenticate(other) is None


@pytest.mark.parametrize("end", ["revoked", "expired", "inactive"])
def test_a_key_that_has_ended_is_nobody(tenant: Tenant, end: str) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "ci", expires_at=timezone.now() + timedelta(days=1))
    assert api_keys.authenticate(token)
    if end == "revoked":
        api_keys.revoke(key_id)
    elif end == "expired":
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    else:
        Tenant.objects.update(active=False)
    assert api_keys.authenticate(token) is None


def test_a_use_is_noted_at_most_once_a_minute_by_the_statement_that_finds_the_key(
    tenant: Tenant, django_assert_num_queries: Any
) -> None:
    _, token = api_keys.create_api_key(tenant.id, "ci")
    with django_assert_num_queries(1):
        api_keys.authenticate(token)
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    recently, long_ago = noted - timedelta(seconds=50), noted - timedelta(minutes=2)
    ApiKey.objects.update(last_used_at=recently)
    api_keys.authenticate(token)
    assert ApiKey.objects.get().last_used_at == recently
    ApiKey.objects.update(last_used_at=long_ago)
    api_keys.authenticate(token)
    assert ApiKey.objects.get().last_used_at == noted


def test_a_failed_try_is_not_a_use(tenant: Tenant) -> None:
    _, token = api_keys.create_api_key(tenant.id, "ci")
    api_keys.authenticate(token[:-64] + "0" * 64)
    assert ApiKey.objects.get().last_used_at is None


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\x00"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["all"]}, "/scopes/0"),
        ({"scopes": ["keys", "tenants"]}, "/scopes/1"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "/expires_at"),
    ],
)
def test_a_bad_key_is_not_made(tenant: Tenant, changed: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        api_keys.create_api_key(**{"tenant_id": tenant.id, "name": "ci"} | changed)
    assert [fault.pointer for fault in caught.value.errors] == [pointer]
    assert not ApiKey.objects.exists()


def test_an_unknown_key_cannot_be_revoked(tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        api_keys.revoke(tenant.id)


# --- manage.py create_api_key


def _command(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_command_prints_a_working_token(tenant: Tenant) -> None:
    token = _command("--tenant", tenant.slug, "--scope", "events:read", "--scope", "keys", "--days", "1")
    credential = api_keys.authenticate(token)
    assert credential is not None
    assert (credential.tenant_id, credential.scopes) == (tenant.id, {"events:read", "keys"})
    assert ApiKey.objects.get().expires_at


def test_the_command_makes_platform_keys(db: None) -> None:
    credential = api_keys.authenticate(_command("--platform", "--name", "operations"))
    assert credential is not None
    assert (credential.tenant_id, credential.name) == (None, "operations")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--tenant", "nobody"), "Tenants: acme"),
        (("--tenant", "acme", "--scope", "all"), "known: events:write"),
        (("--tenant", "acme", "--days", "-1"), "past"),
        ((), "required"),
        (("--tenant", "acme", "--platform"), "not allowed"),
    ],
)
def test_the_command_says_what_is_wrong(db: None, arguments: tuple[str, ...], word: str) -> None:
    make_tenant(slug="acme")
    with pytest.raises(CommandError, match=word):
        _command(*arguments)
    assert not ApiKey.objects.exists()
