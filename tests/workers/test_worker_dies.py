"""A worker process is killed in the middle of a request."""

from __future__ import annotations

import webhooks
from tests import factories
from tests.answers import Hang
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks.models import Attempt, Delivery, Tenant

# The claim of a dead worker is free again after budget + timeout + margin: about two seconds.
IMPATIENT = {"WEBHOOKS_LEASE_MARGIN": "0.5", "WEBHOOKS_DRAIN_BUDGET": "0.5"}


def test_another_worker_delivers_what_a_killed_one_was_sending(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    factories.make_endpoint(tenant, receiver.url("/hook"), timeout=1)
    receiver.script("/hook", [Hang()])
    victim = worker_nodes(name="victim", env=IMPATIENT)
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    receiver.wait_for(1, "/hook")

    victim.kill()
    worker_nodes(name="heir", env=IMPATIENT)
    worker_nodes.beat()

    first, second = receiver.wait_for(2, "/hook")
    assert first.body == second.body
    assert first.header("webhook-id") == second.header("webhook-id")
    delivery = eventually(lambda: Delivery.objects.filter(state="succeeded").first())
    assert Attempt.objects.get(delivery=delivery, outcome="succeeded").worker.startswith("heir@")
