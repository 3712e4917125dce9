"""Keeping programs alive, on circus: start in order, restart and say so, stop in order."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import zmq
from circus.arbiter import Arbiter
from circus.process import DEAD_OR_ZOMBIE, UNEXISTING
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

from webhooks.management.stack.output import Output, ProcessStream
from webhooks.management.stack.service import Account, launched

_CHECK_INTERVAL = 0.2  # seconds between looks for dead children
_SETTLED = 10.0  # seconds after which a process counts as having started well
_LONGEST_PAUSE = 30.0  # seconds between starts of a process that keeps ending


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. ``environment`` is complete: nothing is added to it."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20.0  # seconds for an orderly end before SIGKILL
    on_parent_death: signal.Signals = signal.SIGKILL
    account: Account = field(default_factory=Account)
    once: bool = False  # ends by itself and is not restarted
    inherits: bool = False  # gets the inheritable file descriptors of this process


class Supervised(Watcher):  # type: ignore[misc]
    """One program as a circus watcher with one process.

    It differs from circus's own in three points: a process that keeps ending is started again after growing
    pauses but never given up; its last output is read before its pipes are closed; each end is told.
    """

    def __init__(self, program: Program, output: Output, changed: Callable[[], None]) -> None:
        stream = {"stream": ProcessStream(output, program.name)}
        command = launched(program.command, on_parent_death=program.on_parent_death, account=program.account)
        super().__init__(
            program.name,
            shlex.quote(command[0]),
            args=command[1:],
            env=program.environment,
            working_dir=str(program.folder),
            stop_signal=program.stop_signal,
            graceful_timeout=program.stop_timeout,
            stdout_stream=stream,
            stderr_stream=stream,
            use_sockets=program.inherits,
            autostart=False,
            respawn=not program.once,
            hooks={"after_reap": (self._ended, True), "after_spawn": (self._began, True)},
        )
        self.finished: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._output = output
        self._changed = changed
        self._began_at = 0.0
        self._not_before = 0.0
        self.quick_ends = 0
        self._last_end = ""

    async def spawn_processes(self) -> None:
        """Called by circus whenever the process is missing."""
        if time.monotonic() < self._not_before:
            return
        if self.spawn_process() is False:
            self._postpone(f"{self.name} cannot be started")

    async def manage_processes(self) -> None:
        """Called by circus every _CHECK_INTERVAL; its own version drops dead processes without a word."""
        for process in list(self.processes.values()):
            if process.status in (DEAD_OR_ZOMBIE, UNEXISTING):
                self.reap_process(process.pid)
        await super().manage_processes()

    def reap_process(self, pid: int, status: int | None = None) -> None:
        """Called by circus for each end; it closes the pipes, so their rest is read first.

        The loop must forget them before they are closed: a grandchild may hold the other side open, no end of
        file ever comes, and the next process that gets one of these descriptor numbers could not be watched.
        """
        if process := self.processes.get(pid):
            for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
                if not pipe.closed:
                    _drain(pipe.fileno(), name, pid, self.stdout_stream)
            if self.stream_redirector:
                self.stream_redirector.remove_redirections(process)
        super().reap_process(pid, status)

    def _began(self, *, pid: int, **_: Any) -> bool:
        self._began_at = time.monotonic()
        self._changed()
        if self._last_end:
            self._say(f"{self._last_end}; restarted as pid {pid}")
            self._last_end = ""
        return True

    def _ended(self, *, process_pid: int, exit_code: int | None, **_: Any) -> None:
        self.stdout_stream.close()
        _kill_group(process_pid)  # what it leaves behind would hold its port or its queues
        if not self.finished.done():
            self.finished.set_result(exit_code if exit_code is not None else -1)
        if self.respawn and not self.is_stopping():
            self._last_end = f"{self.name} (pid {process_pid}) ended {_how(exit_code)}"
            settled = time.monotonic() - self._began_at > _SETTLED
            self.quick_ends = 0 if settled else self.quick_ends + 1
            if self.quick_ends > 1:
                self._postpone(self._last_end)
                self._last_end = f"{self.name} was down"
        self._changed()

    def _say(self, text: str) -> None:
        self._output.line("up", text)

    def _postpone(self, reason: str) -> None:
        pause = min(2.0 ** max(self.quick_ends - 2, 0), _LONGEST_PAUSE)
        self._not_before = time.monotonic() + pause
        self._say(f"{reason}, soon after its start and not for the first time; next start in {pause:.0f} s")


class Supervisor:
    """The programs of one stack, in one circus arbiter inside the running asyncio loop.

    Attack: circus takes orders over ZeroMQ without asking who gives them, and runs any command it is given.
    The endpoints are therefore ``inproc``: nobody outside this process can reach them.
    """

    def __init__(self, programs: list[Program], output: Output, changed: Callable[[], None]) -> None:
        self._watchers = {program.name: Supervised(program, output, changed) for program in programs}
        self._context = zmq.Context()
        self._arbiter = Arbiter(
            list(self._watchers.values()),
            "inproc://control",
            "inproc://events",
            check_delay=_CHECK_INTERVAL,
            context=self._context,
            loop=IOLoop.current(),
            proc_name="clarion up",
        )

    async def open(self) -> None:
        """Begin to watch; starts no program yet."""
        await self._arbiter.start()

    async def start(self, name: str) -> None:
        """Start one program."""
        await self._watchers[name]._start()

    def listens(self, name: str, port: int) -> bool:
        """Whether the program has a listening socket on ``port``, not somebody else on this machine."""
        try:
            return any(
                connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
                for pid in self._watchers[name].processes
                for connection in psutil.Process(pid).net_connections("tcp")
            )
        except psutil.Error:  # it has just ended
            return False

    async def finished(self, name: str) -> int:
        """Wait for the end of a program that runs once; its exit status, negative for a signal."""
        return await self._watchers[name].finished

    def keeps_ending(self, name: str) -> bool:
        """Whether a program has ended several times soon after its start."""
        return self._watchers[name].quick_ends > 2

    def retire(self, names: Iterable[str]) -> None:
        """From now on an end of these programs is wanted: no restart."""
        for name in names:
            self._watchers[name].respawn = False

    async def stop(self, names: Iterable[str]) -> None:
        """Stop programs side by side: signal, up to ``stop_timeout``, SIGKILL."""
        # circus's public stop() excludes its own periodic check, which then logs an error every time.
        await asyncio.gather(*(self._watchers[name]._stop(True) for name in names if name in self._watchers))

    def kill(self, names: Iterable[str]) -> None:
        """SIGKILL programs and all their children at once; a running ``stop`` then returns soon."""
        for name in names:
            for pid in list(self._watchers[name].processes):
                _kill_group(pid)

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each running program."""
        return {name: pid for name, watcher in self._watchers.items() for pid in watcher.processes}

    async def close(self) -> None:
        """Stop whatever still runs, then circus itself."""
        await self.stop(self._watchers)
        self._arbiter.stop_controller_and_close_sockets()
        self._context.destroy(linger=0)


def _kill_group(pid: int) -> None:
    """SIGKILL a program and its children: each program leads a session and process group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _drain(descriptor: int, name: str, pid: int, stream: ProcessStream) -> None:
    """Hand over what is left in a pipe whose writer has ended; grandchildren may hold it open for ever."""
    os.set_blocking(descriptor, False)
    try:
        while data := os.read(descriptor, 65_536):
            stream({"data": data, "name": name, "pid": pid})
    except BlockingIOError:
        return


def _how(exit_code: int | None) -> str:
    """ "by SIGKILL" or "with status 1"."""
    if exit_code is None:
        return "unseen"
    if exit_code >= 0:
        return f"with status {exit_code}"
    try:
        return f"by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"by signal {-exit_code}"
