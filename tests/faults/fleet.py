"""The processes of Clarion, started by the very commands of ``manage.py up`` and started again when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.children import ROOT, START, Child
from webhooks.management.stack import plan

DELIVERY = ("delivery-1", "delivery-2")
WORKERS = (*DELIVERY, "slow", "dead-letter", "general", "processing")
ALL = ("web", *WORKERS, "beat")
LONGEST_TASK = 40.0  # seconds a worker may take to end on SIGTERM before that is a fault of its own
_LOOK = 0.1  # seconds between looks for processes that have ended

# What a program says when it works. gunicorn's line comes from a child after Django is loaded.
_READY = {"web": "Booting worker", "beat": "beat: Starting..."}


class Fleet:
    """web, workers and beat. A thread starts again whatever ends, as ``manage.py up`` does."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._base = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("WEBHOOKS_", "PYTEST"))},
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "CLARION_DATA_DIR": str(folder),
            "LOG_FORMAT": "text",
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
            **settings,
        }
        options = plan.Options(folder, ROOT, port_base=0, bare=True)
        self._addresses = plan.choose_addresses(options)
        for name in ("flower", "postgres", "valkey"):
            self._addresses.release(name)
        self.origin = self._addresses.site
        self._base["WEBHOOKS_PUBLIC_URL"] = self.origin  # http: no redirect to https
        programs = plan.programs(options, self._addresses, [], self._base, "unused")
        web = self._addresses.web_descriptor
        self._children = {
            program.name: self._child(program.name, program.command, self._base, (web,) if program.inherits else ())
            for program in programs
            if program.name in ALL
        }
        self._wanted: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.exits: list[tuple[str, int, float]] = []  # name, status (negative: signal), unix seconds

    @property
    def env(self) -> dict[str, str]:
        """The environment of Clarion's processes, for a command beside them."""
        return dict(self._base)

    def run(self) -> None:
        """Start everything and return when all of it is ready."""
        self._wanted |= set(self._children)
        self._thread = threading.Thread(target=self._supervise, name="fleet", daemon=True)
        self._thread.start()
        self.wait_ready()

    def child(self, name: str) -> Child:
        return self._children[name]

    def freeze(self, name: str) -> None:
        """SIGSTOP: it lives, holds what it holds, and does nothing."""
        self._children[name].send(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._children[name].send(signal.SIGCONT)

    def wait_ready(self, *names: str) -> None:
        """Wait until the named programs (all that are wanted) work."""
        deadline = time.monotonic() + START
        for name in names or sorted(self._wanted):
            while not self._children[name].ready:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} is not ready:\n{self._children[name].text()[-4000:]}")
                time.sleep(0.05)

    def kill(self, name: str) -> None:
        """SIGKILL; it is gone when this returns, and started again at once."""
        with self._lock:
            self._children[name].kill()

    def deploy(self, name: str) -> float:
        """SIGTERM, wait for the end, wait until the new one works; seconds until the old one had ended."""
        child, began = self._children[name], time.monotonic()
        old = child.pid
        child.send(signal.SIGTERM)
        while child.pid == old:
            if time.monotonic() - began > LONGEST_TASK:
                raise AssertionError(f"{name} did not end within {LONGEST_TASK} s of SIGTERM:\n{child.text()[-4000:]}")
            time.sleep(0.02)
        took = time.monotonic() - began
        child.wait_ready()
        return took

    def hold(self, *names: str) -> None:
        """SIGKILL programs and do not start them again until :meth:`release`."""
        with self._lock:
            self._wanted -= set(names)
            for name in names:
                self._children[name].kill()

    def release(self, *names: str) -> None:
        """Start what was held, and wait until it works."""
        with self._lock:
            self._wanted |= set(names)
        self.wait_ready(*names)

    def add(self, name: str, like: str, **environment: str) -> None:
        """One more program, like another one with its own name and variables; see :meth:`remove`."""
        model = self._children[like]
        command = [part.replace(f"{like}@", f"{name}@") for part in model.command]
        command = [str(self._folder / name) if part.endswith("beat/schedule") else part for part in command]
        with self._lock:
            self._children[name] = self._child(name, command, {**self._base, **environment}, like=like)
            self._wanted.add(name)
        self.wait_ready(name)

    def remove(self, name: str) -> None:
        """End a program of :meth:`add` in good order."""
        with self._lock:
            self._wanted.discard(name)
            child = self._children.pop(name)
        child.stop(LONGEST_TASK)

    def heal(self) -> None:
        """Thaw and start whatever a scenario left frozen or held, end what it added; wait until all works."""
        for name in set(self._children) - set(ALL):
            self.remove(name)
        for child in self._children.values():
            child.send(signal.SIGCONT)
        self.release(*ALL)

    def stop(self) -> None:
        """End everything."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5)
        with self._lock:
            for child in self._children.values():
                child.send(signal.SIGCONT)
                child.send(signal.SIGTERM)
            for child in self._children.values():
                child.stop(3.0)
        self._addresses.close()

    def _child(
        self,
        name: str,
        command: list[str],
        env: Mapping[str, str],
        descriptors: tuple[int, ...] = (),
        like: str = "",
    ) -> Child:
        ready = _READY.get(like or name, " ready.")
        return Child(name, command, env, self._folder / f"{name}.log", ready=ready, descriptors=descriptors)

    def _supervise(self) -> None:
        """Children are started by this thread only: the kernel ends a child with the thread that started it."""
        while not self._ending.wait(_LOOK):
            with self._lock:
                for name in sorted(self._wanted):
                    child = self._children[name]
                    if child.process is not None and child.process.poll() is not None:
                        self.exits.append((name, child.process.returncode, time.time()))
                    if not child.alive and not self._ending.is_set():
                        child.start()


def manage(env: Mapping[str, str], *arguments: str) -> str:
    """Run ``manage.py`` to its end and return what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout
