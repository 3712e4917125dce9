"""The stack under demonstration: ``manage.py up`` as a child process on free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from webhooks.errors import ClarionError
from webhooks.management.stack.service import launched
from webhooks.management.stack.state import read_json

BREAKER_COOLDOWN = 5  # seconds instead of 60: what always fails is to be given up within the minute
_READY_TIMEOUT = 150.0  # seconds until everything answers, on a slow disk and busy cores
_STOP_TIMEOUT = 60.0  # seconds for an orderly stop of a dozen processes
_OWN_PREFIXES = ("WEBHOOKS_", "CLARION_", "DATABASE_", "REDIS_", "CELERY_", "FLOWER_", "SECRET_KEY")


class DemoFailure(ClarionError):
    """The demonstration cannot go on."""


class StackRun:
    """``manage.py up`` on ``data_dir``, output in ``log``. Use as a context manager; leaves no process."""

    def __init__(self, project_dir: Path, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.log = self.data_dir / "demo.log"
        self._project_dir = project_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> StackRun:
        if (self.data_dir / "run.json").exists():
            raise DemoFailure(f"Clarion runs or was killed on {self.data_dir}: choose another --data-dir.")
        self._stream = self.log.open("wb")
        command = [sys.executable, "manage.py", "up", "--data-dir", str(self.data_dir), "--port-base", "0"]
        self._process = subprocess.Popen(
            # Should the demonstration be killed, the kernel asks the stack to stop.
            launched(command, on_parent_death=signal.SIGTERM),
            cwd=self._project_dir,
            env=own_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demonstration alone, which then stops the stack
        )
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            _stop(process)
        if self._stream is not None:
            self._stream.close()

    @property
    def facts(self) -> dict[str, Any]:
        """run.json as it is now; empty while the stack is not ready."""
        return read_json(self.data_dir / "run.json")

    @property
    def receiver_state(self) -> Path:
        """The state folder of the stack's demonstration receiver."""
        return self.data_dir / "receiver"

    def wait_ready(self) -> dict[str, Any]:
        """run.json as soon as everything answers. DemoFailure when the stack ends or takes too long."""
        deadline = time.monotonic() + _READY_TIMEOUT
        while not (facts := self.facts):
            self.check_alive()
            if time.monotonic() > deadline:
                raise DemoFailure(f"The stack was not ready after {_READY_TIMEOUT:.0f} s: see {self.log}")
            time.sleep(0.1)
        return facts

    def check_alive(self) -> None:
        """DemoFailure with the last lines of the log when the stack has ended."""
        status = self._process.poll() if self._process else None
        if status is not None:
            words = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
            raise DemoFailure(f"The stack ended with status {status}. The end of {self.log}:\n{words}")


def own_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what configures a Clarion.

    With the DATABASE_URL of production in the environment, a demonstration would otherwise write its events
    there.
    """
    rest = {name: value for name, value in caller.items() if not name.startswith(_OWN_PREFIXES)}
    return {**rest, "WEBHOOKS_BREAKER_COOLDOWN": str(BREAKER_COOLDOWN)}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT, as Ctrl-C does; if that takes too long, SIGKILL, and the kernel ends its children."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
