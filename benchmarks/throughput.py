"""Throughput: Clarion's deliveries a second against Celery's empty tasks and django-webhook, in rotated order.

A round measures each contestant once, so every ratio is made of two figures that were taken within two minutes
on the same machine. Work is waiting before each clock starts: events in Clarion's outbox, messages in the queue.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from benchmarks import capacity, costs, workload
from benchmarks.figures import ratios, rotated, spread
from benchmarks.machine import WORKERS, Machine, wait_until
from benchmarks.options import Options
from benchmarks.peers import celery_alone
from benchmarks.peers.webhook_shop import Shop

OURS = "clarion"
_TIMEOUT = 300.0  # seconds after which a measurement has failed
_LOOK = 0.05  # seconds between two looks at the receiver or the table
_EMPTY_TASKS = 0.6  # of options.deliveries: about as long as Clarion's part takes
_SHOP_DELIVERIES = 0.1  # of options.deliveries, for the same reason
_CAPACITY_SECONDS = 1.5  # of each measurement of the receiver
_UNFINISHED = """
SELECT EXISTS (SELECT FROM webhooks_delivery WHERE tenant_id = ANY(%s) AND state IN ('pending', 'sending', 'held'))
    AS benchmark_look
"""
_ATTEMPTED = """
SELECT count(*) AS benchmark_look FROM webhooks_attempt WHERE tenant_id = ANY(%s) AND outcome = 'succeeded'
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of Clarion."""

    deliveries: int
    per_second: float
    ingested_per_second: float
    receiver_load: float  # share of one core that the receiver used
    duplicates: int
    spent: costs.Costs


@dataclass(slots=True)
class Rounds:
    """What all rounds gave. A contestant that fails is out from then on, with its reason."""

    ours: list[Round] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    orders: list[list[str]] = field(default_factory=list)


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """Every contestant in every round. Keys as in README.md; ``failures``: contestant -> reason."""
    owners = workload.make_endpoints(machine, options.endpoints)
    accepted = [capacity.requests_per_second(machine, _CAPACITY_SECONDS) for _ in range(options.rounds)]
    with contextlib.ExitStack() as stack:
        rounds = Rounds()
        contestants = _contestants(machine, options, owners, rounds, stack)
        for turn in range(options.rounds):
            order = rotated(list(contestants), turn)
            rounds.orders.append(order)
            for name in order:
                _measure(name, contestants[name], rounds)
    workload.retire_endpoints(owners)
    return _summary(options, rounds) | {"receiver_capacity_per_second": spread(accepted)}


Contestant = Callable[[], float]


def _contestants(
    machine: Machine, options: Options, owners: list[UUID], rounds: Rounds, stack: contextlib.ExitStack
) -> dict[str, Contestant]:
    """By name; each call measures once and returns its figure a second."""

    def ours() -> float:
        rounds.ours.append(deliveries_per_second(machine, owners, options.deliveries, options.endpoints))
        return rounds.ours[-1].per_second

    found: dict[str, Contestant] = {OURS: ours}
    empty = int(options.deliveries * _EMPTY_TASKS)
    for pool in celery_alone.POOLS:
        found[f"celery_noop_{pool}"] = partial(celery_alone.tasks_per_second, machine, empty, pool)
    shop_deliveries = max(1, int(options.deliveries * _SHOP_DELIVERIES / options.endpoints)) * options.endpoints
    try:
        shop = stack.enter_context(Shop.opened(machine, options.endpoints))
    except Exception as error:
        rounds.failures["django_webhook"] = _reason(error)
        return found
    for pool in shop.pools(quick=options.quick):
        found[f"django_webhook_{pool}"] = partial(shop.deliveries_per_second, shop_deliveries, pool)
    return found


def _measure(name: str, contestant: Contestant, rounds: Rounds) -> None:
    if name in rounds.failures:
        return
    try:
        rate = contestant()
    except Exception as error:
        rounds.failures[name] = _reason(error)
        print(f"throughput: {name} failed: {rounds.failures[name]}", file=sys.stderr, flush=True)
        return
    rounds.rates.setdefault(name, []).append(rate)
    print(f"throughput: {name} {rate:.0f}/s", file=sys.stderr, flush=True)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def deliveries_per_second(machine: Machine, owners: list[UUID], deliveries: int, endpoints: int) -> Round:
    """Clarion once, end to end: from the outbox full of events to the last delivery and attempt recorded.

    ``endpoints``: those that ``workload.make_endpoints`` made for ``owners``. WrongDeliveries if anything but
    each published event arrived at each of its endpoints, or attempts are missing.
    """
    events = deliveries // endpoints  # of each tenant, for its endpoints / TENANTS endpoints
    total = events * endpoints
    machine.ask("/reset")
    attempts = _count(_ATTEMPTED, owners)
    with machine.workers(**WORKERS), machine.beat():
        began = time.monotonic()
        published = [workload.publish([owner], events) for owner in owners]
        before = costs.take(machine)
        started = time.monotonic()
        ingested = events * len(owners) / (started - began)
        workload.ring()
        wait_until(lambda: int(machine.ask("/count") or 0) >= total, "deliveries", _TIMEOUT, _LOOK)
        wait_until(lambda: not _count(_UNFINISHED, owners), "records", _TIMEOUT, _LOOK)
        took = time.monotonic() - started
        spent = costs.between(before, costs.take(machine))
    wanted = {(event, f"/{n}") for n in range(endpoints) for event in published[n % len(owners)]}
    duplicates = workload.check_arrivals(wanted, machine.ask("/arrivals").splitlines())
    if (recorded := _count(_ATTEMPTED, owners) - attempts) < total:
        raise workload.WrongDeliveries(f"{recorded} successful attempts recorded of {total} deliveries")
    return Round(total, total / took, ingested, spent.cpu["receiver"] / took, duplicates, spent)


def _count(statement: str, owners: list[UUID]) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, [owners])
        return int(cursor.fetchone()[0])


def _summary(options: Options, rounds: Rounds) -> dict[str, Any]:
    ours = rounds.ours
    result: dict[str, Any] = {
        "deliveries": ours[0].deliveries if ours else 0,
        "endpoints": options.endpoints,
        "rounds": options.rounds,
        "orders": rounds.orders,
        "per_second": {name: spread(rates) for name, rates in rounds.rates.items()},
        "each_round": rounds.rates,
        "ratios": _ratios(rounds),
        "failures": rounds.failures,
    }
    if ours:
        result |= _costs_of(ours)
    return result


def _ratios(rounds: Rounds) -> dict[str, Any]:
    """Ours over each contestant's that took part in every round that we did."""
    ours = rounds.rates.get(OURS, [])
    return {
        name: spread(ratios(ours, rates))
        for name, rates in rounds.rates.items()
        if name != OURS and len(rates) == len(ours)
    }


def _costs_of(ours: list[Round]) -> dict[str, Any]:
    per_delivery = [
        {name: seconds * 1000 / one.deliveries for name, seconds in one.spent.cpu.items() if name != costs.OBSERVER}
        for one in ours
    ]
    statements = [one.spent.statements() for one in ours]
    plain = [one.spent.statements(transaction_control=False) for one in ours]
    return {
        "deliveries_per_second": spread([one.per_second for one in ours]),
        "events_ingested_per_second": spread([one.ingested_per_second for one in ours]),
        "duplicates": sum(one.duplicates for one in ours),
        "receiver_load": spread([one.receiver_load for one in ours]),
        "statements_per_delivery": _each(statements, ours),
        "statements_per_delivery_without_transaction_control": _each(plain, ours),
        "heaviest_statements": costs.heaviest([one.spent for one in ours], sum(one.deliveries for one in ours)),
        "cpu_ms_per_delivery": spread([sum(shares.values()) for shares in per_delivery]),
        "cpu_ms_per_delivery_by_process": {
            name: spread([shares[name] for shares in per_delivery]) for name in per_delivery[0]
        },
    }


def _each(counts: list[float | None], ours: list[Round]) -> dict[str, float] | None:
    """Per delivery, or None where the server does not count statements."""
    known = [count / one.deliveries for count, one in zip(counts, ours, strict=True) if count is not None]
    return spread(known) if len(known) == len(ours) else None
