"""Each check of ``manage.py doctor`` finds what it is there for, and says what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from celery import Celery
from cryptography.fernet import Fernet
from django.db import connection, transaction
from pytest_django import Settings

from tests.factories import make_endpoint, make_event
from tests.nodes import BrokerNode
from tests.services.findings import FAILED, OK, WARNING, found
from webhooks.core import ids
from webhooks.models import Event
from webhooks.models.partitions import partition_name
from webhooks.services import health
from webhooks.services.health import Status, broker, configuration, database
from webhooks.services.health.finding import age

pytestmark = pytest.mark.django_db
# --- database


def test_the_database_is_named_with_its_version_and_without_its_password() -> None:
    finding = database.answers()
    found(finding, OK, "PostgreSQL ", connection.settings_dict["NAME"])
    assert connection.settings_dict["PASSWORD"] not in finding.found


def test_an_old_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST_VERSION", 99)
    found(database.answers(), FAILED)


def test_a_migration_that_is_not_applied_is_named() -> None:
    found(database.migrated(), OK)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'webhooks' AND name = '0001_initial'")
    found(database.migrated(), FAILED, "1 not applied", "webhooks.0001_initial")


def test_a_database_of_a_newer_release_is_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('webhooks', '0999_later', now())")
    found(database.migrated(), WARNING, "webhooks.0999_later")


def test_few_free_connections_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found(database.connections(), OK, " of ")
    monkeypatch.setattr(database, "_CONNECTIONS", (0.0, 1.0))
    found(database.connections(), WARNING)


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_stays_open_is_told_with_its_process(
    stack_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_TRANSACTION", (0.0, 3600.0))
    with psycopg.connect(stack_env["DATABASE_URL"]) as forgotten:
        forgotten.execute("SELECT 1")
        finding = database.transactions()
        found(finding, WARNING, "open for")
        assert f"pg_terminate_backend({forgotten.info.backend_pid})" in finding.advice
    found(database.transactions(), OK)


def test_processes_of_postgresql_itself_are_no_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity")
        everything = cursor.fetchone()[0]
    assert int(database.connections().found.partition(" ")[0]) < everything


@pytest.mark.django_db(transaction=True)
def test_what_postgresql_hides_of_other_users_is_said(stack_env: dict[str, str]) -> None:
    with psycopg.connect(stack_env["DATABASE_URL"]) as forgotten, transaction.atomic(), connection.cursor() as cursor:
        forgotten.execute("SELECT 1")
        cursor.execute("SET LOCAL ROLE pg_database_owner")  # which has no rights of the user that is its member
        finding = database.transactions()
        transaction.set_rollback(True)
    found(finding, OK, "none open; ", " of others cannot be seen")


@pytest.mark.parametrize(("seconds", "status"), [(0, OK), (5, WARNING), (-5, WARNING), (100, FAILED)])
def test_a_clock_that_is_off_is_told_with_its_direction(seconds: int, status: Status) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds)):
        finding = database.clock()
    found(finding, status)
    assert ("ahead of" in finding.found) == (seconds > 0)
    assert ("behind" in finding.found) == (seconds < 0)


@pytest.mark.parametrize(("dropped", "status"), [(0, OK), (1, OK), (2, WARNING), (7, FAILED)])
def test_missing_partitions_are_told(settings: Settings, dropped: int, status: Status) -> None:
    today = datetime.now(UTC).date()
    with connection.cursor() as cursor:
        for day in range(8 - dropped, 8):
            cursor.execute(f"DROP TABLE {partition_name('webhooks_attempt', today + timedelta(days=day))}")
    found(database.partitions_ahead(), status, f"{7 - dropped} of 7 days")


def test_rows_in_a_default_partition_are_told() -> None:
    found(database.default_partitions(), OK)
    event = make_event()
    Event.objects.filter(id=event.id).update(id=ids.floor(datetime(2999, 1, 1, tzinfo=UTC)))
    found(database.default_partitions(), WARNING, "webhooks_event")


def test_secrets_that_no_key_opens_are_told(settings: Settings) -> None:
    found(database.encryption(), OK, "nothing is stored")
    make_endpoint()
    found(database.encryption(), OK, "1 tried")
    present = settings.WEBHOOKS_ENCRYPTION_KEYS
    settings.WEBHOOKS_ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
    found(database.encryption(), FAILED, "1 of 1")
    make_endpoint()
    found(database.encryption(), FAILED, "1 of 2")
    settings.WEBHOOKS_ENCRYPTION_KEYS = (*settings.WEBHOOKS_ENCRYPTION_KEYS, *present)
    found(database.encryption(), OK, "2 tried")


@pytest.mark.parametrize("keys", [(), ("no key",)])
def test_without_a_usable_key_the_settings_tell(settings: Settings, keys: tuple[str, ...]) -> None:
    make_endpoint()
    settings.WEBHOOKS_ENCRYPTION_KEYS = keys
    assert database.encryption().status is Status.SKIPPED
    assert FAILED in {finding.status for finding in configuration.settings()}


# --- broker and guards


def test_a_broker_is_told_with_what_waits_in_it(valkey: Any, celery_project_app: Celery) -> None:
    celery_project_app.send_task("webhooks.sweep", queue="fan_out")
    seen = broker.broker(["fan_out", "default"])
    found(seen.finding, OK, "Valkey ")
    assert (seen.reachable, seen.consumers) == (True, {})
    assert seen.waiting == {"fan_out": 1, "default": 0}
    found(broker.guards(seen.server), OK, "same server as the broker")


def test_a_broker_that_is_away_is_told_without_its_password(
    celery_setup_app: Celery, celery_broker: BrokerNode
) -> None:
    celery_broker.kill()
    seen = broker.broker(["default"])
    found(seen.finding, FAILED, "does not answer")
    assert not seen.reachable
    assert celery_broker.url.split(":")[2].split("@")[0] not in seen.finding.found


def test_a_broker_that_hangs_is_given_up(celery_setup_app: Celery, celery_broker: BrokerNode) -> None:
    celery_broker.kill("SIGSTOP")
    try:
        found(broker.broker(["default"]).finding, FAILED)
    finally:
        celery_broker.kill("SIGCONT")


@pytest.mark.parametrize(
    ("settings_of_it", "status", "text"),
    [
        ({"maxmemory-policy": "allkeys-lru"}, WARNING, "allkeys-lru"),
        ({"maxmemory": "100gb"}, OK, "0% of maxmemory"),
        ({"maxmemory": "1"}, FAILED, "% of maxmemory"),
    ],
)
def test_a_broker_that_forgets_or_is_full_is_told(
    celery_setup_app: Celery, celery_broker: BrokerNode, settings_of_it: dict[str, str], status: Status, text: str
) -> None:
    import redis

    with redis.Redis.from_url(celery_broker.url) as client:
        for name, value in settings_of_it.items():
            client.config_set(name, value)
    found(broker.broker(["default"]).finding, status, text)


def test_a_server_that_does_not_let_itself_be_looked_at_is_well(
    celery_setup_app: Celery, celery_broker: BrokerNode, settings: Settings
) -> None:
    import redis

    with redis.Redis.from_url(celery_broker.url) as client:
        client.acl_setuser("poor", enabled=True, passwords=["+pw"], keys=["*"], channels=["*"],
                           categories=["+@all"], commands=["-info"])  # fmt: skip
        port = client.get_connection_kwargs()["port"]
    url = f"redis://poor:pw@127.0.0.1:{port}/0"
    settings.WEBHOOKS_REDIS_URL = url
    celery_setup_app.conf.update(broker_write_url=url)
    seen = broker.broker(["default"])
    found(seen.finding, OK, f"redis://127.0.0.1:{port}/0; its version and memory cannot be seen")
    assert seen.consumers == {}
    found(broker.guards(seen.server), OK, "cannot be seen")


@pytest.mark.parametrize("url", ["nonsense://x", "sentinel://127.0.0.1:1/0", "valkey://127.0.0.1:1/0"])
def test_a_broker_that_cannot_be_understood_is_a_finding(celery_setup_app: Celery, url: str) -> None:
    celery_setup_app.conf.update(broker_write_url=url)
    found(broker.broker(["default"]).finding, FAILED, url)


def test_of_several_brokers_the_first_is_named(celery_setup_app: Celery, celery_broker: BrokerNode) -> None:
    for given in ([celery_broker.url, "redis://127.0.0.1:1/0"], f"{celery_broker.url};redis://127.0.0.1:1/0"):
        celery_setup_app.conf.update(broker_write_url=given)
        found(broker.broker(["default"]).finding, OK, "Valkey ", "127.0.0.1")


def test_guards_may_live_elsewhere_and_may_be_away(valkey: Any, settings: Settings) -> None:
    found(broker.guards("another server"), OK, "Valkey ")
    settings.WEBHOOKS_REDIS_URL = "redis://:p4ss@127.0.0.1:1/1"
    finding = broker.guards("another server")
    found(finding, FAILED, "redis://127.0.0.1:1/1 does not answer")
    assert "p4ss" not in finding.found


@pytest.mark.parametrize("url", ["nonsense://x", "redis://127.0.0.1:port/1"])
def test_a_url_of_guards_that_is_none_is_a_finding(settings: Settings, url: str) -> None:
    settings.WEBHOOKS_REDIS_URL = url
    found(broker.guards(""), FAILED)


# --- settings


@pytest.fixture
def safe(settings: Settings) -> Settings:
    """Settings of production, with nothing to find."""
    settings.WEBHOOKS_PUBLIC_URL = "https://clarion.example"
    settings.WEBHOOKS_ALLOW_HTTP = False
    settings.WEBHOOKS_ALLOWED_CIDRS = ""
    settings.WEBHOOKS_SECURITY_CONTACT = ("mailto:security@clarion.example",)
    settings.WEBHOOKS_SECURITY_EXPIRES = f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}"
    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        setattr(settings, name, True)
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SECRET_KEY = "tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ"
    return settings


def test_safe_settings_are_one_line(safe: Settings) -> None:
    (finding,) = configuration.settings()
    found(finding, OK)


@pytest.mark.parametrize(
    ("name", "value", "mark"),
    [
        ("DEBUG", True, "security.W018"),
        ("SECRET_KEY", "django-insecure-x", "security.W009"),
        ("WEBHOOKS_ALLOW_HTTP", True, "webhooks.W002"),
        ("WEBHOOKS_ALLOWED_CIDRS", "127.0.0.0/8:*", "webhooks.W003"),
    ],
)
def test_a_dangerous_setting_is_told(safe: Settings, name: str, value: Any, mark: str) -> None:
    setattr(safe, name, value)
    (finding,) = configuration.settings()
    found(finding, WARNING, mark)
    assert "\n" not in finding.found + finding.advice


def test_settings_that_cannot_work_come_first(safe: Settings) -> None:
    safe.WEBHOOKS_ENCRYPTION_KEYS = ()
    safe.DEBUG = True
    assert [finding.status for finding in configuration.settings()] == [FAILED, WARNING]


def test_what_follows_from_plain_http_is_said_once(safe: Settings) -> None:
    safe.WEBHOOKS_PUBLIC_URL = "http://clarion.example"
    safe.SECURE_SSL_REDIRECT = safe.SESSION_COOKIE_SECURE = safe.CSRF_COOKIE_SECURE = False
    safe.SECURE_HSTS_SECONDS = 0
    (finding,) = configuration.settings()
    found(finding, WARNING, "webhooks.W001")


# --- all of it


@pytest.fixture
def away(transactional_db: None) -> Iterator[None]:
    """Nobody listens at the address of the database."""
    kept = dict(connection.settings_dict)
    connection.close()
    connection.close_pool()
    options = {"connect_timeout": 1, "pool": False}
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1", "OPTIONS": options}
    yield
    connection.close()
    connection.settings_dict |= kept


def test_without_the_database_the_rest_is_looked_at_all_the_same(away: None, valkey: Any) -> None:
    findings = {finding.check: finding for finding in health.examine(["default"])}
    found(findings["database"], FAILED, "does not answer", "refused")
    assert findings["broker"].status is OK
    assert {findings[name].status for name in ("migrations", "workers", "dead letters")} == {Status.SKIPPED}


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch, valkey: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_heartbeat RENAME TO gone")
    findings = {finding.check: finding for finding in health.examine(["default"])}
    found(findings["workers"], FAILED, "cannot be looked at")
    assert findings["dead letters"].status is OK


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0.0 s"), (0.34, "0.3 s"), (42, "42 s"), (720, "12 min"), (12_240, "3.4 h"), (2e5, "2.3 days")],
)
def test_ages_are_told_in_fitting_units(seconds: float, text: str) -> None:
    assert age(seconds) == text
