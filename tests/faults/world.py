"""A world: PostgreSQL, Valkey, Clarion's processes and a recording receiver, all its own, all on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from tests.faults.children import Child
from tests.faults.clients import Api, Recorder
from tests.faults.fleet import Fleet, manage
from tests.faults.servers import Broker, Database, Rabbit
from webhooks.management.stack.ports import free_port

# Shorter than production's, so that a run takes minutes. A claim is lost after 1 + 3 + 4 = 8 seconds.
TIMEOUT = 3  # seconds of a request to the receiver
LEASE = 8.0  # seconds: DRAIN_BUDGET + TIMEOUT + LEASE_MARGIN
SETTINGS = {
    "SECRET_KEY": "faults-" + "0123456789abcdef" * 3,
    "DEBUG": "0",
    "WEBHOOKS_ENCRYPTION_KEYS": "Y2xhcmlvbi10ZXN0cy1vbmx5LW5vdC1hLXNlY3JldCE=",
    "WEBHOOKS_ALLOW_HTTP": "1",
    "WEBHOOKS_ALLOWED_CIDRS": "127.0.0.0/8:*",
    "WEBHOOKS_LEASE_MARGIN": "4",
    "WEBHOOKS_BREAKER_COOLDOWN": "1",
    "WEBHOOKS_BREAKER_MAX_COOLDOWN": "4",
}


class World:
    """Services and processes of one run. Entering starts everything; leaving ends everything."""

    def __init__(self, *, rabbit: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clarion-faults-"))
        self.folder.chmod(0o711)  # PostgreSQL may run under another account
        self.database = Database(self.folder)
        self.broker = Broker(self.folder)
        self.rabbit = Rabbit(self.folder) if rabbit else None
        self.token = ""
        self._stack = contextlib.ExitStack()
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self) -> None:
        defer = self._stack.callback
        defer(shutil.rmtree, self.folder, ignore_errors=True)
        defer(self.database.remove)
        defer(self.database.stop)
        self.database.start()
        defer(self.broker.stop)
        self.broker.start()
        if self.rabbit is not None:
            defer(self.rabbit.stop)
            self.rabbit.start()
        port = free_port()
        command = [sys.executable, "-m", "tests.faults.receiver", "--port", str(port)]
        receiver = Child("receiver", command, os.environ, self.folder / "receiver.log")
        defer(receiver.kill)
        receiver.start()
        self.recorder = Recorder(port)
        defer(self.recorder.close)
        urls = {
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.broker.database_url(1),
            "CELERY_BROKER_URL": self.rabbit.url if self.rabbit else self.broker.url,
        }
        self.fleet = Fleet(self.folder, SETTINGS | urls)
        defer(self.fleet.stop)
        manage(self.fleet.env, "migrate", "--verbosity", "0")
        self.token = manage(self.fleet.env, "create_api_key", "--platform").strip().splitlines()[-1]
        self.fleet.run()
        wait_for(self.recorder.alive, "the receiver")
        wait_for(self.web_ready, "the API")
        defer(self.disconnect)

    def api(self, tenant: str = "") -> Api:
        """A client with the platform key that acts for a tenant."""
        return Api(self.fleet.origin, self.token, tenant)

    def web_ready(self) -> bool:
        """Whether /readyz says yes."""
        import requests

        try:
            return requests.get(f"{self.fleet.origin}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement on the suite's own connection, which is opened again when it was cut."""
        for attempt in (1, 2):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self.database.url, autocommit=True, connect_timeout=5)
                found = self._connection.execute(query, parameters)
                return found.fetchall() if found.description else []
            except psycopg.OperationalError:
                self.disconnect()
                if attempt == 2:
                    raise
        raise AssertionError

    def disconnect(self) -> None:
        """Close the suite's own connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def writers_stopped(self) -> Iterator[None]:
        """Nobody writes deliveries during the block: what is in flight can be counted exactly.

        The lock goes with its connection, so a server that is ended inside the block takes it away.
        """
        connection = psycopg.connect(self.database.url, connect_timeout=5)
        try:
            connection.execute("LOCK TABLE webhooks_delivery IN SHARE MODE")
            yield
        finally:
            connection.close()

    def cut(self) -> None:
        """End all of Clarion's connections to PostgreSQL."""
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE usename = current_user AND application_name = 'clarion'"
        )

    def halt_database(self, how: signal.Signals) -> None:
        """End PostgreSQL under its clients.

        Whoever waits for the lock of :meth:`writers_stopped` is cut off before: the server ends its holder as well, and
        some of those that wait would get through.
        """
        self.cut()
        self.database.halt(how)

    def copy_logs(self, target: Path) -> None:
        """Copy the log of each process to a folder of the caller's."""
        target.mkdir(parents=True, exist_ok=True)
        for log in self.folder.rglob("*.log"):
            shutil.copyfile(log, target / log.name)

    def heal(self) -> None:
        """Bring back whatever a scenario left broken."""
        if self.database.process is None:
            self.database.start()
        if self.broker.process is None:
            self.broker.start()
        if self.rabbit is not None and self.rabbit.process is None:
            self.rabbit.start()
        self.fleet.heal()
        wait_for(self.web_ready, "the API")


def wait_for(done: Any, what: str, timeout: float = 60.0) -> None:
    """Poll until ``done()``; AssertionError with a sentence after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not ready within {timeout:g} s")
        time.sleep(0.05)
