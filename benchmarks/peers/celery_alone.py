"""Celery's own speed: tasks that do nothing, waiting in the broker before the clock starts."""

from __future__ import annotations

import time

from benchmarks.machine import Machine, Site, wait_until

POOLS = {
    "prefork2": ["-P", "prefork", "-c", "2"],
    "solo": ["-P", "solo"],
}
# Without Celery's hooks for Django, which would look after database connections around each empty task.
_SITE = Site("benchmarks.empty_tasks", variables={"DJANGO_SETTINGS_MODULE": ""})
_TIMEOUT = 300.0  # seconds after which a measurement has failed
_LOOK = 0.02  # seconds between two looks at the queue


def tasks_per_second(machine: Machine, count: int, pool: str) -> float:
    """``count`` empty tasks, from the moment the worker may take them until none waits and none is unacknowledged."""
    import redis

    from benchmarks.empty_tasks import PARKED, WAITING, app, nothing

    with machine.workers(_SITE, empty=[*POOLS[pool], "-Q", PARKED]):
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(count):
                nothing.apply_async(queue=WAITING, producer=producer)
        with redis.Redis.from_url(app.conf.broker_url) as broker:
            strangers = broker.hlen("unacked")
            started = time.monotonic()
            app.control.add_consumer(WAITING)
            wait_until(
                lambda: not broker.llen(WAITING) and broker.hlen("unacked") <= strangers, "empty tasks", _TIMEOUT, _LOOK
            )
            return count / (time.monotonic() - started)
