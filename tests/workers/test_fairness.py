"""What one endpoint or tenant can take from the others, with real workers: nothing they would notice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import webhooks
from tests import factories
from tests.answers import Answer, Hang
from tests.nodes import Workers
from tests.processes import SHARDS
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks import doorbells, tasks
from webhooks.guards import gate
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox, Tenant
from webhooks.services import ingest

Publish = Callable[..., object]


def publish(tenant: Tenant, events: int, type: str = "order.created") -> None:
    ingest.publish(tenant.id, [ingest.Draft(type=type, data=b"%d" % n) for n in range(events)])
    doorbells.ring_fan_out()


def settled(endpoint: Endpoint, count: int) -> Callable[[], bool]:
    return lambda: Delivery.objects.filter(endpoint=endpoint, finished_at__isnull=False).count() >= count


def ring_until_idle(workers: Sequence[object], endpoint: Endpoint) -> None:
    """Ring often, and wait until every bell has been answered."""
    for _ in range(20):
        tasks.deliver.apply_async([str(endpoint.id)], queue=SHARDS[0])
    eventually(lambda: not any(worker.busy() for worker in workers))  # type: ignore[attr-defined]


def test_endpoints_that_hang_do_not_keep_the_others_waiting(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    """Attack: more hanging requests than the process has places."""
    for n in range(3):
        factories.make_endpoint(tenant, receiver.url(f"/hang-{n}"), event_types=["bad"])
        receiver.always(f"/hang-{n}", Hang())
    factories.make_endpoint(tenant, receiver.url("/well"), event_types=["good"])
    worker_nodes(concurrency=32, env={"WEBHOOKS_BUSY_DRAINS": "4"})
    for n in range(12):
        webhooks.emit("bad", n, tenant=tenant)
    for n in range(3):
        receiver.wait_for(2, f"/hang-{n}")

    webhooks.emit("good", 1, tenant=tenant)

    receiver.wait_for(1, "/well")
    assert not Delivery.objects.filter(event__type="bad").exclude(state__in=["sending", "pending"]).exists()


def test_a_tenant_that_floods_does_not_keep_another_one_waiting(worker_nodes: Workers, receiver: Receiver) -> None:
    loud, quiet = factories.make_tenant(), factories.make_tenant()
    for n in range(10):
        factories.make_endpoint(loud, receiver.url(f"/loud-{n}"))
    factories.make_endpoint(quiet, receiver.url("/quiet"))
    worker_nodes(concurrency=32)
    publish(loud, 300)
    receiver.wait_for(1, "/loud-0")

    publish(quiet, 1)

    receiver.wait_for(1, "/quiet")
    before = sum(not request.path.startswith("/quiet") for request in receiver.requests())
    assert before < 3000 / 2
    eventually(lambda: Delivery.objects.filter(state="succeeded").count() == 3001, timeout=90)


def test_the_rate_holds_among_all_workers_and_costs_no_attempt(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = factories.make_endpoint(tenant, receiver.url("/hook"), rate_limit={"limit": 5, "period": 3600})
    workers = [worker_nodes(name=name) for name in ("one", "two")]
    publish(tenant, 50)
    eventually(settled(endpoint, 5))

    ring_until_idle(workers, endpoint)

    assert len(receiver.requests("/hook")) == 5
    assert Attempt.objects.count() == 5
    assert set(Delivery.objects.filter(state="pending").values_list("attempt_count", flat=True)) == {0}
    assert Mailbox.objects.get(endpoint=endpoint).blocked_reason == "rate_limit"


def test_an_open_breaker_lets_one_probe_through_among_all_workers(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    impatient = {"WEBHOOKS_BREAKER_COOLDOWN": "1", "WEBHOOKS_BREAKER_FAILURES": "3"}
    endpoint = factories.make_endpoint(tenant, receiver.url("/hook"), retry_policy={"schedule": [1] * 9, "jitter": 0})
    receiver.script("/hook", [Answer(500)] * 3, then=Hang())
    workers = [worker_nodes(name=name, env=impatient) for name in ("one", "two")]
    publish(tenant, 20)
    eventually(lambda: gate.breaker_states([endpoint.id])[endpoint.id] == "open")
    failed = len(receiver.requests("/hook"))
    eventually(lambda: gate.breaker_states([endpoint.id])[endpoint.id] == "half_open")
    Mailbox.objects.filter(endpoint=endpoint).update(blocked_until=None)

    for _ in range(20):
        tasks.deliver.apply_async([str(endpoint.id)], queue=SHARDS[0])
    receiver.wait_for(failed + 1, "/hook")
    eventually(lambda: sum(worker.busy() for worker in workers) == 1)  # the probe itself

    assert len(receiver.requests("/hook")) == failed + 1
    receiver.always("/hook", Answer())
    receiver.release("/hook")
    worker_nodes.beat()
    eventually(lambda: Delivery.objects.filter(state="succeeded").count() == 20)


def test_no_more_requests_are_in_flight_than_the_endpoint_allows(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = factories.make_endpoint(tenant, receiver.url("/hook"), max_in_flight=2)
    receiver.always("/hook", Answer(delay=0.02))
    for name in ("one", "two"):
        worker_nodes(name=name)
    worker_nodes.beat()
    for _ in range(10):
        publish(tenant, 10)

    eventually(settled(endpoint, 100))

    assert receiver.peak_in_flight("/hook") == 2


def test_order_is_kept_among_all_workers_and_holds_up_no_other_endpoint(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    ordered = factories.make_endpoint(
        tenant, receiver.url("/ordered"), ordered=True, retry_policy={"schedule": [1, 1], "jitter": 0}
    )
    other = factories.make_endpoint(tenant, receiver.url("/other"))
    receiver.script("/ordered", [*[Answer()] * 10, Answer(503)])
    for name in ("one", "two"):
        worker_nodes(name=name)
    worker_nodes.beat()
    for _ in range(6):
        publish(tenant, 10)

    eventually(settled(other, 60))
    eventually(settled(ordered, 60))

    arrived = [request.header("webhook-id") for request in receiver.requests("/ordered")]
    assert arrived == sorted(arrived)  # type: ignore[type-var]
    assert (len(arrived), len(set(arrived))) == (61, 60)
    assert receiver.peak_in_flight("/ordered") == 1


def test_a_slow_endpoint_is_served_by_the_slow_lane_until_it_is_quick_again(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = factories.make_endpoint(tenant, receiver.url("/hook"))
    receiver.script("/hook", [Answer(delay=0.5), *[Answer()] * 40])
    sensitive = {"WEBHOOKS_SLOW_LATENCY": "0.1"}
    worker_nodes([*SHARDS, "fan_out", "default"], name="quick", env=sensitive)
    worker_nodes(["deliver.slow"], name="slow", env=sensitive)
    workers: list[str] = []
    for n in range(30):
        publish(tenant, 1)
        eventually(settled(endpoint, n + 1))
        newest = Attempt.objects.filter(endpoint=endpoint).order_by("-id").first()
        assert newest is not None
        workers.append(newest.worker.partition("@")[0])
        if workers[-1] == "quick" and n:
            break

    assert workers[:2] == ["quick", "slow"]
    assert workers[-1] == "quick"
