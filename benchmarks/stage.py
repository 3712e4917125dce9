"""What the scenarios stand on: the workers of ``manage.py up``, the speed they reach here, and clearing up."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from redis import Redis

from benchmarks import arrivals, workload
from benchmarks.machine import Machine, NotDone, wait_until
from benchmarks.options import Options
from webhooks.management.stack import plan

TIMEOUT = 120.0  # seconds after which a part of a scenario has failed
_WARM_UP = 2000  # deliveries until latencies, slots and connections of fresh endpoints are known
_BURST = 6000  # deliveries that are timed


class Parts:
    """The parts of a scenario. One that fails leaves its reason under ``failures`` and does not stop the others."""

    def __init__(self) -> None:
        self.results: dict[str, Any] = {}
        self.failures: dict[str, str] = {}

    def measure(self, name: str, measurement: Callable[..., Any], *arguments: Any) -> None:
        """Call it and keep what it returns under ``name``."""
        try:
            self.results[name] = measurement(*arguments)
        except (NotDone, workload.WrongDeliveries) as error:
            self.failures[name] = str(error)


def stack_workers() -> dict[str, list[str]]:
    """Name and options of each worker of the stack, as :meth:`Machine.workers` takes them."""
    return {
        name: ["-P", "threads", "-c", str(threads), "-Q", queues, "--without-gossip", "--without-mingle"]
        for name, (threads, queues) in plan._WORKERS.items()
    }


@contextlib.contextmanager
def stack(machine: Machine) -> Iterator[None]:
    """All workers of ``manage.py up`` and beat."""
    with machine.workers(**stack_workers()), machine.beat():
        yield


def capacity(machine: Machine, options: Options) -> float:
    """Deliveries a second of a burst, recorded: the loads are shares of it. Measured unless the options say it."""
    return options.capacity or _capacity(machine, options.endpoints)


@functools.cache
def _capacity(machine: Machine, endpoints: int) -> float:
    owners = workload.make_endpoints(machine, endpoints)
    with clearing(owners), stack(machine):
        burst(machine, owners, endpoints, _WARM_UP)
        return burst(machine, owners, endpoints, _BURST)


def burst(
    machine: Machine, owners: Sequence[UUID], endpoints: int, deliveries: int, data: bytes = workload.ORDER
) -> float:
    """Deliveries a second, from the outbox full to all of them received and recorded; none may be missing."""
    machine.ask("/reset")
    each = max(1, deliveries // endpoints)  # events of each owner, for endpoints / owners endpoints
    published = workload.publish(owners, each, data)
    started = time.monotonic()
    workload.ring()
    settled(machine, each * endpoints)
    speed = each * endpoints / (time.monotonic() - started)
    check(machine, published, endpoints // len(owners))
    return speed


def settled(machine: Machine, total: int) -> None:
    """Wait until the receiver has ``total`` requests and all deliveries are recorded."""
    wait_until(lambda: int(machine.ask("/count") or 0) >= total, f"{total} deliveries", TIMEOUT)
    recorded()


def recorded() -> None:
    """Wait until no delivery is pending or on its way."""
    from webhooks.models import Delivery

    unfinished = Delivery.objects.filter(state__in=["pending", "sending"])
    wait_until(lambda: not unfinished.exists(), "their records", TIMEOUT)


def check(machine: Machine, published: Sequence[str], width: int) -> None:
    """Raises :class:`workload.WrongDeliveries` unless each event has arrived at ``width`` endpoints."""
    at: dict[str, set[str]] = {event: set() for event in published}
    for one in arrivals.parse(machine.ask("/arrivals")):
        if one.event in at:
            at[one.event].add(one.path)
    if lost := [event for event, paths in at.items() if len(paths) != width]:
        raise workload.WrongDeliveries(
            f"{len(lost)} of {len(at)} events did not arrive at {width} endpoints, the first: {lost[0]}"
        )


@contextlib.contextmanager
def clearing(owners: Sequence[UUID]) -> Iterator[None]:
    """Forget these tenants after the body, whatever became of it. Enter the workers after this: they stop first."""
    try:
        yield
    finally:
        forget(owners)


_FORGET = (
    """UPDATE webhooks_event SET fanned_out_at = now() WHERE fanned_out_at IS NULL AND tenant_id = ANY(%s)""",
    """UPDATE webhooks_delivery SET state = 'cancelled', next_attempt_at = NULL, lease_token = NULL, lease_until = NULL,
                                    finished_at = now()
       WHERE state IN ('pending', 'sending', 'held') AND tenant_id = ANY(%s)""",
    """UPDATE webhooks_mailbox SET next_due_at = NULL, unsettled = false WHERE tenant_id = ANY(%s)""",
)


def forget(owners: Sequence[UUID]) -> None:
    """Leave nothing to do of these tenants, in the tables and in the broker. Workers have to be stopped."""
    from django.db import connection, transaction

    with transaction.atomic():  # one commit for a thousand of them
        workload.retire_endpoints(owners)
    with connection.cursor() as cursor:
        for statement in _FORGET:
            cursor.execute(statement, [list(owners)])
    _empty_queues()


def queues() -> list[str]:
    """Every queue of the stack."""
    return sorted({queue for _, names in plan._WORKERS.values() for queue in names.split(",")})


def waiting() -> dict[str, int]:
    """Messages that wait in each queue."""
    broker = _redis("broker")
    with broker.pipeline(transaction=False) as pipe:
        for name in queues():
            pipe.llen(name)
        return dict(zip(queues(), pipe.execute(), strict=True))


def guards_memory() -> int:
    """Bytes that the server of broker and guards (two, when they are two) counts as used."""
    servers = {_redis(role).info("server")["run_id"]: _redis(role) for role in ("broker", "guards")}
    return sum(int(server.info("memory")["used_memory"]) for server in servers.values())


def _empty_queues() -> None:
    """Kombu keeps delayed and running messages under ``unacked``; Clarion's guards begin with ``clarion:``."""
    _redis("broker").delete(*queues(), "unacked", "unacked_index", "unacked_mutex")
    guards = _redis("guards")
    for key in guards.scan_iter("clarion:*", count=1000):
        guards.delete(key)


@functools.cache
def _redis(role: str) -> Redis:
    from project.celery import app
    from webhooks.conf import conf

    return Redis.from_url(app.conf.broker_url if role == "broker" else conf.REDIS_URL)
