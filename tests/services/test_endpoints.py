"""services.endpoints: states, secrets, subscriptions; what happens when several people act at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone

from tests.factories import make_delivery, make_endpoint, make_event, make_tenant, secret_of
from webhooks.core import ids, signatures
from webhooks.errors import Conflict, InvalidInput, NotFound
from webhooks.guards import gate
from webhooks.models import Delivery, Endpoint, EndpointSecret, Mailbox, Subscription, Tenant
from webhooks.services import endpoints
from webhooks.services.settle import settle

FIELDS = {"url": "https://a.example/hook", "event_types": ["order.*"]}


def test_creating_makes_everything_an_endpoint_needs(tenant: Tenant) -> None:
    created = endpoints.create(tenant.id, FIELDS | {"filter": {"data.n": 1}, "channels": ["eu"]})
    endpoint = Endpoint.objects.get(id=created.id)
    subscription = Subscription.objects.get()
    assert (subscription.pattern, subscription.tenant_id) == ("order.*", tenant.id)
    assert (subscription.filter, subscription.channels) == ({"data.n": 1}, ["eu"])
    assert Mailbox.objects.get().tenant_id == tenant.id
    assert (secret_of(endpoint), len(signatures.key_of(created.secret))) == (created.secret, 32)


def test_an_endpoint_of_an_unknown_tenant_is_not_made(db: None) -> None:
    with pytest.raises(NotFound):
        endpoints.create(ids.new_id(), FIELDS)
    assert not Endpoint.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_fails_half_way_leaves_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(endpoints, "_subscribe", fail)
    with pytest.raises(RuntimeError):
        endpoints.create(tenant.id, FIELDS)
    assert not Endpoint.objects.exists()
    assert not EndpointSecret.objects.exists()


def test_an_update_is_scoped_by_tenant(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    with pytest.raises(NotFound):
        endpoints.update(make_tenant().id, endpoint.id, {"timeout": 5})
    endpoints.update(None, endpoint.id, {"timeout": 5})
    endpoint.refresh_from_db()
    assert endpoint.timeout == 5


def test_patterns_are_added_and_taken_away_without_touching_the_others(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["a.b", "c.d"])
    kept = Subscription.objects.get(pattern="a.b").id
    endpoints.update(tenant.id, endpoint.id, {"event_types": ["a.b", "e.*"]})
    rows = dict(endpoint.subscriptions.values_list("pattern", "id"))
    assert set(rows) == {"a.b", "e.*"}
    assert rows["a.b"] == kept


def test_a_refused_update_changes_nothing(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    with pytest.raises(InvalidInput):
        endpoints.update(tenant.id, endpoint.id, {"timeout": 5, "event_types": ["a..b"]})
    endpoint.refresh_from_db()
    assert endpoint.timeout != 5


# --- states


@pytest.mark.parametrize(
    ("state", "verb", "becomes"),
    [
        ("active", "pause", "paused"),
        ("active", "resume", "active"),
        ("active", "enable", "active"),
        ("active", "disable", "disabled"),
        ("paused", "pause", "paused"),
        ("paused", "resume", "active"),
        ("paused", "enable", "active"),
        ("paused", "disable", "disabled"),
        ("disabled", "enable", "active"),
        ("disabled", "disable", "disabled"),
    ],
)
def test_a_state_is_left_by_the_right_verbs(tenant: Tenant, state: str, verb: str, becomes: str) -> None:
    endpoint = make_endpoint(tenant, state=state)
    before = endpoint.state_changed_at
    getattr(endpoints, verb)(endpoint.id)
    endpoint.refresh_from_db()
    assert endpoint.state == becomes
    assert (endpoint.state_changed_at > before) == (state != becomes)
    assert Mailbox.objects.get().unsettled == (state != becomes)


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_disabled_endpoint_has_to_be_enabled(tenant: Tenant, verb: str) -> None:
    endpoint = make_endpoint(tenant, state="disabled")
    with pytest.raises(Conflict):
        getattr(endpoints, verb)(endpoint.id)


@pytest.mark.parametrize("verb", ["pause", "resume", "enable", "delete"])
def test_a_deleted_endpoint_is_not_found(tenant: Tenant, verb: str) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.delete(endpoint.id)
    with pytest.raises(NotFound):
        getattr(endpoints, verb)(endpoint.id)


def test_disabling_a_deleted_endpoint_does_nothing(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.delete(endpoint.id)
    endpoints.disable(endpoint.id, "too late")
    endpoint.refresh_from_db()
    assert endpoint.state == "active"


def test_the_reason_is_kept_until_the_endpoint_is_active_again(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.disable(endpoint.id, "x" * 500)
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "x" * 200
    endpoints.enable(endpoint.id)
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == ""


def test_deliveries_follow_the_state(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    delivery = make_delivery(endpoint)
    for verb, state in (("pause", "held"), ("resume", "pending"), ("disable", "held"), ("delete", "cancelled")):
        getattr(endpoints, verb)(endpoint.id)
        settle(endpoint.id)
        delivery.refresh_from_db()
        assert delivery.state == state, verb
        assert not Mailbox.objects.get().unsettled


@pytest.mark.django_db(transaction=True)
def test_enabling_gives_a_clean_record(tenant: Tenant, valkey: redis.Redis) -> None:
    endpoint = make_endpoint(tenant, state="disabled")
    hour = timezone.now() + timedelta(hours=1)
    Mailbox.objects.update(
        consecutive_failures=9,
        failing_since=timezone.now(),
        blocked_until=hour,
        blocked_reason="breaker",
        next_due_at=hour,
    )
    grant = gate.admit(endpoint.id, "t", want=9, hold=5, max_slots=4)
    gate.settle(endpoint.id, grant, answered=0, failed=9, tail=9, max_slots=4)
    assert gate.breaker_states([endpoint.id]) == {endpoint.id: "open"}
    endpoints.enable(endpoint.id)
    mailbox = Mailbox.objects.get()
    assert (mailbox.consecutive_failures, mailbox.failing_since, mailbox.blocked_until) == (0, None, None)
    assert mailbox.next_due_at is not None
    assert mailbox.next_due_at < hour
    assert gate.breaker_states([endpoint.id]) == {endpoint.id: "closed"}


@pytest.mark.django_db(transaction=True)
def test_a_new_url_gets_a_fresh_start_and_other_changes_do_not(tenant: Tenant, valkey: redis.Redis) -> None:
    endpoint = make_endpoint(tenant)
    Mailbox.objects.update(consecutive_failures=9)
    endpoints.update(tenant.id, endpoint.id, {"timeout": 5, "url": endpoint.url})
    assert Mailbox.objects.get().consecutive_failures == 9
    endpoints.update(tenant.id, endpoint.id, {"url": "https://elsewhere.example/"})
    assert Mailbox.objects.get().consecutive_failures == 0


# --- deferral


def test_a_blocked_endpoint_is_due_when_the_block_ends(tenant: Tenant) -> None:
    endpoint = make_delivery(make_endpoint(tenant)).endpoint
    endpoints.defer(endpoint.id, 60, "breaker")
    mailbox = Mailbox.objects.get()
    assert mailbox.blocked_reason == "breaker"
    assert mailbox.blocked_until is not None
    assert mailbox.next_due_at is not None
    assert mailbox.next_due_at == mailbox.blocked_until > timezone.now() + timedelta(seconds=50)


def test_a_busy_endpoint_is_looked_at_again_without_being_blocked(tenant: Tenant) -> None:
    endpoint = make_delivery(make_endpoint(tenant)).endpoint
    endpoints.defer(endpoint.id, 0.2)
    mailbox = Mailbox.objects.get()
    assert (mailbox.blocked_until, mailbox.blocked_reason) == (None, "")
    assert mailbox.next_due_at is not None


def test_deferring_does_not_shorten_a_longer_block_or_wake_an_idle_endpoint(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.defer(endpoint.id, 60, "breaker")
    assert Mailbox.objects.get().next_due_at is None
    make_delivery(endpoint, make_event(tenant, fanned_out=True))
    endpoints.defer(endpoint.id, 600, "breaker")
    endpoints.defer(endpoint.id, 1, "rate_limit")
    mailbox = Mailbox.objects.get()
    assert mailbox.blocked_until is not None
    assert mailbox.blocked_until > timezone.now() + timedelta(seconds=500)
    assert mailbox.blocked_reason == "breaker"
    endpoints.defer(endpoint.id, 900, "rate_limit")
    assert Mailbox.objects.get().blocked_reason == "rate_limit"


# --- secrets


def _valid(endpoint: Endpoint) -> set[str]:
    now = timezone.now()
    return {row.value for row in endpoint.secrets.all() if row.valid_until is None or row.valid_until > now}


def test_both_secrets_sign_during_the_overlap(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    old = secret_of(endpoint)
    new = endpoints.rotate_secret(endpoint.id, 60)
    assert _valid(endpoint) == {old, new}
    assert secret_of(endpoint) == new


def test_without_overlap_the_old_secret_ends_at_once(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    new = endpoints.rotate_secret(endpoint.id, 0)
    assert _valid(endpoint) == {new}


def test_a_second_rotation_does_not_lengthen_the_life_of_the_first_secret(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    first = secret_of(endpoint)
    endpoints.rotate_secret(endpoint.id, 60)
    until = EndpointSecret.objects.get(valid_until__isnull=False).valid_until
    endpoints.rotate_secret(endpoint.id, 600)
    (kept,) = [row for row in endpoint.secrets.all() if row.value == first]
    assert kept.valid_until == until


def test_the_number_of_valid_secrets_is_bounded(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    for _ in range(10):
        newest = endpoints.rotate_secret(endpoint.id)
    assert len(_valid(endpoint)) == endpoints.MAX_OLD_SECRETS + 1
    assert newest in _valid(endpoint)


def test_a_rotation_tells_workers_to_read_the_endpoint_again(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    before = Endpoint.objects.get().updated_at
    endpoints.rotate_secret(endpoint.id)
    assert Endpoint.objects.get().updated_at > before


def test_secrets_headers_and_auth_are_unreadable_in_the_database(tenant: Tenant) -> None:
    created = endpoints.create(
        tenant.id, FIELDS | {"headers": {"X-Token": "canary-1"}, "auth": {"type": "bearer", "token": "canary-2"}}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e::text, s::text FROM webhooks_endpoint e JOIN webhooks_endpointsecret s ON s.endpoint_id = e.id"
        )
        stored = str(cursor.fetchall())
    for secret in ("canary-1", "canary-2", created.secret, created.secret.removeprefix("whsec_")):
        assert secret not in stored


# --- several at once


@pytest.mark.django_db(transaction=True)
def test_changes_that_race_are_done_one_after_the_other(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, event_types=["a.b"])

    def change(n: int) -> None:
        try:
            match n % 4:
                case 0:
                    endpoints.update(tenant.id, endpoint.id, {"event_types": [f"a.b{n}", "a.c"]})
                case 1:
                    endpoints.rotate_secret(endpoint.id)
                case 2:
                    endpoints.pause(endpoint.id)
                case _:
                    endpoints.enable(endpoint.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(24)))
    patterns = set(endpoint.subscriptions.values_list("pattern", flat=True))
    assert len(patterns) == 2
    assert "a.c" in patterns
    assert len([row for row in endpoint.secrets.all() if row.valid_until is None]) == 1
    endpoint.refresh_from_db()
    assert endpoint.state in ("active", "paused")
    assert Mailbox.objects.get().unsettled


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_rolled_back_with_the_callers_transaction(tenant: Tenant) -> None:
    def create_and_fail() -> None:
        with transaction.atomic():
            endpoints.create(tenant.id, FIELDS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        create_and_fail()
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()
