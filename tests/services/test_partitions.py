"""Partitions are made ahead, dropped by retention, and never read when their day is over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from tests.receiver import Receiver
from tests.services.engine import at_once
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event, EventKey, Tenant
from webhooks.models.partitions import TABLES, partition_name
from webhooks.services import endpoints
from webhooks.services.deliveries import retry
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.partitions import drop_expired, event_days, existing, index_ended, make_ahead
from webhooks.services.settle import settle
from webhooks.services.sweep import sweep

TODAY = datetime.now(UTC).date()
FAR = date(2031, 5, 17)  # a day that no migration makes partitions for


def moment(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def key_on(day: date) -> UUID:
    """A fresh key as it would have been made at noon of a day."""
    return UUID(int=ids.floor(moment(day)).int | (ids.new_id().int & ((1 << 80) - 1)))


def partition_of(row: Event | Delivery | Attempt) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        (name,) = cursor.fetchone()
    return str(name)


def event_on(day: date, tenant: Tenant | None = None, key: str | None = None) -> Event:
    tenant = tenant or make_tenant()
    event = Event.objects.create(
        id=key_on(day), tenant=tenant, key=key, type="order.created", data=b"1", created_at=moment(day),
        fanned_out_at=moment(day),
    )  # fmt: skip
    if key:
        EventKey.objects.create(tenant=tenant, key=key, event_id=event.id, fingerprint=b"x" * 32)
    return event


def delivery_on(day: date, state: str = "succeeded", **fields: Any) -> Delivery:
    endpoint = make_endpoint()
    delivery = make_delivery(endpoint, event_on(day, endpoint.tenant), state=state, **fields)
    Attempt.objects.create(
        id=key_on(day), tenant=endpoint.tenant, delivery=delivery, endpoint=endpoint, number=1, trigger="event",
        outcome="succeeded", started_at=moment(day),
    )  # fmt: skip
    return delivery


# --- made ahead


@pytest.mark.django_db
def test_a_fresh_row_has_the_partition_of_today() -> None:
    delivery = make_delivery()
    assert partition_of(delivery) == partition_name("webhooks_delivery", TODAY)
    assert partition_of(delivery.event) == partition_name("webhooks_event", TODAY)


@pytest.mark.django_db
def test_making_ahead_makes_yesterday_and_the_coming_week_once() -> None:
    made = make_ahead(FAR)
    days = [FAR + timedelta(days=n) for n in range(-1, 8)]
    assert sorted(made) == sorted(partition_name(table, day) for table in TABLES for day in days)
    assert make_ahead(FAR) == []
    assert make_ahead(FAR + timedelta(days=1)) == [partition_name(table, FAR + timedelta(days=8)) for table in TABLES]


@pytest.mark.django_db
def test_nothing_is_left_to_be_made_after_the_migration() -> None:
    assert make_ahead() == []


@pytest.mark.django_db
def test_a_row_without_a_partition_is_kept_and_moved_to_its_day() -> None:
    delivery = delivery_on(FAR, next_attempt_at=None)
    other = delivery_on(FAR + timedelta(days=90), next_attempt_at=None)
    attempt = delivery.attempts.get()
    assert partition_of(delivery) == "webhooks_delivery_default"
    before = Delivery.objects.values().get(id=delivery.id)
    make_ahead(FAR)
    assert partition_of(delivery) == partition_name("webhooks_delivery", FAR)
    assert partition_of(delivery.event) == partition_name("webhooks_event", FAR)
    assert partition_of(attempt) == partition_name("webhooks_attempt", FAR)
    assert Delivery.objects.values().get(id=delivery.id) == before
    assert partition_of(other) == partition_name("webhooks_delivery", FAR + timedelta(days=90))


@pytest.mark.django_db
@pytest.mark.parametrize("offset", [timedelta(0), timedelta(days=1) - timedelta(milliseconds=1)])
def test_a_day_begins_and_ends_at_midnight_utc(offset: timedelta) -> None:
    make_ahead(FAR)
    event = event_on(FAR)
    Event.objects.filter(id=event.id).update(id=ids.floor(moment(FAR, 0) + offset))
    assert partition_of(Event.objects.get()) == partition_name("webhooks_event", FAR)


@pytest.mark.django_db
def test_a_made_partition_has_the_indexes_of_the_others() -> None:
    make_ahead(FAR)
    with connection.cursor() as cursor:
        counts = {}
        for day in (TODAY, FAR):
            cursor.execute(
                "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND indisvalid",
                [partition_name("webhooks_delivery", day)],
            )
            counts[day] = cursor.fetchone()[0]
    assert counts[FAR] == counts[TODAY] >= 8


@pytest.mark.django_db(transaction=True)
def test_two_maintenance_tasks_at_once_make_each_partition_once(far_partitions_dropped: None) -> None:
    made = at_once(*[lambda: make_ahead(FAR)] * 3)
    names = [name for one in made for name in one]
    assert len(names) == len(set(names)) == len(TABLES) * 9


@pytest.fixture
def far_partitions_dropped() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        for table in TABLES:
            for name in existing(table):
                if f"_p{FAR.year}" in name:
                    cursor.execute(f"DROP TABLE {name}")


# --- dropped by retention


def partitions_of(day: date) -> set[str]:
    return {name for table in TABLES for name in existing(table) if name == partition_name(table, day)}


@pytest.mark.django_db
def test_days_beyond_retention_are_dropped_with_what_refers_to_them(settings: Settings) -> None:
    settings.WEBHOOKS_RETENTION_DAYS = 30
    settings.WEBHOOKS_PARTITIONS_AHEAD = 1
    make_ahead(FAR)
    old = delivery_on(FAR, "dead", next_attempt_at=None)
    kept = delivery_on(FAR + timedelta(days=1), "dead", next_attempt_at=None)
    for delivery in (old, kept):
        EventKey.objects.create(tenant=delivery.tenant, key="k", event_id=delivery.event_id, fingerprint=b"x")
        DeadLetter.objects.create(
            tenant=delivery.tenant, endpoint=delivery.endpoint, delivery=delivery, event=delivery.event,
            event_type="order.created", reason="", attempt_count=1,
        )  # fmt: skip
    later = FAR + timedelta(days=31)
    make_ahead(later)
    dropped = drop_expired(later)
    assert {partition_name(table, FAR) for table in TABLES} <= set(dropped)
    assert not partitions_of(FAR)
    assert len(partitions_of(FAR + timedelta(days=1))) == len(TABLES)
    assert not Delivery.objects.filter(id=old.id).exists()
    assert not Event.objects.filter(id=old.event_id).exists()
    assert Delivery.objects.filter(id=kept.id).exists()
    assert EventKey.objects.values_list("event_id", flat=True).get() == kept.event_id
    assert DeadLetter.objects.values_list("delivery_id", flat=True).get() == kept.id
    assert drop_expired(later) == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["pending", "sending", "held"])
def test_a_day_with_an_unfinished_delivery_is_kept_whole(settings: Settings, state: str) -> None:
    settings.WEBHOOKS_RETENTION_DAYS = 30
    settings.WEBHOOKS_PARTITIONS_AHEAD = 1
    make_ahead(FAR)
    delivery = delivery_on(FAR, state)
    EventKey.objects.create(tenant=delivery.tenant, key="k", event_id=delivery.event_id, fingerprint=b"x")
    later = FAR + timedelta(days=40)
    make_ahead(later)
    drop_expired(later)
    assert EventKey.objects.count() == 1
    assert len(partitions_of(FAR)) == len(TABLES)
    assert Delivery.objects.filter(id=delivery.id).exists()
    assert not partitions_of(FAR + timedelta(days=1))
    Delivery.objects.filter(id=delivery.id).update(state="cancelled")
    assert len(drop_expired(later)) == len(TABLES)
    assert EventKey.objects.count() == 0


@pytest.mark.django_db
def test_the_default_partition_and_foreign_tables_are_never_dropped(settings: Settings) -> None:
    settings.WEBHOOKS_RETENTION_DAYS = 0
    drop_expired(FAR)
    assert {f"{table}_default" in existing(table) for table in TABLES} == {True}
    make_event()


# --- what the hot statements read


DAYS = 30
ROWS = 700  # finished deliveries of a day: tens of thousands in all


@pytest.fixture
def history(far_partitions_dropped: None, settings: Settings) -> Iterator[list[Endpoint]]:
    """Endpoints with a month of finished deliveries; the statistics are those of a minute without any work."""
    tenant = make_tenant()
    targets = [make_endpoint(tenant) for _ in range(5)]
    settings.WEBHOOKS_PARTITIONS_AHEAD = 0
    days = [TODAY - timedelta(days=2 * n) for n in range(DAYS // 2)]
    made = [name for day in days for name in make_ahead(day)]
    with connection.cursor() as cursor:
        for day in [TODAY - timedelta(days=n) for n in range(DAYS)]:
            start = int(moment(day, 0).timestamp() * 1000)
            cursor.execute(_HISTORY, {"start": start, "rows": ROWS, "tenant": tenant.id, "of": [e.id for e in targets]})
        cursor.execute(f"ANALYZE {', '.join(TABLES[:3])}")
    yield targets
    with connection.cursor() as cursor:
        for name in made:
            cursor.execute(f"DROP TABLE {name}")


# Keys spread over the first half hour of a day, which is over unless the test runs at midnight.
_HISTORY = """
WITH made AS (
    SELECT n, (lpad(to_hex(%(start)s + n * 1000), 12, '0') || '7' || substr(md5(n::text), 1, 3)
               || '8' || substr(md5(n::text), 5, 15))::uuid AS id,
           (%(of)s::uuid[])[1 + n %% 5] AS endpoint
    FROM generate_series(1, %(rows)s) AS n
), events AS (
    INSERT INTO webhooks_event (id, tenant_id, type, version, data, metadata, channels, correlation_id, origin,
                                created_at, fanned_out_at, matched, routing)
    SELECT id, %(tenant)s, 'order.created', '', '1', '{}', '{}', '', 'api', now(), now(), 1, '[]' FROM made
), deliveries AS (
    INSERT INTO webhooks_delivery (id, tenant_id, event_id, endpoint_id, state, trigger, attempt_count, reason,
                                   created_at, finished_at)
    SELECT id, %(tenant)s, id, endpoint, 'succeeded', 'event', 1, '', now(), now() FROM made
)
INSERT INTO webhooks_attempt (id, tenant_id, delivery_id, endpoint_id, number, trigger, outcome, started_at,
                              request_url, request_headers, response_headers, response_body, error, detail,
                              timings, address, worker)
SELECT id, %(tenant)s, id, endpoint, 1, 'event', 'succeeded', now(), '', '{}', '[]', '', '', '', '{}', '', ''
FROM made
"""


class Plans:
    """An execute wrapper that asks for the plan of each statement before it runs."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[dict[str, Any]]]] = []
        self._asking = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self._asking and re.match(r"\s*(WITH|SELECT|UPDATE|INSERT)", sql):
            self._asking = True
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                ((answer,),) = cursor.fetchall()
            self._asking = False
            self.seen.append((sql, list(nodes(answer[0]["Plan"]))))
        return execute(sql, params, many, context)

    def scanned(self, kind: str = "", table: str = "") -> list[tuple[str, str]]:
        """(statement, relation) of the scans of a kind and a table's partitions."""
        return [
            (" ".join(sql.split())[:80], node["Relation Name"])
            for sql, plan in self.seen
            for node in plan
            if "Relation Name" in node and kind in node["Node Type"] and node["Relation Name"].startswith(table)
        ]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def filled() -> set[str]:
    """Partitions that hold rows; a sequential scan of an empty one costs nothing."""
    with connection.cursor() as cursor:
        names = [name for table in TABLES[:3] for name in existing(table)]
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names))
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_no_hot_statement_reads_old_days_or_whole_partitions(
    valkey: object, history: list[Endpoint], receiver: Receiver
) -> None:
    busy, retried, paused, ordered, expired = history
    for endpoint in history:
        endpoints.update(None, endpoint.id, {"url": receiver.url("/hook"), "ordered": endpoint is ordered})
    publish(busy.tenant_id, [Draft(type="order.created", data=b"1") for _ in range(300)])
    routing, draining, rest = Plans(), Plans(), Plans()
    with connection.execute_wrapper(routing):
        assert fan_out().deliveries == 1500
    endpoints.pause(paused.id)
    with connection.execute_wrapper(draining):
        for endpoint in (busy, ordered):
            assert drain(endpoint.id).sent > 0
        settle(paused.id)
    Delivery.objects.filter(endpoint=expired, state="pending").update(
        state="sending", lease_until=datetime.now(UTC) - timedelta(hours=1), lease_token=uuid4()
    )
    with connection.execute_wrapper(rest):
        retry([Delivery.objects.filter(endpoint=retried, state="pending").order_by("id")[0].id])
        assert sweep().expired == 300
    with_rows = filled()
    assert len(with_rows) >= 3 * DAYS
    for plans in (routing, draining, rest):
        assert [scan for scan in plans.scanned("Seq Scan") if scan[1] in with_rows] == []
    # A drain knows the oldest unfinished key of its endpoint: the days before are not even looked at.
    old = {partition_name("webhooks_delivery", TODAY - timedelta(days=n)) for n in range(2, DAYS)}
    scans = draining.scanned(table="webhooks_delivery")
    assert {table for _, table in scans} >= {partition_name("webhooks_delivery", TODAY)}
    assert [scan for scan in scans if scan[1] in old] == []


@pytest.mark.django_db
def test_the_metadata_of_days_that_are_over_is_indexed() -> None:
    days = [TODAY - timedelta(days=n) for n in (0, 1, 2, 5)]
    for day in days:
        make_ahead(day)
    made = index_ended()
    assert {partition_name("webhooks_event", day) + "_metadata" for day in days[2:]} <= set(made)
    assert index_ended() == []
    indexed = event_days()
    assert [indexed[day] for day in days] == [False, False, True, True]


@pytest.fixture
def past_partitions_dropped(transactional_db: None) -> Iterator[None]:
    before = {table: existing(table) for table in TABLES}
    yield
    with connection.cursor() as cursor:
        for table, names in before.items():
            for name in existing(table) - names:
                cursor.execute(f"DROP TABLE {name}")


def test_such_an_index_is_built_beside_whoever_writes(past_partitions_dropped: None) -> None:
    make_ahead(TODAY - timedelta(days=9))
    with CaptureQueriesContext(connection) as queries:
        made = index_ended()
    assert partition_name("webhooks_event", TODAY - timedelta(days=9)) + "_metadata" in made
    built = [query["sql"] for query in queries.captured_queries if query["sql"].startswith("CREATE INDEX")]
    assert len(built) == len(made)
    assert all("CONCURRENTLY" in sql for sql in built)
