"""A broker that takes a connection and then says nothing more: each wait for it ends, and the next try goes through."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from amqp import spec

from tests.nodes import Workers
from tests.processes import ROOT, START
from tests.workers.mute_broker import Method, MuteBroker
from webhooks.models import Event, Tenant

_QUICK = {"BROKER_TIMEOUT": "0.5"}  # seconds


@contextmanager
def mute_at(*methods: Method) -> Iterator[MuteBroker]:
    with MuteBroker(methods) as broker:
        yield broker
        assert sorted(broker.muted) == sorted(methods), "it was never asked"


def test_beat_goes_on_after_a_broker_that_fell_silent(worker_nodes: Workers) -> None:
    with mute_at(spec.Channel.Open, spec.Confirm.Select, spec.Basic.Publish) as broker:
        worker_nodes.on(broker.url).beat(_QUICK)
        broker.wait_for(confirmed=3)


def test_a_worker_connects_again_after_a_broker_that_fell_silent(worker_nodes: Workers) -> None:
    with mute_at(spec.Queue.Declare, spec.Basic.Consume) as broker:
        worker_nodes.on(broker.url)(["default"], env=_QUICK)


@pytest.mark.usefixtures("valkey")  # no doorbell of another test is on its way: one more would not be sent
def test_a_publisher_gives_up_on_a_broker_that_does_not_confirm(
    tenant: Tenant, worker_nodes: Workers, stack_env: Mapping[str, str]
) -> None:
    with mute_at(spec.Basic.Publish) as broker:
        done = subprocess.run(
            [sys.executable, "manage.py", "emit", "order.created", "--tenant", tenant.slug],
            cwd=ROOT,
            env={**stack_env, **_QUICK, "CELERY_BROKER_URL": broker.url},
            capture_output=True,
            text=True,
            timeout=START,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "doorbell_lost" in done.stdout + done.stderr
    assert Event.objects.count() == 1
