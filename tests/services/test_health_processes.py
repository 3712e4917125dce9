"""What ``manage.py doctor`` says of processes, clocks and what waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.admin.pages import make_dead_letter
from tests.factories import make_delivery, make_event
from tests.services.findings import FAILED, OK, WARNING, found
from webhooks.core import ids
from webhooks.models import Delivery, Event, Heartbeat, Mailbox, TaskFailure
from webhooks.services import heartbeats
from webhooks.services.backlog import total
from webhooks.services.health import Status, backlog, processes
from webhooks.services.health.broker import Seen
from webhooks.services.health.finding import ok

pytestmark = pytest.mark.django_db

# --- processes

QUEUES = ["deliver.0", "dead_letter"]


def lives(name: str, queues: list[str] | None = None, *, silent: float = 0, skew: float = 0, **fields: Any) -> None:
    """A heartbeat ``silent`` seconds ago of a process whose clock is ``skew`` seconds ahead."""
    heartbeats.tell(name, fields.pop("kind", Heartbeat.Kind.WORKER), 1, timezone.now(), queues or [])
    seen = timezone.now() - timedelta(seconds=silent)
    told = seen + timedelta(seconds=skew)
    Heartbeat.objects.filter(name=name).update(seen_at=seen, told_at=told, **fields)


def answers(*workers: str, **waiting: int) -> Seen:
    """What a broker tells whose workers listen to all queues."""
    return Seen(ok("broker", ""), True, dict.fromkeys(workers, QUEUES), waiting)


SILENT = Seen(ok("broker", ""), True)  # a broker without remote control, such as SQS


def test_every_queue_has_a_worker() -> None:
    lives("a@host", QUEUES)
    found(processes.queues(QUEUES, processes.known(), answers("a@host")), OK, "all 2")
    found(processes.queues(QUEUES, processes.known(), SILENT), OK, "all 2")


def test_a_queue_without_a_worker_is_named_with_what_waits() -> None:
    lives("a@host", ["deliver.0"])
    seen = Seen(ok("broker", ""), True, {"a@host": ["deliver.0"]}, {"dead_letter": 12})
    finding = processes.queues(QUEUES, processes.known(), seen)
    found(finding, FAILED, "dead_letter (12 wait)")
    assert "-Q dead_letter" in finding.advice
    found(processes.queues(QUEUES, processes.known(), SILENT), FAILED, "dead_letter")


def test_a_silent_worker_listens_to_nothing() -> None:
    lives("a@host", QUEUES, silent=60)
    found(processes.queues(QUEUES, processes.known(), SILENT), FAILED)
    found(processes.workers(processes.known(), SILENT), FAILED, "none is alive")


def test_workers_that_live_are_counted() -> None:
    for name in ("a@host", "b@host"):
        lives(name, QUEUES)
    found(processes.workers(processes.known(), answers("a@host", "b@host")), OK, "2 alive")
    found(processes.workers(processes.known(), SILENT), OK, "2 alive")


def test_a_worker_that_hears_nothing_is_told() -> None:
    """It writes to the database and does not answer over the broker: a connection that kombu has lost."""
    for name in ("a@host", "b@host"):
        lives(name, QUEUES)
    found(processes.workers(processes.known(), answers("a@host")), WARNING, "b@host", "does not answer")


def test_a_worker_that_cannot_write_is_told() -> None:
    lives("a@host", QUEUES)
    found(processes.workers(processes.known(), answers("a@host", "c@host")), WARNING, "c@host", "no heartbeats")


def test_a_worker_that_died_is_told() -> None:
    lives("a@host", QUEUES)
    lives("b@host", QUEUES, silent=90)
    found(processes.workers(processes.known(), answers("a@host")), WARNING, "b@host (for 90 s)")


def test_a_worker_that_died_more_than_an_hour_ago_is_forgotten() -> None:
    lives("a@host", QUEUES)
    lives("b@host", QUEUES, silent=4000)
    found(processes.workers(processes.known(), answers("a@host")), OK, "1 alive")


@pytest.mark.parametrize("settings_module", ["shop.settings", "shop.settings.production"])
def test_what_to_start_is_named_as_the_project_is(settings: Settings, settings_module: str) -> None:
    settings.SETTINGS_MODULE = settings_module
    for finding in (processes.workers([], answers()), processes.beat([])):
        assert "celery -A shop " in finding.advice


def test_a_worker_of_another_release_is_told() -> None:
    lives("a@host", QUEUES)
    found(processes.versions(processes.known()), OK)
    lives("b@host", QUEUES, version="0.0.9")
    lives("c@host", QUEUES, version="0.0.8", silent=99)
    finding = processes.versions(processes.known())
    found(finding, WARNING, "b@host (0.0.9)")
    assert "c@host" not in finding.found


@pytest.mark.parametrize(("silent", "status"), [(0, OK), (30, OK), (50, WARNING), (100, FAILED)])
def test_beat_is_told_by_its_silence(silent: float, status: Status) -> None:
    found(processes.beat(processes.known()), FAILED, "no beat")
    lives("beat@host", silent=silent, kind=Heartbeat.Kind.BEAT)
    found(processes.beat(processes.known()), status, "beat@host")


def test_of_two_beats_one_is_enough() -> None:
    for name, silent in (("beat@a", 0), ("beat@b", 500)):
        lives(name, silent=silent, kind=Heartbeat.Kind.BEAT)
    found(processes.beat(processes.known()), OK, "beat@a")


@pytest.mark.parametrize(("silent", "status"), [(0, OK), (15, OK), (30, WARNING), (70, FAILED)])
def test_the_sweep_is_told_by_its_age(silent: float, status: Status) -> None:
    found(processes.sweep(), FAILED, "never")
    lives(heartbeats.SWEEP, silent=silent, kind=Heartbeat.Kind.SWEEP)
    found(processes.sweep(), status)


def test_workers_that_sweep_in_the_place_of_beat_are_told() -> None:
    lives(heartbeats.STAND_IN, silent=2, kind=Heartbeat.Kind.SWEEP)
    found(processes.sweep(), WARNING, "workers sweep in its place")
    lives(heartbeats.SWEEP, silent=600, kind=Heartbeat.Kind.SWEEP)
    found(processes.sweep(), WARNING, "workers sweep in its place")
    Heartbeat.objects.filter(name=heartbeats.SWEEP).delete()
    lives(heartbeats.SWEEP, silent=1, kind=Heartbeat.Kind.SWEEP)
    found(processes.sweep(), OK)


@pytest.mark.parametrize(("skew", "status"), [(0.0, OK), (1.5, OK), (-30.0, WARNING), (90.0, FAILED)])
def test_the_worst_clock_of_all_processes_is_told(skew: float, status: Status) -> None:
    lives("a@host", skew=skew)
    lives("b@host")
    lives("dead@host", skew=9999, silent=100)
    found(processes.clocks(processes.known()), status, "a@host" if skew else "agree")


def test_a_slow_sweep_is_no_clock_that_is_off() -> None:
    """The row of a stand-in is begun before its sweep and ended after it."""
    lives("a@host")
    lives(heartbeats.STAND_IN, skew=-9, kind=Heartbeat.Kind.SWEEP)
    found(processes.clocks(processes.known()), OK, "a@host")


# --- backlog


@pytest.mark.parametrize(("seconds", "status"), [(0, OK), (60, WARNING), (900, FAILED)])
def test_an_endpoint_that_waits_too_long_is_told(seconds: int, status: Status) -> None:
    found(backlog.due(total()), OK, "none waits")
    make_delivery()
    Mailbox.objects.update(next_due_at=timezone.now() - timedelta(seconds=seconds))
    found(backlog.due(total()), status)


@pytest.mark.parametrize(("seconds", "status"), [(0, OK), (30, WARNING), (900, FAILED)])
def test_an_event_that_nobody_routes_is_told(seconds: int, status: Status) -> None:
    found(backlog.outbox(total()), OK, "none")
    event = make_event()
    made = datetime.now(UTC) - timedelta(seconds=seconds)
    Event.objects.filter(id=event.id).update(id=ids.floor(made))
    found(backlog.outbox(total()), status, "1, the oldest")


@pytest.mark.parametrize(("seconds", "status"), [(-30, OK), (30, WARNING), (900, FAILED)])
def test_a_lease_that_nobody_frees_is_told(seconds: int, status: Status) -> None:
    ended = timezone.now() - timedelta(seconds=seconds)
    make_delivery(state=Delivery.State.SENDING, lease_until=ended, lease_token=ids.new_id())
    found(backlog.leases(), status)


@pytest.mark.parametrize(("hours", "status"), [(0, FAILED), (5, WARNING)])
def test_a_failed_task_is_told_as_long_as_it_is_open(hours: int, status: Status) -> None:
    found(backlog.failures(), OK)
    seen = timezone.now() - timedelta(hours=hours)
    fields = {"task": "webhooks.settle", "exception": "ValueError", "first_seen": seen, "last_seen": seen}
    row = TaskFailure.objects.create(**fields)
    found(backlog.failures(), status, "1 open", "webhooks.settle", "ValueError")
    TaskFailure.objects.filter(id=row.id).update(resolution="resolved", resolved_at=timezone.now())
    found(backlog.failures(), OK)


def test_open_dead_letters_are_told() -> None:
    found(backlog.dead_letters(total()), OK)
    make_dead_letter(resolution="discarded")
    make_dead_letter()
    found(backlog.dead_letters(total()), WARNING, "1 open")
