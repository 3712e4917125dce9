"""The machinery of a run: services and processes of its own on free ports, gone when it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import psutil

from webhooks.management.stack import plan
from webhooks.management.stack.embedded import Postgres, Valkey
from webhooks.management.stack.ports import free_port
from webhooks.management.stack.service import launched

# Name and options of each worker of ``manage.py up``; two of them deliver.
WORKERS = {
    name: ["-P", "threads", "-c", str(threads), "-Q", queues, "--without-gossip", "--without-mingle"]
    for name, (threads, queues) in plan._WORKERS.items()
}
ROOT = Path(__file__).resolve().parent.parent
_READY = 180.0  # seconds for a process to come up on a busy machine
_STOP = 15.0  # seconds for a process to end before it is killed
# Every statement is counted, with BEGIN and COMMIT. The role that runs the benchmark is no superuser.
COUNTING = {
    "shared_preload_libraries": "'pg_stat_statements'",
    "pg_stat_statements.track": "'top'",
    "pg_stat_statements.track_utility": "'on'",
}
SETUP = ("CREATE EXTENSION pg_stat_statements", "GRANT pg_checkpoint, pg_read_all_stats TO clarion")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "project.settings",
    "SECRET_KEY": "benchmarks",
    "WEBHOOKS_ENCRYPTION_KEYS": "Y2xhcmlvbi10ZXN0cy1vbmx5LW5vdC1hLXNlY3JldCE=",
    "WEBHOOKS_ALLOW_HTTP": "1",
    "WEBHOOKS_ALLOWED_CIDRS": "127.0.0.0/8:*",
    "LOG_LEVEL": "WARNING",
    **plan.ALLOCATOR,
}
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user
"""


class NotDone(Exception):
    """Something that a measurement waits for did not happen in time."""


@dataclass(frozen=True, slots=True)
class Site:
    """A Celery application to run workers of: by which Python, in which folder, with which variables added."""

    app: str = "project"
    python: str = sys.executable
    folder: Path = ROOT
    variables: Mapping[str, str] = field(default_factory=dict)


class Machine:
    """PostgreSQL (durable, as in production), Valkey and a receiver; workers on demand.

    On the servers of a given DATABASE_URL and REDIS_URL (and CELERY_BROKER_URL) no own ones are started. Either
    way it works in a database that it makes and drops; nobody else may use the broker meanwhile. One for each process:
    Django is set up once.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="clarion-bench-"))
        self.folder.chmod(0o711)  # PostgreSQL may run under another account
        self.receiver = f"http://127.0.0.1:{free_port()}"
        self.pids: dict[str, int] = {}  # of what it started and what still runs, by name
        self.server_url = ""  # the database of the server to log in to before one's own is made
        self._stack = contextlib.ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self._start_services()
            os.environ |= SETTINGS | {"DATABASE_URL": self._stack.enter_context(self.database("clarion_bench"))}
            self._set_django_up()
            port = str(urlsplit(self.receiver).port)
            self._stack.enter_context(self.process("receiver", sys.executable, "-m", "benchmarks.receiver", port))
            wait_until(lambda: self.ask("/count") == "0", "the receiver")
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start_services(self) -> None:
        self.server_url = os.environ.get("DATABASE_URL", "")
        if not self.server_url:
            postgres = Postgres(self.folder / "postgres", durable=True, settings=COUNTING, setup=SETUP)
            self._stack.callback(postgres.remove)
            self.server_url = self._stack.enter_context(postgres).url
            self._own("database", postgres.process)
        if not os.environ.get("REDIS_URL"):
            valkey = self._stack.enter_context(Valkey(self.folder / "valkey", persist=False))
            self._own("broker", valkey.process)
            os.environ |= {"REDIS_URL": valkey.database_url(1), "CELERY_BROKER_URL": valkey.database_url(0)}
        os.environ.setdefault("CELERY_BROKER_URL", os.environ["REDIS_URL"])

    def _own(self, name: str, process: subprocess.Popen[bytes] | None) -> None:
        assert process is not None
        self.pids[name] = process.pid
        self._stack.callback(self.pids.pop, name)

    def _set_django_up(self) -> None:
        import django
        from django.core.management import call_command

        django.setup()
        self._stack.callback(_disconnect)
        call_command("migrate", verbosity=0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A new, empty database on the server, dropped in the end; its URL."""
        import psycopg

        name = f"{name}_{os.getpid()}"
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(self.server_url)._replace(path=f"/{name}"))
        finally:
            with psycopg.connect(self.server_url, autocommit=True) as server:
                # not WITH (FORCE): without a superuser's rights that fails when autovacuum is in the database
                server.execute(_END_SESSIONS, [name])
                server.execute(f'DROP DATABASE "{name}"')

    def ask(self, path: str) -> str:
        """A ``GET`` to the receiver, empty while it is not up."""
        try:
            with urllib.request.urlopen(self.receiver + path) as answer:  # noqa: S310 - our own receiver
                text: str = answer.read().decode()
                return text
        except OSError:
            return ""

    @contextlib.contextmanager
    def workers(self, app: str | Site = "project", /, **processes: list[str]) -> Iterator[None]:
        """Celery workers by name and options, ready when the body begins; stopped after it."""
        site = Site(app) if isinstance(app, str) else app
        started = []
        try:
            for name, options in processes.items():
                command = ["-m", "celery", "-A", site.app, "worker", "-n", f"{name}@bench", "-l", "WARNING", *options]
                started.append(self._start(name, site.python, "-W", "ignore", *command, site=site))
            self._await_workers(list(processes))
            yield
        finally:
            self._stop(*started)

    def _await_workers(self, names: list[str]) -> None:
        wanted = {f"{name}@bench" for name in names}
        try:
            wait_until(lambda: wanted <= _answering(len(wanted)), "the workers")
        except NotDone as error:
            words = (f"{name}: {self.log(name).read_text(errors='replace').strip()[-500:]}" for name in names)
            raise NotDone("\n".join([str(error), *words])) from None

    @contextlib.contextmanager
    def beat(self) -> Iterator[None]:
        """Celery beat, for the sweep, started when the body begins."""
        folder = Path(tempfile.mkdtemp(prefix="beat-", dir=self.folder))
        command = [
            "-m",
            "celery",
            "-A",
            "project",
            "beat",
            "-s",
            str(folder / "schedule"),
            "--pidfile=",
            "-l",
            "WARNING",
        ]
        with self.process("beat", sys.executable, "-W", "ignore", *command):
            wait_until(lambda: any(folder.iterdir()), "beat")
            yield

    @contextlib.contextmanager
    def process(self, name: str, *command: str, site: Site | None = None) -> Iterator[None]:
        """Any other process of the run: ended with the body, and with this process. Its output: ``log(name)``."""
        started = self._start(name, *command, site=site)
        try:
            yield
        finally:
            self._stop(started)

    def _start(self, name: str, *command: str, site: Site | None = None) -> subprocess.Popen[bytes]:
        site = site or Site()
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                launched(list(command), on_parent_death=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **site.variables},
                cwd=site.folder,
            )
        self.pids[name] = process.pid
        return process

    def _stop(self, *processes: subprocess.Popen[bytes]) -> None:
        """All at once; a prefork worker that has to be killed takes its children with it."""
        for process in processes:
            process.terminate()
        end = time.monotonic() + _STOP
        for process in processes:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill(process)
        for name in [name for name, pid in self.pids.items() if pid in {process.pid for process in processes}]:
            del self.pids[name]

    def log(self, name: str) -> Path:
        """What a process printed."""
        return self.folder / f"{name}.log"

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds that each process of the run has used so far, with all that it started itself."""
        return {name: _cpu_seconds(pid) for name, pid in self.pids.items()}


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process, its living descendants, and the ended ones it has waited for."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(one.cpu_times()[:4])  # user, system, and both of children that were waited for
    return total


def _answering(count: int) -> set[str]:
    """Names of the workers that answer a ping, as soon as ``count`` did."""
    from project.celery import app

    return {name for reply in app.control.ping(timeout=0.5, limit=count) or () for name in reply}


def _kill(process: subprocess.Popen[bytes]) -> None:
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _disconnect() -> None:
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def wait_until(done: Callable[[], bool], what: str, timeout: float = _READY, pause: float = 0.05) -> None:
    """Poll every ``pause`` seconds until ``done()``; NotDone after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not done():
        if time.monotonic() > end:
            raise NotDone(f"{what}: not done within {timeout:g} s")
        time.sleep(pause)
