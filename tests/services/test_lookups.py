"""Keys and tenants that a process has looked up: kept for a moment, and what must not outlive a change."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

import webhooks
from tests.factories import make_key, make_tenant
from tests.services.engine import in_thread, statements
from tests.waiting import eventually
from webhooks.errors import NotFound
from webhooks.models import ApiKey, Event, Tenant
from webhooks.services import api_keys
from webhooks.services.lookups import _SIZE, Lookup

# Nothing is kept before a commit, so these tests commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant(transactional_db: None, settings: Settings) -> Tenant:
    """A tenant; what is found is kept longer than a test takes."""
    settings.WEBHOOKS_LOOKUP_TTL = 1000.0
    return make_tenant()


def known(token: str) -> bool:
    return api_keys.authenticate(token) is not None


def test_a_key_is_looked_up_once(tenant: Tenant) -> None:
    token = make_key(tenant)
    first = api_keys.authenticate(token)
    with statements() as seen:
        assert api_keys.authenticate(token) == first
    assert seen == []
    assert first is not None
    assert first.tenant_id == tenant.id


def test_a_wrong_secret_always_asks_the_database(tenant: Tenant) -> None:
    """Attacks: a kept prefix lets in who knows no secret; or answers faster, and so tells that it exists."""
    token = make_key(tenant)
    assert known(token)
    for other in (token[:-64] + "0" * 64, f"clk_{'0' * 16}_{'0' * 64}"):
        for _ in range(2):
            with statements() as seen:
                assert not known(other)
            assert len(seen) == 1
    assert known(token)


def test_a_refusal_is_not_kept(tenant: Tenant) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "early")
    ApiKey.objects.filter(id=key_id).update(revoked_at=timezone.now())
    assert not known(token)
    ApiKey.objects.filter(id=key_id).update(revoked_at=None)
    assert known(token)


def _revoke(key_id: UUID, tenant: Tenant) -> None:
    api_keys.revoke(key_id)


def _delete(key_id: UUID, tenant: Tenant) -> None:
    ApiKey.objects.filter(id=key_id).delete()


def _switch_off(key_id: UUID, tenant: Tenant) -> None:
    tenant.active = False
    tenant.save()


def _delete_the_tenant(key_id: UUID, tenant: Tenant) -> None:
    tenant.delete()


@pytest.mark.parametrize("end", [_revoke, _delete, _switch_off, _delete_the_tenant])
def test_what_ends_a_key_in_this_process_ends_it_at_once(tenant: Tenant, end: Callable[..., None]) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "ci")
    assert known(token)
    end(key_id, tenant)
    assert not known(token)


@pytest.mark.parametrize("end", [_revoke, _switch_off])
def test_a_change_counts_when_it_is_committed_and_not_when_it_is_rolled_back(
    tenant: Tenant, end: Callable[..., None]
) -> None:
    key_id, token = api_keys.create_api_key(tenant.id, "ci")
    assert known(token)
    with transaction.atomic():
        end(key_id, tenant)
        assert not known(token)
        assert in_thread(known, token)()  # keeps it again, as it is before the commit
        transaction.set_rollback(True)
    assert known(token)
    with transaction.atomic():
        end(key_id, tenant)
        assert in_thread(known, token)()
    assert not known(token)
    assert not in_thread(known, token)()


def test_a_key_that_another_process_revokes_ends_with_the_time_it_is_kept(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 0.2
    token = make_key(tenant)
    assert known(token)
    ApiKey.objects.update(revoked_at=timezone.now())  # nobody is told, as if it happened elsewhere
    eventually(lambda: not known(token))


def test_nothing_is_kept_when_the_time_is_zero(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 0.0
    token = make_key(tenant)
    assert known(token)
    ApiKey.objects.update(revoked_at=timezone.now())
    assert not known(token)


def test_a_key_ends_when_it_expires_however_long_it_could_be_kept(tenant: Tenant, settings: Settings) -> None:
    for seconds in (0.5, 4, 32):  # a busy machine looks at the first when it is over already
        key_id, token = api_keys.create_api_key(tenant.id, "ci", expires_at=timezone.now() + timedelta(seconds=seconds))
        if known(token):
            break
    eventually(lambda: not known(token), timeout=2 * seconds)
    assert seconds < settings.WEBHOOKS_LOOKUP_TTL
    assert timezone.now() >= ApiKey.objects.get(id=key_id).expires_at


def test_a_key_of_a_transaction_that_is_rolled_back_never_existed(tenant: Tenant) -> None:
    with transaction.atomic():
        token = make_key(tenant)
        assert known(token)
        transaction.set_rollback(True)
    assert not known(token)


def test_a_key_of_a_savepoint_that_is_rolled_back_never_existed(tenant: Tenant) -> None:
    with transaction.atomic():
        with transaction.atomic():
            token = make_key(tenant)
            assert known(token)
            transaction.set_rollback(True)
        assert not known(token)
    assert not known(token)


def test_a_transaction_by_hand_keeps_nothing(tenant: Tenant) -> None:
    transaction.set_autocommit(False)
    try:
        token = make_key(tenant)
        assert known(token)
        transaction.rollback()
        assert not known(token)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)


def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_kept(tenant: Tenant) -> None:
    """Attack: the revocation falls between the answer of the database and the moment it is written down."""
    key_id, token = api_keys.create_api_key(tenant.id, "ci")

    def revoked_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if "found" in sql:
            in_thread(api_keys.revoke, key_id)()
        return result

    with connection.execute_wrapper(revoked_meanwhile):
        assert known(token)
    assert not known(token)


def test_a_use_is_still_noted_while_the_key_is_kept(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 0.05
    token = make_key(tenant)
    assert known(token)
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    ApiKey.objects.update(last_used_at=noted - timedelta(minutes=2))

    def used_again() -> bool:
        assert known(token)
        found = ApiKey.objects.get().last_used_at
        return found is not None and found > noted

    eventually(used_again)


def test_unknown_tokens_and_names_leave_nothing_behind(tenant: Tenant) -> None:
    """Attack: a flood of tokens and tenants that do not exist fills the memory of the process."""
    before = len(api_keys._credentials._kept), len(api_keys._tenants._kept)
    for n in range(50):
        assert not known(f"clk_{n:016x}_{'0' * 64}")
        assert api_keys.tenant_named(f"nobody-{n}") is None
    assert (len(api_keys._credentials._kept), len(api_keys._tenants._kept)) == before


def test_a_look_up_never_keeps_more_than_its_size(tenant: Tenant) -> None:
    lookup: Lookup[int, int] = Lookup()
    for n in range(_SIZE + 100):
        assert lookup.get(n, lambda n=n: (n + 1, 1000.0)) == n + 1
    assert len(lookup._kept) == _SIZE


# --- tenants


def test_a_tenants_name_is_looked_up_once(tenant: Tenant) -> None:
    assert api_keys.tenant_named(tenant.slug) == tenant.id
    with statements() as seen:
        assert api_keys.tenant_named(tenant.slug) == tenant.id
    assert seen == []


def test_a_tenant_that_gets_another_name_leaves_the_old_one_at_once(tenant: Tenant) -> None:
    """Attack: a name that changes hands must not lead to the one who had it before."""
    old = tenant.slug
    assert api_keys.tenant_named(old) == tenant.id
    tenant.slug = f"{old}-2"
    tenant.save()
    assert api_keys.tenant_named(old) is None
    heir = make_tenant(slug=old)
    assert api_keys.tenant_named(old) == heir.id


def test_emit_looks_a_tenant_up_once_however_it_is_named(tenant: Tenant, valkey: redis.Redis) -> None:
    for name in (tenant.slug, tenant.public_id, tenant.id):
        webhooks.emit("order.created", 1, tenant=name)
        with statements() as seen:
            webhooks.emit("order.created", 1, tenant=name)
        assert len(seen) == 1
    assert Event.objects.filter(tenant=tenant).count() == 6


def test_emit_for_a_tenant_that_is_deleted_is_refused_at_once(tenant: Tenant, valkey: redis.Redis) -> None:
    tenant_id = tenant.id
    webhooks.emit("order.created", 1, tenant=tenant_id)
    tenant.delete()
    with pytest.raises(NotFound):
        webhooks.emit("order.created", 1, tenant=tenant_id)


def test_a_kept_key_is_asked_for_again_when_its_time_is_over(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 0.05
    token = make_key(tenant)
    assert known(token)
    over = time.monotonic() + settings.WEBHOOKS_LOOKUP_TTL
    eventually(lambda: time.monotonic() > over)
    with statements() as seen:
        assert known(token)
    assert len(seen) == 1
