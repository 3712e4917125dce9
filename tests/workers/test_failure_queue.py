"""The way of a failure to its row, with workers, broker and database missing in turn."""

from __future__ import annotations

import os
from datetime import timedelta

import redis
from celery import Celery

import webhooks
from tests.answers import Answer, Hang
from tests.factories import make_endpoint, make_tenant
from tests.nodes import BrokerNode, Workers
from tests.processes import ALL_QUEUES
from tests.receiver import Receiver
from tests.waiting import eventually
from tests.workers.poison import end_pause, failure, mend, nothing_fits, poison
from webhooks import failure_queue, tasks
from webhooks.models import Delivery, Mailbox, TaskFailure, Tenant

NOWHERE = {"DATABASE_URL": "postgresql://clarion:x@127.0.0.1:1/clarion"}
DELIVERING = tuple(queue for queue in ALL_QUEUES if queue != "dead_letter")


def test_a_poisoned_endpoint_is_one_failure_that_waits_longer_each_time_and_hurts_nobody(
    worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant, receiver: Receiver
) -> None:
    worker_nodes()
    worker_nodes.beat()
    bad, good = make_endpoint(tenant, receiver.url("/bad")), make_endpoint(make_tenant(), receiver.url("/good"))
    poison(bad)
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    first = failure(task="webhooks.deliver")
    assert first.args == [str(bad.id)]
    assert first.exception == "django.db.utils.DataError"
    assert "many" in first.sentence
    assert "webhooks/services/target.py:" in first.traceback
    assert first.queue.startswith("deliver.")
    assert first.worker.startswith("worker@")

    for count in (2, 3):
        end_pause()
        assert failure(count__gte=count).id == first.id
    again = failure(id=first.id)
    assert timedelta(seconds=15) < again.paused_until - again.last_seen <= timedelta(seconds=41)  # type: ignore[operator]
    webhooks.emit("order.created", {"n": 2}, tenant=good.tenant)
    receiver.wait_for(1, "/good")
    assert not receiver.requests("/bad")

    mend(bad)
    end_pause()
    receiver.wait_for(1, "/bad")
    solved = failure(id=first.id, resolution="succeeded")
    assert solved.resolved_at is not None
    assert TaskFailure.objects.count() == 1


def test_failures_wait_in_the_queue_while_its_worker_is_away(
    worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant
) -> None:
    worker = worker_nodes(DELIVERING)
    tasks.settle.apply_async(("no-uuid",), queue="default")
    worker.wait_for_log("task_failed")
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        eventually(lambda: broker.llen("dead_letter") == 1)
    assert not TaskFailure.objects.exists()
    worker_nodes(["dead_letter"], name="dead-letter")
    failure(task="webhooks.settle")


def test_without_a_broker_the_failing_worker_writes_it_itself(
    celery_setup_app: Celery, celery_broker: BrokerNode, worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    """The broker dies while a request is under way; what the drain raises then has no queue to go to."""
    worker = worker_nodes.on(celery_broker.url)(DELIVERING)
    make_endpoint(tenant, receiver.url("/hook"))
    receiver.script("/hook", [Hang()])
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(1, "/hook")
    with nothing_fits("webhooks_attempt"):
        celery_broker.kill()
        receiver.release("/hook")
        row = failure(task="webhooks.deliver")
    worker.wait_for_log("failure_queue_unreachable")
    assert row.exception == "django.db.utils.IntegrityError"
    assert receiver.url("/hook") not in row.sentence + row.traceback, "PostgreSQL's DETAIL quotes the whole row"


def test_an_outage_of_the_database_is_no_failure(worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant) -> None:
    """What waits for the database waits in it; thousands of rows that say so would help nobody."""
    worker = worker_nodes(["default"], env=NOWHERE, name="cut-off")
    tasks.settle.apply_async((str(make_endpoint(tenant).id),), queue="default")
    worker.wait_for_log("raised unexpected: OperationalError")
    eventually(lambda: worker.busy() == 0)
    assert "task_failed" not in worker.logs()
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        assert broker.llen("dead_letter") == 0


def test_what_cannot_be_written_anywhere_is_in_the_log(worker_nodes: Workers, valkey: redis.Redis) -> None:
    worker = worker_nodes(["dead_letter"], env=NOWHERE, name="cut-off")
    failure_queue.task_failed.apply_async(({"nonsense": 1},), queue="dead_letter")
    worker.wait_for_log("task_failure_unrecorded")
    assert "got an unexpected keyword argument 'nonsense'" in worker.logs()


def test_an_endpoint_rests_at_once_and_not_when_the_queue_comes_to_it(
    worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant, receiver: Receiver
) -> None:
    """Otherwise each second of a day without the queue's worker would leave a message there."""
    worker = worker_nodes(DELIVERING)
    poison(make_endpoint(tenant, receiver.url("/hook")))
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    worker.wait_for_log("task_failed")
    eventually(lambda: Mailbox.objects.filter(blocked_reason="task_failure").exists())
    assert not TaskFailure.objects.exists()


def test_a_retry_that_the_broker_does_not_take_is_no_failure(
    celery_setup_app: Celery, celery_broker: BrokerNode, worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    """The row has its time and the sweep will ring: Celery rejects the message, and nothing is wrong."""
    worker = worker_nodes.on(celery_broker.url)(ALL_QUEUES)
    make_endpoint(tenant, receiver.url("/hook"))
    receiver.script("/hook", [Hang(then=Answer(500))])
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(1, "/hook")
    celery_broker.kill()
    receiver.release("/hook")
    worker.wait_for_log("doorbell_lost")
    assert Delivery.objects.get().state == "pending"
    assert "task_failed" not in worker.logs()
    assert not TaskFailure.objects.exists()


def test_a_chain_of_many_retries_is_no_failure(
    worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant, receiver: Receiver
) -> None:
    """Each retry rings for the next one; Celery counts them all, and would give up after the task's max_retries."""
    worker = worker_nodes(ALL_QUEUES, env={"WEBHOOKS_BREAKER_FAILURES": "100"})
    make_endpoint(tenant, receiver.url("/hook"), retry_policy={"schedule": [0.2] * 8, "jitter": 0})
    receiver.script("/hook", [Answer(500)] * 8)
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(9, "/hook", timeout=60)
    eventually(lambda: Delivery.objects.get().state == "succeeded")
    assert "task_failed" not in worker.logs()
    assert not TaskFailure.objects.exists()
