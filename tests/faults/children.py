"""Child processes of the suite: each with a log file, in a session of its own, gone with the suite."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from webhooks.management.stack.service import launched

ROOT = Path(__file__).resolve().parents[2]
START = 180.0  # seconds to come up while other worlds keep both cores busy
TAIL = 4000  # characters of a log that a failure shows


class Child:
    """A program. ``ready``: what its log says when it works; empty: ready at once.

    Start it from a thread that lives as long as the child may: the kernel ties the two together.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        ready: str = "",
        descriptors: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = dict(env)
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._ready = ready
        self._descriptors = tuple(descriptors)
        self._begins = 0  # where the log of the present run begins

    @property
    def alive(self) -> bool:
        """Whether it runs (or is frozen)."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process id; RuntimeError before the first start."""
        if self.process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self.process.pid

    def start(self) -> None:
        """Start it, without waiting until it is ready."""
        with self.log.open("ab") as log:
            self._begins = log.tell()
            self.process = subprocess.Popen(
                launched(self.command, on_parent_death=signal.SIGKILL),
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=self._descriptors,
            )

    @property
    def ready(self) -> bool:
        """Whether the present run has said that it is ready."""
        return self.alive and self._ready in self.text()

    def wait_ready(self, timeout: float = START) -> None:
        """Return when it is ready; AssertionError with the end of its log when it never is."""
        deadline = time.monotonic() + timeout
        while not self.ready:
            if not self.alive or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} never said {self._ready!r}:\n{self.text()[-TAIL:]}")
            time.sleep(0.05)

    def text(self) -> str:
        """The log of the present run."""
        with self.log.open("rb") as log:
            log.seek(self._begins)
            return log.read().decode(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process; nothing happens when it has just ended."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL the process and everything in its session; it is gone when this returns."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout: float = 15.0) -> None:
        """SIGTERM, and SIGKILL to what is left after ``timeout`` seconds."""
        if self.process is None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        self.kill()
