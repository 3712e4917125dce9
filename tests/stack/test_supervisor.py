"""Programs under supervision: real processes, each a line of Python."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.stack.processes import family, wait_for_end
from webhooks.management.stack.output import Output, ProcessStream
from webhooks.management.stack.supervisor import Program, Supervisor

FOREVER = "import time\nprint('here', flush=True)\ntime.sleep(600)"
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER


class Screen(io.StringIO):
    """Standard output that can be waited for."""

    async def expect(self, text: str, count: int = 1) -> None:
        async with asyncio.timeout(30):
            while self.getvalue().count(text) < count:
                await asyncio.sleep(0.01)


def program(name: str, text: str, **options: object) -> Program:
    command = [sys.executable, "-I", "-S", "-c", text]
    return Program(name, command, dict(os.environ), Path.cwd(), **options)  # type: ignore[arg-type]


def supervise(
    programs: list[Program], scenario: Callable[[Supervisor, Screen], Awaitable[None]]
) -> tuple[str, list[dict[str, int]]]:
    """Run a scenario with every program started; what was printed, and the pids after each change."""
    screen = Screen()
    seen: list[dict[str, int]] = []

    async def run() -> None:
        names = [each.name for each in programs]
        supervisor = Supervisor(programs, Output(["up", *names], screen), lambda: seen.append(supervisor.pids))
        await supervisor.open()
        try:
            for name in names:
                await supervisor.start(name)
            await scenario(supervisor, screen)
        finally:
            await supervisor.close()

    asyncio.run(run())
    return screen.getvalue(), seen


def test_a_killed_program_is_started_again_and_both_pids_are_told() -> None:
    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("here")
        first = supervisor.pids["worker"]
        os.kill(first, signal.SIGKILL)
        await screen.expect("here", 2)
        second = supervisor.pids["worker"]
        await screen.expect(f"[up]     worker (pid {first}) ended by SIGKILL; restarted as pid {second}\n")

    _, seen = supervise([program("worker", FOREVER)], scenario)
    assert len({pids["worker"] for pids in seen if pids}) == 2
    assert seen[-1] == {}


def test_a_program_that_keeps_ending_is_started_with_pauses_and_never_given_up() -> None:
    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("next start in 2 s")
        assert supervisor.keeps_ending("broken")

    said, _ = supervise([program("broken", "raise SystemExit(3)")], scenario)
    assert "broken (pid " in said
    assert "ended with status 3; restarted as pid" in said
    assert "next start in 1 s" in said


def test_the_last_words_of_a_crash_are_shown_with_its_name() -> None:
    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        assert await supervisor.finished("setup") == 1

    text = "print('\\n'.join(str(n) for n in range(20000)), end=''); raise ValueError('the very end')"
    said, _ = supervise([program("setup", text, once=True)], scenario)
    lines = said.splitlines()
    assert "[setup] 19999" in lines
    assert "[setup] ValueError: the very end" in lines


def test_a_program_that_runs_once_is_not_started_again() -> None:
    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        assert await supervisor.finished("setup") == 0
        await screen.expect("here")

    said, seen = supervise([program("setup", "print('once')", once=True), program("other", FOREVER)], scenario)
    assert said.count("once") == 1
    assert [pids for pids in seen if "setup" in pids]


def test_a_program_that_ignores_the_stop_signal_is_killed_when_its_time_is_over() -> None:
    pids: list[int] = []

    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("here")
        pids.extend(supervisor.pids.values())
        await supervisor.stop(["deaf"])

    supervise([program("deaf", DEAF, stop_timeout=0.3)], scenario)
    assert pids
    assert wait_for_end(pids, 0) == []


def test_a_stop_in_a_hurry_does_not_wait_for_a_program_that_hangs() -> None:
    pids: list[int] = []

    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("here")
        pids.extend(supervisor.pids.values())
        stopping = asyncio.create_task(supervisor.stop(["deaf"]))
        await asyncio.sleep(0)
        supervisor.kill(["deaf"])
        async with asyncio.timeout(20):
            await stopping

    supervise([program("deaf", DEAF, stop_timeout=600.0)], scenario)
    assert wait_for_end(pids, 0) == []


def test_what_a_killed_program_leaves_behind_is_killed_too_and_does_not_disturb_its_successor() -> None:
    """The child keeps the pipes of its killed parent open."""
    parent = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {FOREVER!r}]).wait()"
    left: list[int] = []

    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("here", 2)
        for name in ("parent", "other", "parent", "other"):
            pid = supervisor.pids[name]
            left.extend(family(pid))
            os.kill(pid, signal.SIGKILL)
            await screen.expect(f"[{name}]", screen.getvalue().count(f"[{name}]") + 1)

    said, _ = supervise([program("parent", parent), program("other", FOREVER)], scenario)
    assert len(left) == 6
    assert wait_for_end(left) == []
    assert "Exception" not in said


def test_programs_do_not_get_the_interrupt_of_the_terminal() -> None:
    async def scenario(supervisor: Supervisor, screen: Screen) -> None:
        await screen.expect("here")
        for pid in supervisor.pids.values():
            assert os.getsid(pid) == pid
            assert os.getsid(pid) != os.getsid(0)

    supervise([program("worker", FOREVER)], scenario)


def test_lines_are_whole_and_cannot_move_the_cursor_of_the_terminal() -> None:
    screen = io.StringIO()
    stream = ProcessStream(Output(["up", "worker"], screen), "worker")
    for part in (b"half", b" a line\nnext \x1b[2J\x9b1mline\r\n\n  \nb\xff", b"d"):
        stream({"data": part, "name": "stdout", "pid": 1})
    stream({"data": b"other\n", "name": "stderr", "pid": 1})
    stream.close()
    assert screen.getvalue() == (
        "[worker] half a line\n[worker] next  [2J\ufffd1mline \n[worker] other\n[worker] b\ufffdd\n"
    )
