"""pytest-celery with local processes in place of containers.

``celery_setup`` and its fixtures work as documented, with a dedicated Valkey and a real worker that a test
may kill; ``worker_nodes`` starts any number of workers, and beat, on the broker shared by a process's tests.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from celery import Celery
from pytest_celery import CeleryTestBroker, CeleryTestWorker

from tests.processes import ALL_QUEUES, START, STOP, LocalBroker, LocalProcess, LocalWorker, celery


class WorkerNode(CeleryTestWorker):  # type: ignore[misc]  # pytest-celery has no type hints for subclassing
    """A real worker process; ``kill``, ``restart``, ``logs``, ``wait_for_log`` as in pytest-celery."""

    container: LocalWorker

    @property
    def pid(self) -> int:
        """Process id of the present run."""
        return self.container.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.container.status == "running"

    def wait_ready(self, timeout: float = START) -> WorkerNode:
        """Wait until it consumes. AssertionError with the log if it never does."""
        self.container.ready(timeout)
        return self

    def wait_exit(self, timeout: float = STOP) -> int:
        """Wait for it to end; its exit status, negative for a signal."""
        return self.container.wait_exit(timeout)

    def wait_for_log(self, log: str, message: str = "", timeout: float = START) -> None:
        """Wait for a line that contains ``log``, without pytest-celery's pause of a second between looks."""
        self.container.wait_for_log(log, timeout)

    def wait_for_any_log(self, *texts: str, timeout: float = START) -> str:
        """Wait for a line that contains one of the texts; that text."""
        return self.container.wait_for_any_log(texts, timeout)

    def busy(self) -> int:
        """How many tasks it runs or is about to run (not those in a countdown), asked over the broker."""
        return sum(len(self._ask(question)) for question in ("reserved", "active"))

    def settle(self, purge: Callable[[], None]) -> None:
        """Call ``purge`` (which empties the broker) until the worker is idle and nothing is left to wake it.

        Invariant: idle twice with a purge between. A task that ends may publish, so once is not enough.
        """
        deadline, idle = time.monotonic() + START, 0
        while idle < 2:
            purge()
            idle = idle + 1 if self.busy() == 0 else 0
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name()} is still busy after {START} s:\n{self.container.tail()}")

    def _ask(self, question: str, timeout: float = START) -> list[Any]:
        """Ask again each second: a message to a worker that is just reconnecting is lost."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.alive:
            # A fresh connection: those in the pool may lead to a broker that a test has killed.
            with self.app.connection_for_write() as connection:
                replies = self.app.control.broadcast(
                    question, None, [self.hostname()], connection, reply=True, timeout=1.0, limit=1
                )
            if replies:
                return list(replies[0][self.hostname()])
        raise AssertionError(f"{self.name()} did not answer within {timeout} s:\n{self.container.tail()}")


class BrokerNode(CeleryTestBroker):  # type: ignore[misc]  # pytest-celery has no type hints for subclassing
    """The broker of one test: ``kill()`` and ``restart()`` are real."""

    container: LocalBroker

    @property
    def url(self) -> str:
        """Broker URL (database 0)."""
        return self.container.valkey.url

    @property
    def guards_url(self) -> str:
        """Database 1 of the same server, for a test that takes broker and guards away together."""
        return self.container.valkey.database_url(1)


class Workers:
    """Starts worker and beat processes for one test and ends them all with it."""

    def __init__(self, app: Celery, env: Mapping[str, str], folder: Path) -> None:
        self._app = app
        self._env = env
        self._folder = folder
        self._nodes: list[LocalProcess] = []

    def __call__(
        self,
        queues: Sequence[str] = ALL_QUEUES,
        *,
        name: str = "worker",
        concurrency: int = 8,
        pool: str = "threads",
        app: str = "project",
        env: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> WorkerNode:
        """Start one worker. ``env`` adds to its environment; ``wait=False`` returns before it is ready."""
        whole = {**self._env, **(env or {})}
        worker = LocalWorker(name, queues, whole, concurrency=concurrency, pool=pool, app=app)
        self._nodes.append(worker)
        worker.start()
        node = WorkerNode(worker, self._app)
        return node.wait_ready() if wait else node

    def beat(self, env: Mapping[str, str] | None = None) -> LocalProcess:
        """Start a beat process and wait until it has begun."""
        schedule = self._folder / f"beat-{secrets.token_hex(4)}"
        command = [*celery("beat"), "-s", str(schedule), "--pidfile="]
        beat = LocalProcess("beat", command, {**self._env, **(env or {})}, "beat: Starting...")
        self._nodes.append(beat)
        beat.start()
        beat.ready()
        return beat

    def on(self, broker_url: str) -> Workers:
        """The same for another broker; ended together with these."""
        other = Workers(self._app, {**self._env, "CELERY_BROKER_URL": broker_url}, self._folder)
        other._nodes = self._nodes
        return other

    def stop(self) -> None:
        """End every process that was started."""
        for node in reversed(self._nodes):
            node.teardown()


@contextlib.contextmanager
def broker_of(app: Celery, url: str) -> Iterator[Celery]:
    """Let ``app`` in this process publish to ``url`` for the length of the block."""
    _point(app, url)
    try:
        yield app
    finally:
        _point(app, None)


def _point(app: Celery, url: str | None) -> None:
    # Not broker_url: the variable CELERY_BROKER_URL goes before it.
    app.conf.update(broker_read_url=url, broker_write_url=url)
    app._after_fork()  # type: ignore[attr-defined]  # forgets its pools of connections and producers
