"""What is measured. Each function returns plain numbers; ratios are made within one run on one machine."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.machine import WORKERS, Machine, wait_until

ORDER = (
    b'{"order_id":"ord_98765","customer_id":"cus_1234","amount":125.50,"currency":"USD","items":['
    b'{"product_id":"prod_123","quantity":2,"price":50.00},{"product_id":"prod_456","quantity":1,"price":25.50}]}'
)
TENANTS = 4
_TIMEOUT = 300.0  # seconds after which a measurement has failed


def empty_tasks_per_second(machine: Machine, count: int) -> float:
    """Celery's own speed: ``count`` waiting tasks that do nothing, prefork with 2 processes."""
    import redis

    from benchmarks.empty_tasks import app, nothing

    with machine.workers("benchmarks.empty_tasks", empty=["-c", "2", "-Q", "parked"]):
        for _ in range(count):
            nothing.apply_async(queue="waiting")
        broker = redis.Redis.from_url(app.conf.broker_url)
        app.control.add_consumer("waiting")
        wait_until(lambda: broker.llen("waiting") < count, "the first empty task", pause=0.001)
        started = time.monotonic()
        wait_until(lambda: not broker.llen("waiting") and not broker.hlen("unacked"), "empty tasks", _TIMEOUT, 0.02)
        return count / (time.monotonic() - started)


def make_endpoints(machine: Machine, count: int) -> list[Any]:
    """``count`` endpoints of TENANTS tenants, all subscribed to ``order.*``; returns the tenants' ids."""
    from webhooks.services import endpoints, tenants

    owners = [tenants.create_tenant(f"Bench {n}") for n in range(TENANTS)]
    for n in range(count):
        url = f"{machine.receiver}/{n}"
        endpoints.create(owners[n % TENANTS], {"url": url, "event_types": ["order.*"]})
    return owners


def deliveries_per_second(machine: Machine, owners: list[Any], deliveries: int, endpoints: int) -> dict[str, float]:
    """End to end: from the outbox full of events to the last request at the receiver and its row recorded."""
    from django.db import connection

    from webhooks import tasks
    from webhooks.models import Delivery
    from webhooks.services import ingest

    events = deliveries // endpoints  # of each tenant, for endpoints / TENANTS endpoints
    draft = ingest.Draft(type="order.created", data=ORDER)
    machine.ask("/reset")
    total = events * endpoints
    with machine.workers(**WORKERS), machine.beat():
        began = time.monotonic()
        for owner in owners:
            for first in range(0, events, 500):
                ingest.publish(owner, [draft] * min(500, events - first))
        ingested = time.monotonic()
        tasks.ring_fan_out()
        wait_until(lambda: int(machine.ask("/count") or 0) >= total, "deliveries", _TIMEOUT, 0.05)
        wait_until(
            lambda: not Delivery.objects.filter(state__in=["pending", "sending"]).exists(), "records", _TIMEOUT, 0.05
        )
        recorded = time.monotonic()
    connection.close()
    return {
        "deliveries": total,
        "per_second": total / (recorded - ingested),
        "events_ingested_per_second": events * TENANTS / (ingested - began),
        "received": int(machine.ask("/count")),
    }


def idle_latency(machine: Machine, owner: Any, count: int) -> dict[str, float]:
    """Milliseconds from an accepted event (committed) to its request at the endpoint, one at a time."""
    from webhooks import tasks
    from webhooks.services import ingest

    machine.ask("/reset")
    accepted: dict[str, float] = {}
    with machine.workers(**WORKERS), machine.beat():
        for n in range(count):
            published = ingest.publish(owner, [ingest.Draft(type="order.created", data=ORDER)])[0]
            accepted[published.public_id] = time.monotonic()
            tasks.ring_fan_out()
            wait_until(lambda n=n: int(machine.ask("/count") or 0) > n, "a delivery", 30, 0.002)  # type: ignore[misc]
            time.sleep(0.02)
        lines = [line.split() for line in machine.ask("/arrivals").splitlines()]
    waits = sorted((float(at) - accepted[event]) * 1000 for event, at in lines if event in accepted)
    return {
        "p50_ms": statistics.median(waits),
        "p99_ms": waits[max(0, int(len(waits) * 0.99) - 1)],
        "samples": len(waits),
    }
