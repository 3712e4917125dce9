"""``manage.py up`` as a person uses it: a terminal, real servers, real signals."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.stack.processes import PROJECT, READY, Up, clean_environment, family, wait_for_end
from webhooks.management.stack.ports import free_port

pytestmark = pytest.mark.timeout(600)  # seconds; a start is ten processes, perhaps on one busy core

WORKERS = {"delivery-1", "delivery-2", "slow", "dead-letter", "general", "processing"}
PROGRAMS = WORKERS | {"postgres", "valkey", "web", "beat", "flower", "receiver"}


@pytest.fixture(scope="module")
def stack(module_folder: Path) -> Iterator[Up]:
    """One running stack for all tests that do not stop it."""
    with Up(module_folder / "data", "--port-base", "0") as up:
        up.expect(READY)
        yield up


def _get(url: str, authorization: str | None = None) -> int:
    request = urllib.request.Request(url)  # noqa: S310 - loopback
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _up(data_dir: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "up", "--data-dir", str(data_dir), *options],
        cwd=PROJECT,
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_run_json_tells_everything_that_is_needed_to_use_the_stack(stack: Up) -> None:
    facts = stack.facts
    assert stack.run_file.stat().st_mode & 0o777 == 0o600
    assert facts["pids"].keys() <= PROGRAMS
    assert facts["pids"].keys() >= PROGRAMS - {"web"}  # another test may have just killed that one
    assert all(psutil.pid_exists(pid) for pid in facts["pids"].values())
    site = facts["api_url"].removesuffix("/api")
    assert _get(f"{site}/readyz") == 200
    assert _get(facts["metrics_url"]) == 200
    assert _get(f"{facts['api_url']}/webhooks", f"Bearer {facts['api_key']}") == 200
    assert _get(f"{facts['api_url']}/webhooks", "Bearer clk_no_key") == 401


def test_flower_needs_the_login_and_no_secret_is_in_a_command_line(stack: Up) -> None:
    facts = stack.facts
    login = f"{facts['flower_user']}:{facts['flower_password']}"
    known = "Basic " + base64.b64encode(login.encode()).decode()
    stranger = "Basic " + base64.b64encode(b"clarion:guessed").decode()
    for page in ("", "workers", "tasks", "broker", "api/workers", "api/tasks", "api/task/types", "metrics"):
        url = facts["flower_url"] + page
        assert (_get(url), _get(url, stranger), _get(url, known)) == (401, 401, 200), page
    assert _get(facts["flower_url"] + "healthcheck") == 200, "it says OK and nothing else, for whoever restarts it"
    secrets = [facts[name] for name in ("flower_password", "admin_password", "api_key", "platform_key")]
    secrets += [url.rpartition("@")[0].rpartition(":")[2] for url in (facts["database_url"], facts["redis_url"])]
    for pid in family(stack.process.pid):
        words = " ".join(_look(pid, lambda process: process.cmdline()))
        assert not [secret for secret in secrets if secret in words]


def test_callers_wait_while_a_killed_web_process_is_started_again(stack: Up) -> None:
    url = stack.facts["api_url"].removesuffix("/api") + "/readyz"
    os.killpg(stack.facts["pids"]["web"], signal.SIGKILL)
    assert _get(url) == 200


def test_no_child_inherits_the_lock(stack: Up) -> None:
    lock = str(stack.data_dir / "up.lock")
    holders = [
        pid
        for pid in family(stack.process.pid)
        if lock in _look(pid, lambda process: [file.path for file in process.open_files()])
    ]
    assert holders == [stack.process.pid]


def _look(pid: int, at: Callable[[psutil.Process], list[str]]) -> list[str]:
    """What a process shows; nothing when it has ended meanwhile, as PostgreSQL's own helpers do."""
    try:
        return at(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return []


def test_a_second_up_on_the_same_folder_says_who_runs_and_changes_nothing(stack: Up) -> None:
    before = stack.run_file.read_bytes()
    second = _up(stack.data_dir)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"pid {stack.process.pid} at {stack.facts['api_url']}" in second.stderr
    assert stack.run_file.read_bytes() == before


@pytest.mark.parametrize("name", ["delivery-1", "beat"])
def test_a_killed_process_is_restarted_said_so_and_run_json_follows(stack: Up, name: str) -> None:
    first = stack.facts["pids"][name]
    os.kill(first, signal.SIGKILL)
    said = stack.expect(rf"\[up\] +{name} \(pid {first}\) ended by SIGKILL; restarted as pid (\d+)")
    assert stack.facts["pids"][name] == int(said[1])


def test_a_killed_up_leaves_no_process_and_the_next_one_goes_on_with_data_and_keys_until_ctrl_c(
    folder: Path,
) -> None:
    data_dir = folder / "data"
    with Up(data_dir, "--bare", "--port-base", "0") as up:
        up.expect(READY)
        first = up.facts
        assert (first["api_key"], first["receiver_url"]) == (None, None)
        assert "receiver" not in first["pids"]
        children = family(up.process.pid)[1:]
        up.process.kill()
        assert wait_for_end(children) == []
        assert up.run_file.exists()
    with Up(data_dir, "--bare", "--port-base", "0") as up:
        up.expect(READY)
        second = up.facts
        assert {name: second[name] for name in ("platform_key", "admin_password", "flower_password")} == {
            name: first[name] for name in ("platform_key", "admin_password", "flower_password")
        }
        everything = family(up.process.pid)
        up.press_ctrl_c()
        assert up.wait() == 0
        assert wait_for_end(everything, 0) == []
        assert not up.run_file.exists()
        assert "Traceback" not in up.said()


def test_a_second_ctrl_c_during_the_start_does_not_wait_for_a_worker_that_hangs(folder: Path) -> None:
    with Up(folder / "data", "--bare", "--port-base", "0") as up:
        up.expect(r"\[web\] .*Starting gunicorn")  # after the workers, while they still load
        (worker,) = (
            pid for pid in family(up.process.pid) if "deliver.slow" in _look(pid, lambda process: process.cmdline())
        )
        psutil.Process(worker).suspend()
        up.press_ctrl_c()
        up.expect("stopping; Ctrl-C again stops at once")
        everything = family(up.process.pid)
        up.press_ctrl_c()
        assert up.wait(18) == 0  # one orderly stop waits 20 s for the worker
        assert wait_for_end(everything, 0) == []


def test_an_unreachable_database_is_one_sentence_and_nothing_is_left_running(folder: Path) -> None:
    port = free_port()
    url = f"postgresql://me:secret@127.0.0.1:{port}/shop"
    ended = _up(folder / "data", "--port-base", "0", DATABASE_URL=url)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"postgresql://me:***@127.0.0.1:{port}/shop" in ended.stderr
    assert "DATABASE_URL" in ended.stderr
    assert "systemctl start postgresql" in ended.stderr
    assert "secret" not in ended.stdout + ended.stderr
    assert "[up]" in ended.stdout.splitlines()[-1]
    assert "stopped" in ended.stdout.splitlines()[-1]
    assert not (folder / "data" / "run.json").exists()
