"""Processes tell that they live; the sweep tells that it ran."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

import webhooks
from tests.services.engine import at_once, statements
from webhooks.models import Heartbeat
from webhooks.services import heartbeats

pytestmark = pytest.mark.django_db
WORKER = Heartbeat.Kind.WORKER


def test_a_process_is_one_row_however_often_it_tells() -> None:
    started = timezone.now() - timedelta(hours=1)
    for _ in range(3):
        heartbeats.tell("delivery-1@host", WORKER, 77, started, ["deliver.0", "deliver.1"])
    row = Heartbeat.objects.get()
    assert (row.name, row.kind, row.pid, row.started_at) == ("delivery-1@host", "worker", 77, started)
    assert (row.queues, row.version) == (["deliver.0", "deliver.1"], webhooks.__version__)
    assert abs(row.seen_at - timezone.now()) < timedelta(minutes=1)
    assert abs(row.told_at - row.seen_at) < timedelta(seconds=5), "the same moment by two clocks"


def test_a_process_that_took_over_a_name_is_told_from_the_one_before() -> None:
    heartbeats.tell("delivery-1@host", WORKER, 77, timezone.now())
    heartbeats.tell("delivery-1@host", WORKER, 78, timezone.now())
    heartbeats.end("delivery-1@host", 77)
    assert Heartbeat.objects.get().pid == 78
    heartbeats.end("delivery-1@host", 78)
    assert not Heartbeat.objects.exists()


def test_silent_processes_are_forgotten_after_an_hour() -> None:
    for name, minutes in (("fresh", 50), ("old", 70)):
        heartbeats.tell(name, WORKER, 1, timezone.now())
        Heartbeat.objects.filter(name=name).update(seen_at=timezone.now() - timedelta(minutes=minutes))
    assert heartbeats.forget() == 1
    assert Heartbeat.objects.get().name == "fresh"


def test_the_sweep_is_written_down_each_five_seconds_only() -> None:
    assert heartbeats.sweep_age() is None
    heartbeats.tell_sweep(1)
    first = Heartbeat.objects.get().seen_at
    with statements() as ran:
        heartbeats.tell_sweep(1)
    assert len(ran) == 1
    assert Heartbeat.objects.get().seen_at == first
    Heartbeat.objects.update(seen_at=first - timedelta(seconds=6))
    heartbeats.tell_sweep(1)
    assert Heartbeat.objects.get().seen_at > first


def test_the_age_of_the_sweep_is_by_the_clock_of_the_database() -> None:
    heartbeats.tell_sweep(1)
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=3), told_at=timezone.now() + timedelta(days=9))
    assert heartbeats.sweep_age() == pytest.approx(180, abs=30)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_do_not_clash() -> None:
    at_once(*[lambda: heartbeats.tell_sweep(1) for _ in range(8)])
    assert Heartbeat.objects.count() == 1


def test_a_long_name_is_cut_and_not_refused() -> None:
    heartbeats.tell("x" * 300, WORKER, 1, timezone.now())
    heartbeats.end("x" * 300, 1)
    assert not Heartbeat.objects.exists()


def back_then(name: str, seconds: float) -> None:
    """As if the row had been written so long ago."""
    Heartbeat.objects.filter(name=name).update(seen_at=timezone.now() - timedelta(seconds=seconds))


def test_nobody_stands_in_for_a_sweep_that_runs() -> None:
    heartbeats.tell_sweep(1)
    assert heartbeats.take_turn(7) is None
    back_then(heartbeats.SWEEP, 20)
    assert heartbeats.take_turn(7) is not None
    assert heartbeats.sweep_age() == pytest.approx(20, abs=5), "a stand-in hides nothing from whoever watches beat"


def test_stand_ins_take_turns() -> None:
    taken = heartbeats.take_turn(7)
    assert taken is not None
    assert heartbeats.take_turn(8) is None, "somebody is at it"
    back_then(heartbeats.STAND_IN, 5)
    assert heartbeats.take_turn(8) is None, "somebody is at it still"
    back_then(heartbeats.STAND_IN, 31)
    other = heartbeats.take_turn(8)
    assert other is not None, "that one died"
    heartbeats.end_turn(taken)
    assert heartbeats.take_turn(9) is None, "it is the turn of the other one, whatever the first one says"
    heartbeats.end_turn(other)
    assert heartbeats.take_turn(9) is None, "not twice in a second"
    back_then(heartbeats.STAND_IN, 1)
    assert heartbeats.take_turn(9) is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_stand_ins_one_has_the_turn() -> None:
    for _ in range(2):  # the row is made, then it is there
        taken = at_once(*[lambda: heartbeats.take_turn(7) for _ in range(8)])
        assert len([turn for turn in taken if turn]) == 1
        back_then(heartbeats.STAND_IN, 60)
