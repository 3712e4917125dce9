"""A publisher process with an even pace, which writes down when each event was accepted.

``python -m benchmarks.load`` reads its plan as one line of JSON, says ``ready``, waits for ``go <time.monotonic()>``,
publishes, and writes ``<event id> <tenant> <accepted> <due>`` for each event into the plan's file. Every stream has a
thread of its own. Accepted means committed and returned to the caller (``library``: what ``webhooks.emit`` does) or
the answer of ``POST /api/events`` received (``http``).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from benchmarks.arrivals import Accepted
from benchmarks.machine import ROOT, Machine, NotDone, Site, wait_until
from benchmarks.workload import EVENT_TYPE, ORDER
from webhooks.management.stack.ports import free_port
from webhooks.management.stack.service import launched

_HEAD_START = 0.2  # seconds between "go" and the first event, so that no stream begins late
_GRACE = 120.0  # seconds a publisher may need beyond its plan


@dataclass(frozen=True, slots=True)
class Stream:
    """Events of one tenant: ``rate`` a second for ``seconds``. ``size``: bytes of their data, 0 for the usual order."""

    tenant: str
    rate: float
    seconds: float
    size: int = 0
    type: str = EVENT_TYPE
    token: str = ""  # API key, for http

    def data(self) -> bytes:
        """JSON text of ``size`` bytes."""
        if not self.size:
            return ORDER
        frame = ORDER[:-1] + b',"note":""}'
        return frame[:-2] + b"x" * max(0, self.size - len(frame)) + frame[-2:]


def streams(tenants: Sequence[UUID], rate: float, seconds: float) -> list[Stream]:
    """``rate`` events a second altogether, the same share for each tenant."""
    return [Stream(str(tenant), rate / len(tenants), seconds) for tenant in tenants]


class Publisher:
    """The publisher process as the scenario sees it. Use :func:`publisher`."""

    def __init__(self, process: subprocess.Popen[str], file: Path, seconds: float) -> None:
        self._process = process
        self._file = file
        self._seconds = seconds
        self.started = 0.0  # time.monotonic() of the plan's beginning

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def start(self) -> Self:
        """Let it begin in a moment, at ``started``."""
        self.started = time.monotonic() + _HEAD_START
        self.say(f"go {self.started!r}")
        return self

    def finish(self) -> list[Accepted]:
        """Wait for the end of the plan; return what was accepted."""
        if self._process.wait(self._seconds + _GRACE):
            raise NotDone("the publisher failed; its traceback is above")
        rows = (line.split(" ") for line in self._file.read_text().splitlines())
        return [Accepted(event, tenant, float(at), float(due)) for event, tenant, at, due in rows]


@contextlib.contextmanager
def publisher(machine: Machine, plan: Sequence[Stream], *, seed: int, url: str = "") -> Iterator[Publisher]:
    """A publisher process, ready to start. ``url``: of a web process, to publish over HTTP; empty: as a library."""
    file = machine.folder / f"accepted-{time.monotonic_ns()}"
    command = launched([sys.executable, "-m", "benchmarks.load"], on_parent_death=signal.SIGKILL)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    made = Publisher(process, file, max(stream.seconds for stream in plan))
    try:
        made.say(json.dumps({"file": str(file), "streams": list(map(asdict, plan)), "seed": seed, "url": url}))
        if made.heard() != "ready":
            raise NotDone("the publisher did not start; its traceback is above")
        yield made
    finally:
        process.kill()
        process.communicate()
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def web(machine: Machine) -> Iterator[str]:
    """A gunicorn as ``manage.py up`` runs it; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "project.wsgi:application", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--worker-class",
        "project.webserver.Worker",
        "--workers",
        str(min(2, os.cpu_count() or 1)),
        "--threads",
        "8",
    ]
    # An https URL, the default, would make it refuse plain http.
    site = Site(variables={"WEBHOOKS_PUBLIC_URL": url})
    with machine.process("web", *command, "--no-control-socket", "--log-level", "warning", site=site):
        wait_until(lambda: _answers(port), "gunicorn")
        yield url


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def with_keys(plan: Sequence[Stream]) -> list[Stream]:
    """The same streams, each with an API key of its tenant."""
    from webhooks.services.api_keys import create_api_key

    return [
        replace(stream, token=create_api_key(UUID(stream.tenant), "benchmark", ["events:write"])[1]) for stream in plan
    ]


# --- the publisher process


Publish = Callable[[], tuple[str, float]]  # publishes one event; its id and when it was accepted


def _library(stream: Stream) -> Publish:
    from webhooks import doorbells
    from webhooks.services import ingest

    tenant, draft = UUID(stream.tenant), ingest.Draft(type=stream.type, data=stream.data())

    def publish() -> tuple[str, float]:
        made = ingest.publish(tenant, [draft])[0]
        at = time.monotonic()
        doorbells.ring_fan_out()
        return made.public_id, at

    return publish


def _http(stream: Stream, url: str) -> Publish:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    body = b'{"type":"%b","data":%b}' % (stream.type.encode(), stream.data())
    headers = {"Authorization": f"Bearer {stream.token}", "Content-Type": "application/json"}

    def publish() -> tuple[str, float]:
        connection.request("POST", "/api/events", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        at = time.monotonic()
        if answer.status != 202:
            raise RuntimeError(f"POST /api/events answered {answer.status}: {text[:300]!r}")
        return json.loads(text)["id"], at

    return publish


def _pace(stream: Stream, publish: Publish, start: float, phase: float, accepted: list[Accepted]) -> None:
    """One event each ``1 / rate`` seconds, the first after ``phase`` of that; one that is late delays no other."""
    for n in range(round(stream.rate * stream.seconds)):
        due = start + (n + phase) / stream.rate
        time.sleep(max(0.0, due - time.monotonic()))
        event, at = publish()
        accepted.append(Accepted(event, stream.tenant, at, due))


def _warm_up(url: str) -> None:
    """What the first event would pay for otherwise: imports and connections."""
    if url:
        return
    import django

    django.setup()
    from webhooks import doorbells
    from webhooks.services import ingest

    ingest.publish(UUID(int=0), [])
    doorbells.ring_fan_out()


def main() -> None:
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    draw = random.Random(plan["seed"])
    _warm_up(plan["url"])
    planned = [Stream(**stream) for stream in plan["streams"]]
    calls = [_http(stream, plan["url"]) if plan["url"] else _library(stream) for stream in planned]
    print("ready", flush=True)
    start = float(sys.stdin.readline().split()[1])
    accepted: list[Accepted] = []
    threads = [
        threading.Thread(target=_pace, args=(stream, publish, start, draw.random(), accepted))
        for stream, publish in zip(planned, calls, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(accepted) != sum(round(stream.rate * stream.seconds) for stream in planned):
        raise SystemExit("a stream of the publisher failed")
    lines = (f"{one.event} {one.tenant} {one.at:.6f} {one.due:.6f}\n" for one in accepted)
    Path(plan["file"]).write_text("".join(lines))


if __name__ == "__main__":
    main()
