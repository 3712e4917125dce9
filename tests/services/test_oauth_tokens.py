"""services.oauth_tokens: what a request with a token costs, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_tenant
from tests.services.engine import in_thread, statements
from tests.waiting import eventually
from webhooks import tasks
from webhooks.models import OAuthClient, OAuthToken, Tenant
from webhooks.services import oauth_clients, oauth_tokens

# Nothing is kept before a commit, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(transactional_db: None, settings: Settings) -> Tenant:
    """A tenant; what is found is kept longer than a test takes."""
    settings.WEBHOOKS_LOOKUP_TTL = 1000.0
    return make_tenant()


def issued(tenant: Tenant, seconds: float = 3600.0) -> tuple[UUID, str]:
    """A new client and a token of it."""
    client_id, _ = oauth_clients.create(tenant.id, "billing", ["events:read"])
    token = oauth_tokens.generate()
    assert oauth_tokens.issue(client_id, token, ["events:read"], seconds)
    return client_id, token


def test_a_token_is_looked_up_by_one_statement_and_then_by_none(tenant: Tenant) -> None:
    client_id, token = issued(tenant)
    with statements() as seen:
        first = oauth_tokens.authenticate(token)
    assert len(seen) == 1
    assert first is not None
    assert (first.key_id, first.tenant_id, first.scopes) == (client_id, tenant.id, {"events:read"})
    with statements() as seen:
        assert oauth_tokens.authenticate(token) == first
    assert seen == []
    assert OAuthClient.objects.get().last_used_at


def test_the_look_up_goes_by_the_index_on_the_digest(tenant: Tenant) -> None:
    _, token = issued(tenant)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # the table has one row
        cursor.execute(f"EXPLAIN {oauth_tokens._FIND}", {"digest": oauth_tokens._hash(token), "touch": 60})
        assert "webhooks_oauthtoken_pkey" in str(cursor.fetchall())


ENDS: dict[str, Callable[[UUID, str, Tenant], None]] = {
    "its client is revoked": lambda client, token, tenant: oauth_clients.revoke(client),
    "it is revoked": lambda client, token, tenant: oauth_tokens.revoke(_credential(token), token),
    "its client is deleted": lambda client, token, tenant: OAuthClient.objects.get(id=client).delete() and None,
    "its tenant is switched off": lambda client, token, tenant: _switch_off(tenant),
}


def _credential(token: str) -> oauth_tokens.Credential:
    found = oauth_tokens.authenticate(token)
    assert found is not None
    return found


def _switch_off(tenant: Tenant) -> None:
    tenant.active = False
    tenant.save()


@pytest.mark.parametrize("how", ENDS)
def test_a_token_that_is_kept_ends_at_once_when(tenant: Tenant, how: str) -> None:
    client_id, token = issued(tenant)
    assert oauth_tokens.authenticate(token)
    ENDS[how](client_id, token, tenant)
    assert oauth_tokens.authenticate(token) is None


def test_another_process_hears_of_it_within_the_ttl(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 0.0
    client_id, token = issued(tenant)
    assert oauth_tokens.authenticate(token)
    OAuthClient.objects.filter(id=client_id).update(revoked_at=timezone.now())  # nobody is told
    assert oauth_tokens.authenticate(token) is None


def test_a_token_or_client_that_has_expired_is_nobody(tenant: Tenant) -> None:
    _, token = issued(tenant)
    OAuthToken.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert oauth_tokens.authenticate(token) is None
    client_id, token = issued(tenant)
    OAuthClient.objects.filter(id=client_id).update(expires_at=timezone.now() - timedelta(hours=1))
    assert oauth_tokens.authenticate(token) is None


def test_a_kept_token_ends_when_it_expires(tenant: Tenant) -> None:
    _, token = issued(tenant, seconds=0.2)
    assert oauth_tokens.authenticate(token)
    eventually(lambda: oauth_tokens.authenticate(token) is None)
    assert timezone.now() >= OAuthToken.objects.get().expires_at


def test_a_token_is_not_issued_beyond_the_client(tenant: Tenant) -> None:
    """Attack: a scope that the client was not given, or a client that was revoked a moment ago."""
    client_id, _ = oauth_clients.create(tenant.id, "billing", ["events:read"])
    assert not oauth_tokens.issue(client_id, oauth_tokens.generate(), ["events:read", "keys"], 60)
    oauth_clients.revoke(client_id)
    assert not oauth_tokens.issue(client_id, oauth_tokens.generate(), ["events:read"], 60)
    assert not OAuthToken.objects.exists()


def test_a_token_asked_for_while_its_client_is_revoked_is_not_issued(tenant: Tenant) -> None:
    """Race: the revocation deletes the tokens it sees, and a token that commits after that would live on."""
    client_id, _ = oauth_clients.create(tenant.id, "billing", ["events:read"])
    with transaction.atomic():
        oauth_clients.revoke(client_id)
        answer = in_thread(oauth_tokens.issue, client_id, oauth_tokens.generate(), ["events:read"], 60)
        eventually(_waits)
    assert answer() is False
    assert not OAuthToken.objects.exists()


def _waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot(), (SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND query LIKE '%%INSERT INTO webhooks_oauthtoken%%')"
        )
        return bool(cursor.fetchone()[1])


def test_maintain_forgets_what_has_expired_and_nothing_else(tenant: Tenant, valkey: object) -> None:
    _, kept = issued(tenant)
    issued(tenant)
    OAuthToken.objects.exclude(digest=oauth_tokens._hash(kept)).update(expires_at=timezone.now() - timedelta(hours=1))
    assert "1 access tokens expired" in tasks.maintain()
    assert oauth_tokens.authenticate(kept)
    assert OAuthToken.objects.count() == 1
