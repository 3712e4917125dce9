"""Local processes that look like Docker containers to pytest-celery, which asks little of them.

That is: status, kill, restart, logs, readiness, a name and an id.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.throwaway import TestValkey
from webhooks.management.stack.ports import free_port
from webhooks.management.stack.service import launched

ROOT = Path(__file__).resolve().parent.parent
SHARDS = ("deliver.0", "deliver.1", "deliver.2", "deliver.3")
ALL_QUEUES = (*SHARDS, "deliver.slow", "dead_letter", "fan_out", "default", "process")
START = 180.0  # seconds for a worker to connect; two on an idle machine
STOP = 15.0  # seconds for a warm shutdown before the process group is killed
TAIL = 40  # lines of log shown when a test fails


def celery(command: str, app: str = "project") -> list[str]:
    """The beginning of a command line of Celery with the application of the module ``app``."""
    return [sys.executable, "-m", "celery", "-A", app, command]


class LocalProcess:
    """A child process that looks like a container to pytest-celery. Dies with the process that started it."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], ready_text: str) -> None:
        self.name = name
        self.id = secrets.token_hex(6)
        self.celeryconfig: dict[str, Any] = {}
        self._command = [part.replace("{id}", self.id) for part in command]
        self._env = dict(env)
        self._ready_text = ready_text
        self._lines: list[str] = []
        self._since = 0  # first line of the present run
        self._grown = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._ended = True  # of the log: everything the process wrote has been read

    @property
    def process(self) -> subprocess.Popen[str]:
        """The present child. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process

    @property
    def status(self) -> str:
        """``running`` or ``exited``, as Docker says it."""
        return "running" if self._process and self._process.poll() is None else "exited"

    def start(self) -> None:
        """Start a child in its own process group; does not wait until it is ready."""
        with self._grown:
            self._since = len(self._lines)
            self._ended = False
        self._process = subprocess.Popen(
            launched(self._command, on_parent_death=signal.SIGKILL),
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def ready(self, timeout: float = START) -> bool:
        """Wait until the present run has said that it is ready. AssertionError with its log otherwise."""
        return self.wait_for_log(self._ready_text, timeout, since_start=True)

    def wait_for_log(self, text: str, timeout: float, *, since_start: bool = False) -> bool:
        """Wait until ``text`` is in the log. AssertionError when time is up or the process has ended."""
        return self.wait_for_any_log([text], timeout, since_start=since_start) == text

    def wait_for_any_log(self, texts: Sequence[str], timeout: float, *, since_start: bool = False) -> str:
        """The first of ``texts`` that is in the log, waited for in the same way."""

        def found() -> str | None:
            lines = self._lines[self._since if since_start else 0 :]
            return next((text for text in texts if any(text in line for line in lines)), None)

        with self._grown:
            self._grown.wait_for(lambda: found() or self._ended, timeout)
            if text := found():
                return text
        raise AssertionError(f"{self.name} ({self.status}) never said {' or '.join(texts)}:\n{self.tail()}")

    def logs(self) -> str:
        """Everything written by all runs."""
        with self._grown:
            return "\n".join(self._lines)

    def tail(self) -> str:
        """The last lines of the log."""
        with self._grown:
            return "\n".join(self._lines[-TAIL:])

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal to the process (not its group). After SIGKILL it is gone when this returns."""
        number = _number(signal)
        self.process.send_signal(number)
        if number == _number("SIGKILL"):
            self.process.wait(STOP)

    def wait_exit(self, timeout: float = STOP) -> int:
        """Wait for the process to end and return its status (negative: the signal that ended it)."""
        return self.process.wait(timeout)

    def reload(self) -> None:
        """Nothing to do: ``status`` is always fresh."""

    def restart(self, timeout: float = STOP) -> None:
        """Stop in good order if running, start again and wait until ready."""
        if self.status == "running":
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
        self._kill_group()
        self.start()
        self.ready()

    def teardown(self) -> None:
        """End the process and its group; print its last words for the report of a failed test."""
        if self._process is None:
            return
        self._kill_group()
        print(f"--- {self.name}\n{self.tail()}")  # noqa: T201 - pytest shows it only for a failed test
        self._process = None

    def _kill_group(self) -> None:
        # The session outlives its leader as long as the leader's children run.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP)
        with self._grown:
            self._grown.wait_for(lambda: self._ended, STOP)

    def _read(self, stream: IO[str] | None) -> None:
        with contextlib.ExitStack() as stack:
            for line in stack.enter_context(stream) if stream else ():
                with self._grown:
                    self._lines.append(line.rstrip("\n"))
                    self._grown.notify_all()
        with self._grown:
            self._ended = True
            self._grown.notify_all()


class LocalWorker(LocalProcess):
    """``celery -A project worker``, with production's options."""

    def __init__(
        self,
        name: str,
        queues: Sequence[str],
        env: Mapping[str, str],
        *,
        concurrency: int = 8,
        pool: str = "threads",
        app: str = "project",
    ) -> None:
        self._queues = tuple(queues)
        super().__init__(
            name,
            [
                *celery("worker", app),
                *f"-P {pool} -c {concurrency} -Q {','.join(queues)} -n {name}@{{id}} -E".split(),
                *("--without-mingle", "--without-gossip"),
            ],
            env,
            " ready.",
        )

    def worker_name(self) -> str:
        """The part of the node name before the @."""
        return self.name

    def worker_queue(self) -> str:
        """The first queue it consumes."""
        return self._queues[0]

    def version(self) -> str:
        """The version of Celery it runs: ours."""
        import celery

        return str(celery.__version__)

    def log_level(self) -> str:
        return self._env.get("LOG_LEVEL", "INFO")


class LocalBroker:
    """A Valkey of its own on a fixed port that looks like a container. Its data survives kill and restart."""

    def __init__(self, data_dir: Path) -> None:
        self.name = "valkey"
        self.id = secrets.token_hex(6)
        self.valkey = TestValkey(data_dir, port=free_port(), persist=True)

    @property
    def celeryconfig(self) -> dict[str, str]:
        return {"url": self.valkey.url, "host_url": self.valkey.url}

    @property
    def status(self) -> str:
        return "running" if self.valkey.process and self.valkey.process.poll() is None else "exited"

    def start(self) -> None:
        self.valkey.start()

    def ready(self) -> bool:
        self.valkey.wait_ready()
        return True

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal. After SIGKILL it is gone when this returns."""
        if self.valkey.process is None:
            return
        self.valkey.process.send_signal(_number(signal))
        if _number(signal) == _number("SIGKILL"):
            self.valkey.process.wait(STOP)

    def reload(self) -> None:
        """Nothing to do: ``status`` is always fresh."""

    def restart(self, timeout: float = STOP) -> None:
        """Stop in good order if running, start on the same port with the same data."""
        self.valkey.stop()
        self.valkey.start()

    def logs(self) -> str:
        """The log of the present run."""
        return self.valkey.log_path.read_text(errors="replace")

    def teardown(self) -> None:
        self.valkey.stop()


def _number(name: str | int) -> int:
    return int(signal.Signals[name]) if isinstance(name, str) else name
