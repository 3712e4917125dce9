"""Beat is dead, and what nobody rang for is delivered all the same: the workers sweep themselves."""

from __future__ import annotations

import redis

import webhooks
from tests import factories
from tests.answers import Hang
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks.models import Attempt, Delivery, Heartbeat, Tenant
from webhooks.services import heartbeats

SHORT_LEASE = {"WEBHOOKS_LEASE_MARGIN": "0.5", "WEBHOOKS_DRAIN_BUDGET": "0.5"}
IMPATIENT = {**SHORT_LEASE, "WEBHOOKS_SWEEP_SILENCE": "1"}


def test_workers_sweep_when_beat_was_killed_for_good(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver, valkey: redis.Redis
) -> None:
    factories.make_endpoint(tenant, receiver.url("/hook"), timeout=1)
    receiver.script("/hook", [Hang()])
    victim = worker_nodes(name="victim", env=SHORT_LEASE)
    beat = worker_nodes.beat()
    eventually(lambda: Heartbeat.objects.filter(name=heartbeats.SWEEP).exists())
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(1, "/hook")
    beat.kill("SIGKILL")
    victim.kill()

    heirs = [worker_nodes(name=name, env=IMPATIENT, wait=False) for name in ("heir-1", "heir-2")]

    first, second = receiver.wait_for(2, "/hook")
    assert first.header("webhook-id") == second.header("webhook-id")
    eventually(lambda: Delivery.objects.filter(state="succeeded").count() == 1)
    assert list(Attempt.objects.order_by("number").values_list("outcome", flat=True)) == ["lost", "succeeded"]
    for heir in heirs:
        heir.wait_ready()
        heir.kill("SIGTERM")
        assert heir.wait_exit() == 0, "a worker that stands in ends in good order"
    assert any("sweep_stand_in" in heir.logs() for heir in heirs)
