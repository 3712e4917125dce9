"""How long a provider waits for the answer to a webhook: verified, stored and committed before it is said.

Real payloads of GitHub, signed, to ``/in/{source}`` of the web server that ``manage.py up`` runs. ``paced``: one after
the other at an even rate, over one connection. ``busy``: as many as go in over four connections. Every answer has to be
202.
"""

from __future__ import annotations

import http.client
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks import arrivals, load, stage, workload
from benchmarks.figures import spread
from benchmarks.machine import ROOT, Machine, NotDone
from benchmarks.options import Options

_RATE = 50.0  # requests a second
_WARM = 1.0  # seconds that do not count
_CONNECTIONS = 4
_BUSY = 5.0  # seconds at most: from one address a source takes 6000 requests a minute
_NAMES = ("p50", "p95", "p99", "max")


def run(machine: Machine, options: Options) -> dict[str, Any]:
    """``paced`` and ``busy``: ms until the answer, each with its range over the rounds; requests a second when busy."""
    paced: list[list[float]] = []
    busy: list[list[float]] = []
    rates: list[float] = []
    payloads = [file.read_bytes() for file in sorted((ROOT / "demo" / "github").glob("*.json"))]
    for _ in range(options.rounds):
        (owner,) = workload.make_tenants(1, "Source")
        with stage.clearing([owner]), load.web(machine) as url:
            source, secret = _source(owner)
            sender = _Sender(url, source, secret, payloads)
            sender.paced(_WARM)
            paced.append(sender.paced(options.seconds))
            waits, elapsed = _together(url, source, secret, payloads, min(options.seconds, _BUSY))
            busy.append(waits)
            rates.append(len(waits) / elapsed)
    return {
        "paced": arrivals.spreads([arrivals.summary(one) for one in paced], _NAMES),
        "busy": arrivals.spreads([arrivals.summary(one) for one in busy], _NAMES),
        "busy_requests_per_second": spread(rates),
    }


def _source(owner: Any) -> tuple[str, str]:
    """Its path and secret."""
    from webhooks.core import ids
    from webhooks.services import sources

    made = sources.create(owner, {"name": "GitHub", "provider": "github", "max_bytes": 10_000_000})
    return f"/in/{ids.show(ids.SOURCE, made.id)}", made.secret


class _Sender:
    """One connection of a provider."""

    def __init__(self, url: str, path: str, secret: str, payloads: list[bytes]) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._path, self._key, self._payloads, self._sent = path, secret.encode(), payloads, 0

    def paced(self, seconds: float) -> list[float]:
        """The ms that each request took; one that is late does not hurry the next."""
        found, began = [], time.monotonic()
        while (due := began + len(found) / _RATE) < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            found.append(self.send())
        return found

    def until(self, end: float) -> list[float]:
        """One after the other without a pause."""
        found = []
        while time.monotonic() < end:
            found.append(self.send())
        return found

    def send(self) -> float:
        """ms from the first byte of a request to the last one of its answer."""
        from webhooks.core.signatures import github

        body = self._payloads[self._sent % len(self._payloads)]
        self._sent += 1
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": secrets.token_hex(16),
            github.HEADER: github.sign(self._key, body),
        }
        began = time.perf_counter()
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        ms = (time.perf_counter() - began) * 1000
        if response.status != 202:
            raise NotDone(f"a genuine webhook was answered {response.status}: {answer[:200]!r}")
        return ms


def _together(url: str, path: str, secret: str, payloads: list[bytes], seconds: float) -> tuple[list[float], float]:
    """All waits of some connections at once, and the seconds it took."""
    senders = [_Sender(url, path, secret, payloads) for _ in range(_CONNECTIONS)]
    found: list[float] = []
    began = time.monotonic()

    def work(sender: _Sender) -> None:
        found.extend(sender.until(began + seconds))

    threads = [threading.Thread(target=work, args=[sender]) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, time.monotonic() - began
