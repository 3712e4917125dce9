"""The data folder: one holder at a time, secrets that last, no orphan and no stranger harmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.processes import wait_for_end
from webhooks.management.stack.service import StackFailure
from webhooks.management.stack.state import State


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with State(tmp_path) as first:
        first.announce("http://127.0.0.1:1/api")
        with (
            pytest.raises(StackFailure, match=rf"pid {os.getpid()} at http://127.0.0.1:1/api.*--data-dir"),
            State(tmp_path),
        ):
            pass
        first.publish({"api_url": "here"})
        assert first.run_file.exists()
    with State(tmp_path):
        pass


def test_files_with_secrets_are_closed_to_others_from_their_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)  # the most careless one
    try:
        with State(tmp_path / "data") as state:
            state.secrets()
            state.publish({"pids": {}})
            for file in (state.secrets_file, state.run_file, state.folder / "up.lock"):
                assert file.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
    assert not state.run_file.exists()


def test_secrets_are_the_same_in_the_next_run(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        first = state.secrets()
        state.keep(first | {"api_key": "clk_x"})
    with State(tmp_path) as state:
        assert state.secrets() == first | {"api_key": "clk_x"}


def test_lost_secrets_are_not_replaced_while_a_database_depends_on_them(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with State(tmp_path) as state, pytest.raises(StackFailure, match="bring the file back"):
        state.secrets()


def test_a_child_that_a_killed_run_left_behind_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"pids": {"web": sleeper.pid}}))
    with State(tmp_path):
        assert wait_for_end([sleeper.pid], 5) == []


def test_a_process_that_got_the_pid_of_a_former_child_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"pids": {"web": sleeper.pid}}))
    os.utime(tmp_path / "run.json", (0, 0))  # written long before that process began
    with State(tmp_path):
        assert sleeper.poll() is None
