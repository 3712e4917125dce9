"""Real processes tell the database that they live, whatever happens to the broker."""

from __future__ import annotations

import signal
import socket

import redis
from celery import Celery

from tests.nodes import BrokerNode, Workers
from tests.waiting import eventually
from webhooks.models import Heartbeat
from webhooks.services import heartbeats


def row(kind: str) -> Heartbeat:
    return eventually(lambda: Heartbeat.objects.filter(kind=kind).first())  # type: ignore[return-value]


def test_a_worker_tells_its_queues_and_leaves_nothing_behind_when_it_ends_in_order(
    worker_nodes: Workers, valkey: redis.Redis
) -> None:
    worker = worker_nodes(["fan_out", "default"], name="general")
    told = row("worker")
    assert (told.name, told.queues, told.pid) == (worker.hostname(), ["default", "fan_out"], worker.pid)
    worker.kill("SIGTERM")
    assert worker.wait_exit() == 0
    assert not Heartbeat.objects.exists()


def test_a_worker_that_was_killed_is_still_named(worker_nodes: Workers, valkey: redis.Redis) -> None:
    worker = worker_nodes(["default"])
    told = row("worker")
    worker.kill()
    assert Heartbeat.objects.get().name == told.name


def test_beat_and_its_sweeps_tell(worker_nodes: Workers, valkey: redis.Redis) -> None:
    beat = worker_nodes.beat()
    assert row("beat").name == f"beat@{socket.gethostname()}"
    assert heartbeats.sweep_age() is None, "nobody runs what beat sends"
    worker_nodes(["fan_out"])
    assert row("sweep").name == heartbeats.SWEEP
    beat.kill(signal.SIGTERM)
    beat.wait_exit()
    assert not Heartbeat.objects.filter(kind="beat").exists()


def test_a_row_that_was_lost_is_written_again(worker_nodes: Workers, valkey: redis.Redis) -> None:
    worker_nodes(["default"])
    row("worker")
    Heartbeat.objects.all().delete()
    row("worker")


def test_a_worker_without_a_broker_still_lives(
    celery_setup_app: Celery, celery_broker: BrokerNode, worker_nodes: Workers
) -> None:
    worker = worker_nodes.on(celery_broker.url)(["default"])
    before = row("worker")
    celery_broker.kill()
    worker.wait_for_log("Trying again in")
    eventually(lambda: row("worker").seen_at > before.seen_at)
    celery_broker.restart()
    eventually(lambda: worker.busy() == 0)
    assert row("worker").started_at == before.started_at, "the same process, told once more that it is ready"
