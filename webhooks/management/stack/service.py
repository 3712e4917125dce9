"""A server binary run as a child: what PostgreSQL and Valkey have in common."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from webhooks.errors import ClarionError
from webhooks.management.stack import ports

_LAUNCHER = Path(__file__).with_name("launcher.py")
START_TIMEOUT = 60.0  # seconds; crash recovery of a large database on a slow disk
STOP_TIMEOUT = 20.0  # seconds for an orderly stop before the process is killed


class StackFailure(ClarionError):
    """A part of the stack cannot be started."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account a server runs under; None fields: the caller's own."""

    uid: int | None = None
    gid: int | None = None


def launched(command: list[str], *, on_parent_death: signal.Signals, account: Account | None = None) -> list[str]:
    """``command`` wrapped so that it gets the signal when the *thread* that started it, or the process, ends.

    Linux only; elsewhere the wrapped command runs without that protection.
    """
    options = ["--parent", str(os.getpid()), "--signal", str(int(on_parent_death))]
    if account is not None and account.uid is not None:
        options += ["--uid", str(account.uid), "--gid", str(account.gid)]
    return [sys.executable, "-I", "-S", str(_LAUNCHER), *options, "--", *command]


class Service(ABC):
    """One embedded server. ``prepare()``, then either ``start()`` or a supervisor that runs ``command()``.

    Everything it keeps lies below ``data_dir`` (see ``Postgres.data_dir`` for the one exception).
    """

    name: str
    title: str
    stop_signal: signal.Signals  # asks for an orderly stop

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._wanted_port = port
        self.port = port or 0
        self.account = Account()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address with password, valid after ``prepare()``."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder and write the configuration. May be called again; keeps the data."""

    @abstractmethod
    def command(self) -> list[str]:
        """The argument vector, to be run under ``account`` with ``environment()``."""

    @abstractmethod
    def probe(self) -> str | None:
        """None when the server answers, else the reason why not yet."""

    def environment(self) -> dict[str, str]:
        """A small, fixed environment: the caller's PG*/LC_* variables must not change the server."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}

    def launch_command(self) -> list[str]:
        """``command()`` as a supervisor should run it: account changed, bound to the life of its parent."""
        return launched(self.command(), on_parent_death=self.stop_signal, account=self.account)

    @property
    def log_path(self) -> Path:
        """Where ``start()`` writes the server's own words."""
        return self.data_dir / f"{self.name}.log"

    def choose_port(self) -> None:
        """Keep the wanted port, or take a free one."""
        self.port = self._wanted_port or ports.free_port()

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Return when the server answers; StackFailure after ``timeout`` seconds or when its child ended."""
        deadline = time.monotonic() + timeout
        pause = 0.01
        while (reason := self.probe()) is not None:
            if self.process is not None and self.process.poll() is not None:
                raise StackFailure(f"{self.title} ended with status {self.process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StackFailure(f"{self.title} did not answer within {timeout:.0f} s: {reason}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)

    def last_words(self, lines: int = 5) -> str:
        """The end of the log, for error sentences."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    def start(self) -> Self:
        """Prepare, run as a child of this thread, wait until it answers; a lost race for a port is rerun."""
        for attempt in range(3):
            self.prepare()
            with self.log_path.open("wb") as log:
                self.process = subprocess.Popen(
                    self.launch_command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment(),
                    start_new_session=True,
                )
            try:
                self.wait_ready()
            except StackFailure:
                self.stop()
                if self._wanted_port or attempt == 2 or "in use" not in self.last_words(50):
                    raise
            else:
                break
        return self

    def stop(self) -> None:
        """Orderly stop of what ``start()`` started, killed after STOP_TIMEOUT. May be called twice."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self.stop_signal)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def kept_secret(path: Path) -> str:
    """The secret kept in the file ``path`` (mode 0600), made on first use: 32 random bytes, url-safe."""
    if path.exists():
        return path.read_text().strip()
    secret = secrets.token_urlsafe(32)
    write_private(path, secret)
    return secret


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` atomically with ``text``, readable by its owner only at every moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
