"""The servers of a world and what can be done to them: PostgreSQL, Valkey, RabbitMQ."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import redis

from webhooks.management.stack.embedded import Postgres, StackFailure, Valkey
from webhooks.management.stack.ports import free_port
from webhooks.management.stack.service import launched

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # where Debian's package puts it


class Database(Postgres):
    """A durable PostgreSQL on a fixed port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "postgres", port=free_port())

    def halt(self, how: signal.Signals) -> None:
        """End the server: SIGINT is its "fast", SIGQUIT its "immediate" shutdown (recovery at the next start)."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP all its processes: connections are accepted by the kernel and nobody answers."""
        with _frozen(self.process.pid if self.process else None):
            yield


class Broker(Valkey):
    """A persistent Valkey on a fixed port: broker in database 0, guards in database 1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "valkey", port=free_port())

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP: a broker that accepts connections and never answers."""
        with _frozen(self.process.pid if self.process else None):
            yield

    def client(self) -> redis.Redis:
        """A client of database 0."""
        return redis.Redis.from_url(self.url, socket_timeout=10)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Out of memory: with noeviction every command that would need more is refused."""
        with self.client() as client:
            client.config_set("maxmemory", "1")
            try:
                yield
            finally:
                client.config_set("maxmemory", "0")


@contextlib.contextmanager
def _frozen(pid: int | None) -> Iterator[None]:
    if pid is None:
        raise RuntimeError("the server does not run")
    server = psutil.Process(pid)
    family = [server, *server.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


class Rabbit:
    """A RabbitMQ of its own on loopback, with its own port mapper; durable across ``kill`` and ``start``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "rabbitmq"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self._mapper_port, self._distribution = free_port(), free_port(), free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        (self.folder / "rabbitmq.conf").write_text("loopback_users = none\nlog.console = true\nlog.file = false\n")
        (self.folder / "enabled_plugins").write_text("[].\n")

    @staticmethod
    def installed() -> bool:
        """Whether this machine has the server."""
        return RABBITMQ.exists() and shutil.which("epmd") is not None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it accepts connections; StackFailure with its log when it does not."""
        mapper = shutil.which("epmd") or "epmd"
        if self._mapper is None:
            command = [mapper, "-port", str(self._mapper_port), "-address", "127.0.0.1"]
            self._mapper = self._run(command, "epmd.log")
        self.process = self._run([str(RABBITMQ)], "rabbitmq.log")
        deadline = time.monotonic() + 90
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "rabbitmq.log").read_text(errors="replace")
                raise StackFailure(f"RabbitMQ does not start:\n{log[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL the server and its helpers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End everything."""
        self.kill()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()
            self._mapper = None

    def _run(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        folder = str(self.folder)
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": folder,  # of the Erlang cookie
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"faults{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        }
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(
                launched(command, on_parent_death=signal.SIGKILL),
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
