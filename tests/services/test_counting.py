"""Attempts are counted once each, whatever comes in between."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import make_delivery, make_endpoint
from webhooks.core import ids
from webhooks.models import Attempt, Delivery, Endpoint, EndpointHour, Progress
from webhooks.services import counting

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)


def attempt(delivery: Delivery, at: datetime, **fields: Any) -> Attempt:
    """An attempt whose key is of that moment."""
    key = UUID(int=ids.floor(at).int | (7 << 76) | (2 << 62) | random.getrandbits(60))
    values: dict[str, Any] = {"outcome": "succeeded", "response_status": 200, "timings": {"total": 50.0}}
    return Attempt.objects.create(
        id=key, tenant_id=delivery.tenant_id, delivery=delivery, endpoint_id=delivery.endpoint_id, number=1,
        trigger="event", started_at=at, **values | fields,
    )  # fmt: skip


def counts(endpoint: Endpoint) -> dict[datetime, dict[str, int]]:
    return {row.hour: row.counts for row in EndpointHour.objects.filter(endpoint=endpoint)}


def test_attempts_are_counted_by_endpoint_and_hour() -> None:
    one, other = make_delivery(), make_delivery()
    attempt(one, NOON)
    attempt(one, NOON + HOUR - timedelta(milliseconds=1), outcome="failed", response_status=503)
    attempt(one, NOON + HOUR, outcome="failed", response_status=None, error="timeout", timings={"total": 15000.0})
    attempt(one, NOON + HOUR, outcome="lost", response_status=None, error="worker_lost", timings={})
    attempt(other, NOON)
    counting.count()
    bucket = f"ms.{next(n for n, bound in enumerate(counting.BOUNDS) if bound > 50)}"
    assert counts(one.endpoint) == {
        NOON: {"outcome.succeeded": 1, "outcome.failed": 1, "class.2": 1, "class.5": 1, bucket: 2},
        NOON + HOUR: {
            "outcome.failed": 1, "outcome.lost": 1, "class.0": 2, "error.timeout": 1, "error.worker_lost": 1,
            f"ms.{next(n for n, bound in enumerate(counting.BOUNDS) if bound > 15000)}": 1,
        },
    }  # fmt: skip
    assert set(counts(other.endpoint)) == {NOON}


def test_counting_again_adds_what_is_new_and_nothing_twice() -> None:
    delivery = make_delivery()
    attempt(delivery, NOON)
    for _ in range(3):
        counting.count()
    assert counts(delivery.endpoint)[NOON]["outcome.succeeded"] == 1
    mark = ids.created_at(Progress.objects.get().key)
    attempt(delivery, mark, outcome="failed", error="timeout")
    Progress.objects.update(key=ids.floor(mark))
    counting.count()
    total: Counter[str] = Counter()
    for hour in counts(delivery.endpoint).values():
        total.update(hour)
    assert (total["outcome.succeeded"], total["outcome.failed"], total["error.timeout"]) == (1, 1, 1)


def test_parts_of_an_hour_add_up() -> None:
    delivery = make_delivery()
    for minute in (1, 10, 40):
        attempt(delivery, NOON + timedelta(minutes=minute), error="timeout" if minute == 10 else "")
    Progress.objects.create(name="attempts", key=ids.floor(NOON))
    for minute in (5, 20, 60):
        counting._step(ids.floor(NOON + timedelta(minutes=minute)))
    found = counts(delivery.endpoint)[NOON]
    assert (found["outcome.succeeded"], found["error.timeout"], found["class.2"]) == (3, 1, 3)


def test_what_may_still_be_written_is_not_passed_over() -> None:
    counting.count()
    mark = ids.created_at(Progress.objects.get().key)
    assert datetime.now(UTC) - mark > timedelta(seconds=60)


def test_a_backlog_is_worked_off_over_several_calls() -> None:
    delivery = make_delivery()
    attempt(delivery, NOON - 5 * HOUR)
    attempt(delivery, NOON)
    assert counting.count(budget=0.0) == 0
    assert not Progress.objects.exists()
    counting.count()
    assert set(counts(delivery.endpoint)) == {NOON - 5 * HOUR, NOON}


def test_a_count_that_fails_leaves_no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    attempt(delivery, NOON)

    class Broken(Exception):
        pass

    def save(*_: Any, **__: Any) -> None:
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "save", save)
        with pytest.raises(Broken):
            counting.count()
    assert not EndpointHour.objects.exists()
    counting.count()
    assert counts(delivery.endpoint)[NOON]["outcome.succeeded"] == 1


def test_an_endpoint_that_is_gone_for_good_does_not_stop_the_others() -> None:
    gone, left = make_delivery(), make_delivery()
    attempt(gone, NOON)
    attempt(left, NOON)
    gone.endpoint.tenant.delete()
    counting.count()
    assert NOON in counts(left.endpoint)


def test_hours_are_forgotten_with_their_attempts() -> None:
    endpoint = make_endpoint()
    today = datetime.now(UTC)
    for days in (29, 31):
        EndpointHour.objects.create(endpoint=endpoint, hour=today - timedelta(days=days))
    assert counting.prune() == 1
    assert EndpointHour.objects.count() == 1


def test_hours_are_those_counted_and_what_has_come_since() -> None:
    delivery = make_delivery()
    attempt(delivery, NOON)
    counting.count()
    now = datetime.now(UTC)
    attempt(delivery, now)
    attempt(delivery, now, outcome="failed")
    attempt(make_delivery(), now)
    found, complete = counting.hours(delivery.endpoint_id, NOON, now + timedelta(seconds=1))
    assert complete
    assert [hour.start for hour in found] == [NOON, counting.hour_of(now)]
    assert (found[1].counts["outcome.succeeded"], found[1].counts["outcome.failed"]) == (1, 1)
    assert counting.hours(delivery.endpoint_id, NOON + HOUR, now + timedelta(seconds=1))[0] == found[1:]


def test_more_than_can_be_counted_while_somebody_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_TAIL", 2)
    delivery = make_delivery()
    counting.count()
    now = datetime.now(UTC)
    for _ in range(3):
        attempt(delivery, now)
    found, complete = counting.hours(delivery.endpoint_id, counting.hour_of(now), now + timedelta(seconds=1))
    assert not complete
    assert sum(hour.counts["outcome.succeeded"] for hour in found) == 2
