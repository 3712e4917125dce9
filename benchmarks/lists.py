"""Every list of the API with every filter beside millions of old rows, through a real web server, as clients see it.

One client asks for page after page of 50 over one connection, so that a figure is the time of one page and not of the
queue before it. Three look: a tenant that owns half of all rows, one with a thousandth of them, and the platform.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from benchmarks import history, pages, workload
from benchmarks.machine import Machine, Site, wait_until
from benchmarks.options import Options
from webhooks.management.stack.ports import free_port

BAR_MS = 50  # p95 of a page of 50, by the design
_SAMPLES, _QUICK_SAMPLES = 20, 5  # requests of each page
_PROCESSES, _THREADS = 1, 4  # of the web server: one client keeps no more than one busy


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """p50 and p95 of each list by who looks, slowest first; ``slowest_p95_ms`` and ``over_the_bar`` of all."""
    owners = workload.make_endpoints(machine, workload.TENANTS)
    past = history.load(options.old_rows, seed=options.seed)
    _maintain()
    samples = _QUICK_SAMPLES if options.quick else _SAMPLES
    busy = _busy(owners[0])
    lookers = {
        "busy tenant": busy,
        "quiet tenant": pages.Looker(*past.quiet),
        "platform": pages.Looker(None, busy.endpoint),
    }
    with _web(machine) as base:
        found = {
            who: pages.latencies(pages.api(looker, lambda token: _Client(base, token)), samples)
            for who, looker in lookers.items()
        }
    flat = {f"{who}: {page}": ms for who, by_page in found.items() for page, ms in by_page.items()}
    slowest = max(flat, key=lambda name: flat[name]["p95"])
    return {
        "old_rows": past.rows,
        "load_seconds": round(past.seconds, 1),
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
    except requests.ConnectionError:
        return False


def _maintain() -> None:
    """What periodic tasks have long done in an installation with such a past."""
    from webhooks.services import counting, partitions

    partitions.index_ended()
    while counting.count():
        pass


def _busy(owner: Any) -> pages.Looker:
    from webhooks.models import Endpoint

    return pages.Looker(owner, Endpoint.objects.filter(tenant_id=owner).latest("id").id)


def _slowest_first(found: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return dict(sorted(found.items(), key=lambda row: -row[1]["p95"]))
