"""The worker and broker nodes run real processes."""

from __future__ import annotations

import signal

from pytest_celery import CeleryTestSetup

from tests.nodes import WorkerNode, Workers
from tests.waiting import eventually


def test_a_worker_answers_is_killed_and_answers_again(worker_nodes: Workers) -> None:
    node = worker_nodes(["default"], name="victim")
    first = node.pid
    eventually(lambda: node.busy() == 0)
    node.kill()
    assert not node.alive
    assert node.wait_exit() == -signal.SIGKILL
    node.restart()
    assert node.pid != first
    eventually(lambda: node.busy() == 0)


def test_shared(shared_worker: WorkerNode) -> None:
    assert shared_worker.busy() == 0


def test_pytest_celery_setup_is_ready_on_local_processes(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready(control=True, docker=True)
    celery_setup.broker.kill()
    celery_setup.broker.restart()
    assert celery_setup.worker.busy() == 0
