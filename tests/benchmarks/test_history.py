"""Old rows that a loader makes are what the engine would have left."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection

from benchmarks import history
from tests.factories import make_endpoint
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter, Delivery, Event, EventKey, Mailbox
from webhooks.models.partitions import partition_name
from webhooks.services.fan_out import fan_out
from webhooks.services.partitions import existing
from webhooks.services.sweep import sweep

ROWS = 3000
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20)


@pytest.fixture
def past(db: None) -> Counter[str]:
    """A day of the past, partly of an endpoint that was there before."""
    make_endpoint()
    start = int(DAY.timestamp() * 1000)
    part = history.Stretch(DAY.date(), start, start + 86_400_000, ROWS)
    return history.fill(part, history.make_subscribers(), seed=1)


def test_as_many_rows_come_as_were_asked_for(past: Counter[str]) -> None:
    found = {model._meta.db_table: model.objects.count() for model in (Event, Delivery, Attempt, DeadLetter, EventKey)}
    assert found == past
    assert past["webhooks_event"] == past["webhooks_delivery"] == ROWS
    assert ROWS <= past["webhooks_attempt"] < ROWS * 1.1


def test_every_row_lies_in_the_partition_of_its_day(past: Counter[str]) -> None:
    for table in history.PARTITIONED:
        assert partition_name(table, DAY.date()) in existing(table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT tableoid::regclass::text FROM {table}")
            assert cursor.fetchall() == [(partition_name(table, DAY.date()),)]


def test_the_new_partitions_have_the_indexes_of_their_tables(past: Counter[str]) -> None:
    for table in history.PARTITIONED:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass),"
                "       (SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass)",
                [table, partition_name(table, DAY.date())],
            )
            of_table, of_partition = cursor.fetchone()
            assert of_table == of_partition > 0


def test_the_rows_refer_to_each_other(past: Counter[str]) -> None:
    events = Event.objects.in_bulk()
    for delivery in Delivery.objects.all():
        event = events[delivery.event_id]
        assert event.tenant_id == delivery.tenant_id
        assert event.matched
        if delivery.trigger == "event":
            assert delivery.id == ids.delivery_id(event.id, delivery.endpoint_id)
    attempts = Counter(Attempt.objects.values_list("delivery_id", flat=True))
    assert attempts == dict(Delivery.objects.values_list("id", "attempt_count"))
    dead = set(Delivery.objects.filter(state="dead").values_list("id", flat=True))
    assert dead == set(DeadLetter.objects.values_list("delivery_id", flat=True))
    for key in EventKey.objects.all():
        assert events[key.event_id].public_id == key.key


def test_there_is_something_of_everything_that_lists_filter_by(past: Counter[str]) -> None:
    assert {"succeeded", "dead", "cancelled"} == set(Delivery.objects.values_list("state", flat=True))
    assert {200, 202, 204, 404, 410, 500, 503} == set(Delivery.objects.values_list("response_status", flat=True))
    assert {"open", "replayed", "discarded"} == set(DeadLetter.objects.values_list("resolution", flat=True))
    assert {0, 1, 2} == set(Event.objects.values_list("matched", flat=True))
    assert {"event", "replay"} == set(Delivery.objects.values_list("trigger", flat=True))
    sizes = Counter(Event.objects.values_list("tenant_id", flat=True))
    assert max(sizes.values()) > 50 * min(sizes.values())


def test_nothing_is_left_to_do(past: Counter[str]) -> None:
    found = sweep()
    assert (found.bells, found.unsettled, found.dead, found.expired) == ([], [], [], 0)
    assert fan_out().events == 0
    assert not Mailbox.objects.exclude(next_due_at=None, oldest_pending_id=None).exists()


def test_an_attempt_has_the_size_of_a_real_one(past: Counter[str]) -> None:
    attempt = Attempt.objects.filter(response_status=200).first()
    assert attempt is not None
    assert {"webhook-id", "webhook-signature", "X-Webhook-Signature"} <= attempt.request_headers.keys()
    delivery = Delivery.objects.get(id=attempt.delivery_id)
    assert attempt.request_headers["X-Webhook-Delivery"] == delivery.public_id
    assert 200 <= len(bytes(Event.objects.all()[0].data)) <= 400


def test_the_days_share_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = history.stretches(1_000_000, 30)
    assert len(parts) in (30, 31)
    assert sum(part.events for part in parts) == 1_000_000
    whole = [part.events for part in parts[1:-1]]
    assert max(whole) - min(whole) <= 1
    assert all(before.end == after.start for before, after in pairwise(parts))
