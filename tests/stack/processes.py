"""Watching processes that are not our children: whether they have ended, and what ``manage.py up`` says."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

PROJECT = Path(__file__).resolve().parents[2]
READY = r"Ctrl-C stops everything"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_OWN = (
    "WEBHOOKS_",
    "DATABASE_",
    "REDIS_",
    "CELERY_",
    "CLARION_",
    "SECRET_KEY",
    "DEBUG",
    "FLOWER_",
    "PYTEST_",
)


def wait_for_end(pids: list[int], timeout: float = 30.0) -> list[int]:
    """Those of ``pids`` that still run after ``timeout`` seconds. A zombie has ended."""
    deadline = time.monotonic() + timeout
    alive = []
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            if not select.select([handle], [], [], max(deadline - time.monotonic(), 0))[0]:
                alive.append(pid)
        finally:
            os.close(handle)
    return alive


def family(pid: int) -> list[int]:
    """A process and everything below it."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def clean_environment() -> dict[str, str]:
    """This process's environment without what the test run has put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}


class Up:
    """``manage.py up`` in the foreground of a terminal of its own."""

    def __init__(self, data_dir: Path, *options: str, **variables: str) -> None:
        self.data_dir = data_dir
        self._screen, terminal = pty.openpty()
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--data-dir", str(data_dir), *options],
            cwd=PROJECT,
            env=clean_environment() | variables,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),  # Ctrl-C needs it
        )
        os.close(terminal)
        # Always read: a full terminal would stop the whole stack.
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        rest = ""
        while True:
            try:
                data = os.read(self._screen, 65_536)
            except OSError:  # nobody has the other side of the terminal open any more
                data = b""
            *lines, rest = _ANSI.sub("", rest + data.decode(errors="replace")).split("\n")
            with self._news:
                self._lines += [line.rstrip("\r") for line in lines]
                self._ended = not data
                self._news.notify_all()
            if not data:
                return

    def expect(self, pattern: str, timeout: float = 240.0) -> re.Match[str]:
        """The first line that matches, of all that was said or will be said within ``timeout`` seconds."""
        checked = 0

        def found() -> re.Match[str] | bool:
            nonlocal checked
            for line in self._lines[checked:]:
                checked += 1
                if match := re.search(pattern, line):
                    return match
            return self._ended

        with self._news:
            match = self._news.wait_for(found, timeout)
        if isinstance(match, re.Match):
            return match
        raise AssertionError(f"{pattern!r} was not said:\n{self.said()}")

    def said(self) -> str:
        """Everything said so far."""
        with self._news:
            return "\n".join(self._lines)

    def press_ctrl_c(self) -> None:
        """What the terminal sends goes to every process of the foreground group, as from a keyboard."""
        os.write(self._screen, b"\x03")

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for the end; the exit status."""
        status = self.process.wait(timeout)
        self._reader.join()
        return status

    @property
    def run_file(self) -> Path:
        """run.json."""
        return self.data_dir / "run.json"

    @property
    def facts(self) -> dict[str, Any]:
        """The content of run.json now."""
        content: dict[str, Any] = json.loads(self.run_file.read_text())
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pids = family(self.process.pid) if self.process.poll() is None else []
        if pids:
            self.process.send_signal(signal.SIGTERM)
        self.wait()
        os.close(self._screen)
        if wait_for_end(pids, 5):
            raise AssertionError(f"processes were left behind:\n{self.said()}")
