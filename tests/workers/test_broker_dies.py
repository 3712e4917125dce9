"""The broker process is killed while a worker holds a message that is not acknowledged."""

from __future__ import annotations

import pytest
import redis
from pytest_celery import CeleryTestSetup

import webhooks
from tests import factories
from tests.answers import Hang
from tests.nodes import BrokerNode, Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks.models import Attempt, Delivery, Tenant


@pytest.fixture
def broker_workers(celery_setup_app: object, celery_broker: BrokerNode, worker_nodes: Workers) -> Workers:
    """``worker_nodes`` on the dedicated broker that the test kills."""
    return worker_nodes.on(celery_broker.url)


def test_the_worker_lives_and_delivers_again_when_the_broker_is_back(
    celery_setup: CeleryTestSetup, broker_workers: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    factories.make_endpoint(tenant, receiver.url("/hook"))
    receiver.script("/hook", [Hang()])
    worker, pid = celery_setup.worker, celery_setup.worker.pid
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(1, "/hook")

    celery_setup.broker.kill()
    receiver.release("/hook")
    eventually(lambda: Delivery.objects.filter(state="succeeded").count() == 1)
    celery_setup.broker.restart()
    broker_workers.beat()
    webhooks.emit("order.created", {"n": 2}, tenant=tenant)

    second = receiver.wait_for(2, "/hook")[1]
    assert second.json()["data"] == {"n": 2}
    assert worker.alive
    assert worker.pid == pid
    eventually(lambda: Delivery.objects.filter(state="succeeded").count() == 2)
    assert Attempt.objects.count() == 2


def test_the_worker_lives_when_the_broker_it_connects_to_again_is_out_of_memory(
    celery_setup: CeleryTestSetup, broker_workers: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    factories.make_endpoint(tenant, receiver.url("/hook"))
    worker, pid = celery_setup.worker, celery_setup.worker.pid

    with redis.Redis.from_url(celery_setup.broker.url) as broker:
        broker.config_set("maxmemory", 1)
        broker.client_kill_filter(_type="normal", skipme=True)
        worker.wait_for_log("not allowed when used memory")
        broker.config_set("maxmemory", 0)
    broker_workers.beat()
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)

    receiver.wait_for(1, "/hook")
    assert worker.alive
    assert worker.pid == pid


ROUNDS = 5  # Celery notices a lost broker in several places, and one of them does no harm


def test_celery_still_needs_the_guard(
    broker_workers: Workers, tenant: Tenant, receiver: Receiver, celery_broker: BrokerNode
) -> None:
    """When this fails, Celery has mended it: delete webhooks/net/celery_guard.py and this test."""
    factories.make_endpoint(tenant, receiver.url("/hook"))
    for round_number in range(1, ROUNDS + 1):
        receiver.script("/hook", [Hang()])
        worker = broker_workers(app="tests.workers.unguarded", name=f"round-{round_number}")
        webhooks.emit("order.created", {"n": round_number}, tenant=tenant)
        receiver.wait_for(round_number, "/hook")
        celery_broker.kill()
        lost = worker.wait_for_any_log("Unrecoverable error: AttributeError", "Trying again in")
        receiver.release()
        if lost == "Unrecoverable error: AttributeError":
            assert worker.wait_exit() == 1
            return
        worker.kill()
        celery_broker.restart()
    pytest.fail(f"a worker without the guard has survived {ROUNDS} killed brokers")
