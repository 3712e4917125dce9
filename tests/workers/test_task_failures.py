"""What always fails is written down once, is shown without secrets, and can be run again."""

from __future__ import annotations

import os
from datetime import timedelta

import redis
from celery import Celery
from django.utils import timezone

import webhooks
from tests.factories import make_delivery, make_endpoint, make_event
from tests.nodes import WorkerNode
from tests.processes import ALL_QUEUES
from tests.receiver import Receiver
from tests.waiting import eventually
from tests.workers.poison import failure, mend, nothing_fits, poison
from webhooks import doorbells, failure_queue, tasks
from webhooks.models import Delivery, Mailbox, TaskFailure, Tenant


def test_a_poisoned_endpoint_is_not_rung_while_it_rests_even_when_events_keep_coming(
    shared_worker: WorkerNode, tenant: Tenant, receiver: Receiver
) -> None:
    bad = make_endpoint(tenant, receiver.url("/bad"))
    poison(bad)
    webhooks.emit("order.created", {"n": 0}, tenant=tenant)
    first = failure(task="webhooks.deliver")
    Mailbox.objects.update(blocked_until=timezone.now() + timedelta(hours=1))
    for n in range(5):
        webhooks.emit("order.created", {"n": n}, tenant=tenant)
        eventually(lambda n=n: Delivery.objects.filter(endpoint=bad).count() == n + 2)  # type: ignore[misc]
    _wait_idle(shared_worker)
    assert TaskFailure.objects.get().count <= first.count + 1, "one bell may have been on its way"


def test_run_again_publishes_the_same_task_and_resolves_it_when_it_goes_through(
    shared_worker: WorkerNode, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"))
    poison(endpoint)
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    row = failure(task="webhooks.deliver")
    assert failure_queue.run_again([row.id]) == 1
    failure(id=row.id, count__gte=row.count + 1)
    assert not receiver.requests("/hook")

    mend(endpoint)
    assert failure_queue.run_again([row.id]) == 1
    receiver.wait_for(1, "/hook")
    failure(id=row.id, resolution="succeeded")
    assert failure_queue.run_again([row.id]) == 0, "it is resolved"


def test_a_delivery_task_that_did_not_come_to_its_work_proves_nothing(
    shared_worker: WorkerNode, tenant: Tenant, receiver: Receiver, celery_project_app: Celery
) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"))
    make_delivery(endpoint)
    poison(endpoint)
    doorbells.ring_deliver([endpoint.id])
    row = failure(task="webhooks.deliver")
    Mailbox.objects.update(blocked_until=timezone.now() + timedelta(hours=1), blocked_reason="breaker")
    mend(endpoint)  # afterwards: a task that is still under way would deliver
    assert failure_queue.run_again([row.id]) == 1
    _wait_idle(shared_worker)
    row.refresh_from_db()
    assert row.resolution == "open", "the task said: blocked"
    Mailbox.objects.update(blocked_until=None)
    assert failure_queue.run_again([row.id]) == 1
    failure(id=row.id, resolution="succeeded")


def test_a_task_without_an_endpoint_is_recorded_with_its_arguments(shared_worker: WorkerNode) -> None:
    tasks.settle.apply_async(("no-uuid",), queue="default")
    row = failure(task="webhooks.settle")
    assert (row.args, row.runnable, row.queue) == (["no-uuid"], True, "default")
    assert row.exception == "ValueError"
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        eventually(lambda: broker.hlen("unacked") == 0)
        assert broker.llen("default") == 0, "it was acknowledged like any other: nobody delivers it again"


def test_arguments_that_are_no_ids_are_not_kept(shared_worker: WorkerNode, celery_project_app: Celery) -> None:
    celery_project_app.send_task("webhooks.settle", ({"password": "hunter2"},), {"secret": "hunter2"}, queue="default")
    row = failure(task="webhooks.settle")
    assert (row.args, row.runnable) == (["<dict>"], False)
    assert row.exception == "TypeError"
    assert "hunter2" not in repr(row.__dict__)
    assert failure_queue.run_again([row.id]) == 0


def test_an_event_that_stops_the_routing_is_a_failure_too(shared_worker: WorkerNode, tenant: Tenant) -> None:
    make_endpoint(tenant)
    make_event(tenant)
    with nothing_fits("webhooks_delivery"):
        doorbells.ring_fan_out()
        row = failure(task="webhooks.fan_out")
    assert (row.args, row.exception, row.queue) == ([], "django.db.utils.IntegrityError", "fan_out")


def test_a_failure_of_the_recording_task_is_recorded_once_and_does_not_loop(
    shared_worker: WorkerNode, valkey: redis.Redis
) -> None:
    failure_queue.task_failed.apply_async(({"nonsense": 1},), queue="dead_letter")
    row = failure(task="webhooks.task_failed")
    _wait_idle(shared_worker)
    row.refresh_from_db()
    assert (row.count, row.args, row.runnable) == (1, ["<dict>"], False)


def test_a_task_of_somebody_else_is_none_of_our_business(shared_worker: WorkerNode, celery_project_app: Celery) -> None:
    celery_project_app.send_task("celery.backend_cleanup", ("too", "many"), queue="default")
    shared_worker.wait_for_log("celery.backend_cleanup")
    _wait_idle(shared_worker)
    assert not TaskFailure.objects.exists()


def _wait_idle(worker: WorkerNode) -> None:
    """Until nothing is left in the broker and the worker runs nothing."""
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        eventually(lambda: not any(broker.llen(queue) for queue in ALL_QUEUES) and worker.busy() == 0)
