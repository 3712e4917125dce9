"""The machinery of a run: services and processes of its own on free ports, gone when it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from webhooks.management.stack.embedded import Postgres, Valkey
from webhooks.management.stack.ports import free_port

SHARDS = "deliver.0,deliver.1,deliver.2,deliver.3"
WORKERS = {
    "delivery-1": ["-P", "threads", "-c", "16", "-Q", SHARDS],
    "delivery-2": ["-P", "threads", "-c", "16", "-Q", SHARDS],
    "general": ["-P", "threads", "-c", "8", "-Q", "fan_out,default,dead_letter,deliver.slow"],
}
_READY = 60.0  # seconds for a process to come up on a busy machine


class Machine:
    """PostgreSQL (durable, as in production), Valkey and a receiver; workers on demand.

    Given DATABASE_URL and REDIS_URL are used instead of own services; the database must be empty.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clarion-bench-"))
        self.folder.chmod(0o711)  # PostgreSQL may run under another account
        self.receiver = f"http://127.0.0.1:{free_port()}"
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        if not os.environ.get("DATABASE_URL"):
            postgres = Postgres(self.folder / "postgres", durable=True)
            self._stack.callback(postgres.remove)
            os.environ["DATABASE_URL"] = self._stack.enter_context(postgres).url
        if not os.environ.get("REDIS_URL"):
            valkey = self._stack.enter_context(Valkey(self.folder / "valkey", persist=False))
            os.environ |= {"REDIS_URL": valkey.database_url(1), "CELERY_BROKER_URL": valkey.database_url(0)}
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "SECRET_KEY": "benchmarks",
            "WEBHOOKS_ENCRYPTION_KEYS": "Y2xhcmlvbi10ZXN0cy1vbmx5LW5vdC1hLXNlY3JldCE=",
            "WEBHOOKS_ALLOW_HTTP": "1",
            "WEBHOOKS_ALLOWED_CIDRS": "127.0.0.0/8:*",
            "LOG_LEVEL": "WARNING",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        self._stack.enter_context(self._process(sys.executable, "-m", "benchmarks.receiver", self.receiver[17:]))
        wait_until(lambda: self.ask("/count") == "0", "the receiver")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from django.db import connection

        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        self._stack.close()

    def ask(self, path: str) -> str:
        """A ``GET`` to the receiver, empty while it is not up."""
        try:
            with urllib.request.urlopen(self.receiver + path) as answer:  # noqa: S310 - our own receiver
                text: str = answer.read().decode()
                return text
        except OSError:
            return ""

    @contextlib.contextmanager
    def workers(self, app: str = "project", **processes: list[str]) -> Iterator[None]:
        """Celery workers by name and options, ready when the body begins; stopped after it."""
        with contextlib.ExitStack() as stack:
            for name, options in processes.items():
                command = ["celery", "-A", app, "worker", "-n", f"{name}@bench", "-l", "WARNING", *options]
                stack.enter_context(self._process(sys.executable, "-W", "ignore", "-m", *command))
            from project.celery import app as celery

            wait_until(lambda: len(celery.control.ping(timeout=0.5)) >= len(processes), "the workers")
            yield

    @contextlib.contextmanager
    def beat(self) -> Iterator[None]:
        """Celery beat, for the sweep."""
        schedule = str(self.folder / "beat")
        with self._process(sys.executable, "-m", "celery", "-A", "project", "beat", "-s", schedule, "-l", "WARNING"):
            yield

    @contextlib.contextmanager
    def _process(self, *command: str) -> Iterator[None]:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(done: Callable[[], bool], what: str, timeout: float = _READY, pause: float = 0.05) -> None:
    """Poll until ``done()``; give up with a sentence after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not done within {timeout:g} s")
        time.sleep(pause)
