"""django-webhook's speed: the same orders to the same endpoints, by its signal and its Celery task."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import psycopg

from benchmarks.machine import Machine, Site, wait_until
from benchmarks.peers.environment import FOLDER, peer_python, run
from benchmarks.workload import ORDER, WrongDeliveries


@dataclass(frozen=True, slots=True)
class Pool:
    """How the peer's worker runs: Celery's options, and variables of ``shop/settings.py``."""

    options: tuple[str, ...]
    variables: Mapping[str, str]
    documented: bool = True


# Celery closes a task's database connection after each task. With threads, Django's pool keeps it open, as it does
# for Clarion. With prefork only a setting does that which Celery's documentation does not tell of.
POOLS = {
    "prefork2": Pool(("-P", "prefork", "-c", "2"), {}),
    "threads32": Pool(("-P", "threads", "-c", "32"), {"SHOP_POOL_SIZE": "32"}),
    "prefork2_tuned": Pool(("-P", "prefork", "-c", "2"), {"SHOP_DB_REUSE_MAX": "1000000"}, documented=False),
}
_QUEUE = "shop.waiting"
_TIMEOUT = 300.0  # seconds after which a measurement has failed
_LOOK = 0.05  # seconds between two looks at the receiver


@dataclass
class Shop:
    """The peer's project with its own database, ready to publish."""

    machine: Machine
    site: Site
    endpoints: int
    orders: int = 0  # published so far; order ids go on from here

    @classmethod
    @contextlib.contextmanager
    def opened(cls, machine: Machine, endpoints: int) -> Iterator[Self]:
        """Install, make the database and the webhooks; PeerUnavailable if that fails."""
        with machine.database("clarion_bench_shop") as url:
            variables = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "shop.settings"}
            shop = cls(machine, Site("shop", peer_python(), FOLDER, variables), endpoints)
            shop._run("shop.prepare", machine.receiver, str(endpoints))
            yield shop

    @staticmethod
    def pools(*, quick: bool) -> list[str]:
        """Those to measure; a quick run leaves out the undocumented one."""
        return [name for name, pool in POOLS.items() if pool.documented or not quick]

    def _run(self, module: str, *arguments: str) -> None:
        run(self.site.python, "-m", module, *arguments, variables={**os.environ, **self.site.variables})

    def deliveries_per_second(self, count: int, pool: str) -> float:
        """``count`` deliveries, all tasks waiting in the broker, until the last is recorded as a success."""
        orders = count // self.endpoints
        total = orders * self.endpoints
        self.machine.ask("/reset")
        site = replace(self.site, variables={**self.site.variables, **POOLS[pool].variables})
        options = [*POOLS[pool].options, "-Q", "shop.parked"]
        with self.machine.workers(site, shop=options), self._database() as database:
            self._run("shop.publish", str(self.orders), str(orders), ORDER.decode())
            first, self.orders = self.orders, self.orders + orders
            started = time.monotonic()
            self._take()
            wait_until(lambda: int(self.machine.ask("/count") or 0) >= total, "django-webhook", _TIMEOUT, _LOOK)
            wait_until(lambda: _recorded(database, first) >= total, "django-webhook's records", _TIMEOUT, _LOOK)
            took = time.monotonic() - started
        self._check(orders)
        return total / took

    def _take(self) -> None:
        from project.celery import app

        app.control.add_consumer(_QUEUE)

    def _database(self) -> psycopg.Connection:
        return psycopg.connect(self.site.variables["DATABASE_URL"], autocommit=True)

    def _check(self, orders: int) -> None:
        paths = Counter(line.split()[1] for line in self.machine.ask("/arrivals").splitlines())
        wanted = {f"/{n}": orders for n in range(self.endpoints)}
        if paths != wanted:
            raise WrongDeliveries(f"django-webhook: {dict(paths)} arrived instead of {orders} for each endpoint")


def _recorded(database: psycopg.Connection, first: int) -> int:
    """Different successful deliveries of the orders from number ``first`` on."""
    row = database.execute(
        "SELECT count(DISTINCT (webhook_id, object->'object'->>'order_id')) FROM django_webhook_webhookevent"
        " WHERE status = 'SUCCESS' AND object->'object'->>'order_id' >= %s",
        [f"ord_{first:08}"],
    ).fetchone()
    return int(row[0]) if row else 0
