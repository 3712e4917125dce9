"""Each test process has PostgreSQL and Valkey databases of its own and leaves them empty."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

import psycopg
import pytest
import redis
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from tests import factories
from tests.database import empty_tables
from tests.throwaway import choose_valkey_databases
from webhooks.models import Delivery, Endpoint, Mailbox, Tenant


@pytest.mark.django_db(transaction=True)
def test_all_rows_of_all_tables_are_deleted_whatever_refers_to_them() -> None:
    delivery = factories.make_delivery()
    emptied = empty_tables()
    assert {'"webhooks_delivery"', '"webhooks_event"', '"webhooks_endpoint"', '"webhooks_tenant"'} <= set(emptied)
    assert not Delivery.objects.filter(id=delivery.id).exists()
    assert not Tenant.objects.exists()
    assert empty_tables() == []
    assert ContentType.objects.get_for_model(Endpoint).pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_commits_is_gone_in_the_next(turn: int) -> None:
    factories.make_tenant(slug=f"turn-{turn}")
    assert Tenant.objects.count() == 1


@pytest.mark.django_db
def test_a_child_process_would_work_on_this_database(stack_env: Mapping[str, str]) -> None:
    with psycopg.connect(stack_env["DATABASE_URL"]) as child:
        assert child.execute("SELECT current_database()").fetchone() == (connection.settings_dict["NAME"],)
    assert connection.settings_dict["NAME"] != "clarion"


def test_broker_and_guards_are_two_databases(valkey: redis.Redis) -> None:
    valkey.set("key", "value")
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        assert broker.dbsize() == 0
    assert os.environ["REDIS_URL"].rsplit("/", 1)[0] == os.environ["CELERY_BROKER_URL"].rsplit("/", 1)[0]


def test_a_redis_with_somebodys_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    last = os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/62"
    monkeypatch.setenv("CELERY_BROKER_URL", os.environ["CELERY_BROKER_URL"])
    monkeypatch.setenv("REDIS_URL", last)
    with redis.Redis.from_url(last) as client:
        client.set("precious", "1")
        with pytest.raises(pytest.UsageError, match=r"Database 62 .* is not empty"):
            choose_valkey_databases(31)
        client.delete("precious")


@pytest.mark.django_db
def test_factories_keep_the_promises_of_the_mailbox() -> None:
    endpoint = factories.make_endpoint()
    soon = timezone.now() + timedelta(minutes=1)
    later = factories.make_delivery(endpoint, next_attempt_at=soon + timedelta(hours=1))
    sooner = factories.make_delivery(endpoint, next_attempt_at=soon)
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.oldest_pending_id == min(later.id, sooner.id)
    assert mailbox.next_due_at == soon


def test_an_api_key_opens_the_api(api_key: str, platform_key: str) -> None:
    from webhooks.services.api_keys import authenticate

    mine, platform = authenticate(api_key), authenticate(platform_key)
    assert mine
    assert mine.tenant_id
    assert platform
    assert platform.tenant_id is None
