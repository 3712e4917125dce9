"""Operations with real workers: a kill in the middle, a broker that forgets, a bell that is lost."""

from __future__ import annotations

import redis
from django.db import transaction
from django.utils import timezone

from tests.factories import make_delivery, make_endpoint, make_event
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.services.engine import wait_for_a_lock
from tests.services.operating import order
from tests.waiting import eventually
from webhooks import doorbells
from webhooks.models import DeadLetter, Delivery, Operation, Tenant

IMPATIENT = {"WEBHOOKS_OPERATION_LEASE": "2"}
COUNT = 60


def test_nothing_is_lost_or_done_twice_by_a_kill_and_an_empty_broker(
    worker_nodes: Workers, valkey: redis.Redis, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"))
    for _ in range(COUNT):
        make_delivery(
            endpoint, make_event(tenant, fanned_out=True), state="dead", finished_at=timezone.now(),
            next_attempt_at=None,
        )  # fmt: skip
    victim = worker_nodes(name="victim", env=IMPATIENT)
    key = order(tenant, "replay", {"rate": 20}, callback_url=receiver.url("/done"))
    with transaction.atomic():
        list(Delivery.objects.select_for_update().order_by("-id")[: COUNT - 1])
        doorbells.ring_operate([key])
        wait_for_a_lock()  # the first step is in the middle of its transaction
        victim.kill()
    assert Operation.objects.get(id=key).status == "running"
    assert not Delivery.objects.filter(trigger="replay").exists()
    valkey.flushall()
    worker_nodes(name="heir", env=IMPATIENT)
    worker_nodes.beat()

    receiver.wait_for(COUNT, "/hook")
    receiver.wait_for(1, "/done")
    operation = eventually(lambda: Operation.objects.filter(id=key, status="done").first())
    assert (operation.status, operation.done, operation.tally["deliveries"]) == ("done", COUNT, COUNT)
    replays = Delivery.objects.filter(endpoint=endpoint, trigger="replay")
    assert replays.count() == replays.values("event_id").distinct().count() == COUNT
    assert DeadLetter.objects.filter(resolution="replayed").count() == COUNT
