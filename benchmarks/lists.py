"""Every list of the API with every filter beside millions of old rows, through a real web server, as clients see it.

One client asks for page after page of 50 over one connection, so that a figure is the time of one page and not of the
queue before it. Three look: a tenant that owns half of all rows, one with a thousandth of them, and the platform. The
scenario *growth* has them look on its empty and its full tables.

``python -m benchmarks.lists`` measures in a database that has the rows already, as ``python -m benchmarks.history``
made them in DATABASE_URL: two minutes, as often as one likes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from benchmarks import pages
from benchmarks.machine import SETTINGS, Machine, Site, wait_until
from webhooks.management.stack.ports import free_port

BAR_MS = 50  # p95 of a page of 50, by the design
_SAMPLES = 20  # requests of each page
_PROCESSES, _THREADS = 1, 4  # of the web server: one client keeps no more than one busy

Pages = dict[str, dict[str, float]]  # list and filter -> p50 and p95 in milliseconds


def measure(machine: Machine, busy: pages.Looker, quiet: pages.Looker | None, samples: int) -> dict[str, Pages]:
    """Each list by who looks, ``samples`` times; without a quiet tenant only the two others do."""
    lookers = {"busy tenant": busy, "quiet tenant": quiet, "platform": pages.Looker(None, busy.endpoint)}
    with _web(machine) as base:
        return {
            who: pages.latencies(pages.api(looker, lambda token: _Client(base, token)), samples)
            for who, looker in lookers.items()
            if looker
        }


def result(found: Mapping[str, Pages]) -> dict[str, Any]:
    """p50 and p95 of each list by who looks, slowest first; ``slowest_p95_ms`` and ``over_the_bar`` of all."""
    flat = {f"{who}: {page}": ms for who, by_page in found.items() for page, ms in by_page.items()}
    slowest = max(flat, key=lambda name: flat[name]["p95"])
    return {
        "pages": len(flat),
        "slowest_p95_ms": flat[slowest]["p95"],
        "slowest": slowest,
        "over_the_bar": {name: ms["p95"] for name, ms in flat.items() if ms["p95"] > BAR_MS},
        "latencies_ms": {who: _slowest_first(by_page) for who, by_page in found.items()},
    }


class _Client:
    """As Django's test client, over a connection that stays open."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, address: str, *, secure: bool, headers: Mapping[str, str]) -> requests.Response:
        return self._session.get(self._base + address, timeout=30)


@contextlib.contextmanager
def _web(machine: Machine) -> Iterator[str]:
    """The stack's web server on a port of its own; its URL."""
    base = f"http://127.0.0.1:{free_port()}"
    command = [
        *(sys.executable, "-m", "gunicorn", "project.wsgi:application", "--bind", base.removeprefix("http://")),
        *("--worker-class", "project.webserver.Worker", "--workers", str(_PROCESSES), "--threads", str(_THREADS)),
        "--no-control-socket",
    ]
    with machine.process("web", *command, site=Site(variables={**os.environ, "SECURE_SSL_REDIRECT": "0"})):
        wait_until(lambda: _ready(base), "the web server")
        yield base


def _ready(base: str) -> bool:
    try:
        return requests.get(f"{base}/readyz", timeout=5).status_code == 200
    except requests.RequestException:  # not there yet, or slow to come up
        return False


def maintain() -> None:
    """What periodic tasks have long done in an installation with such a past."""
    from webhooks.services import counting, partitions

    partitions.index_ended()
    while counting.count():
        pass


def _slowest_first(found: Pages) -> Pages:
    return dict(sorted(found.items(), key=lambda row: -row[1]["p95"]))


_MOST_AND_FEWEST = """
SELECT tenant_id, endpoint_id FROM webhooks_delivery WHERE id >= %s GROUP BY 1, 2 ORDER BY count(*) DESC
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--samples", type=int, default=_SAMPLES, help=f"requests of each page (default {_SAMPLES})")
    samples = parser.parse_args().samples
    if not os.environ.get("DATABASE_URL") or not os.environ.get("REDIS_URL"):
        parser.error(
            "DATABASE_URL and REDIS_URL have to be set: the database is one that benchmarks.history has filled"
        )
    os.environ |= SETTINGS
    import django

    django.setup()
    maintain()
    with contextlib.ExitStack() as stack:
        machine = Machine()
        stack.push(machine.__exit__)  # it starts no services of its own: what is there is used
        found = measure(machine, *_most_and_fewest(), samples)
    summary = result(found)
    rows = [(ms["p95"], ms["p50"], who, name) for who, pages_ in found.items() for name, ms in pages_.items()]
    for p95, p50, who, name in sorted(rows, reverse=True):
        print(f"{p50:8.1f} {p95:8.1f} {'met' if p95 <= BAR_MS else 'missed':6} {who:13} {name}")
    print(f"{len(summary['over_the_bar'])} of {summary['pages']} lists miss the bar of {BAR_MS} ms (p50, p95 in ms)")


def _most_and_fewest() -> tuple[pages.Looker, pages.Looker]:
    """The endpoints with the most and the fewest deliveries of the last days."""
    from django.db import connection

    from webhooks.core import ids

    with connection.cursor() as cursor:
        cursor.execute(_MOST_AND_FEWEST, [ids.floor(datetime.now(UTC) - timedelta(days=3))])
        rows = cursor.fetchall()
    return pages.Looker(*rows[0]), pages.Looker(*rows[-1])


if __name__ == "__main__":
    main()
