"""The stack under demonstration is a child process that is watched and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from webhooks.errors import ClarionError
from webhooks.management.demo.stack_run import DemoFailure, StackRun, own_environment

# Stands for the project's manage.py: announces itself as ``up`` does, ends on SIGINT as ``up`` does.
STAND_IN = """
import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[sys.argv.index("--data-dir") + 1])
(folder / "seen.json").write_text(json.dumps({"argv": sys.argv[1:], "pid": os.getpid()}))
print("hello from the stack", flush=True)
if (folder / "fail").exists():
    sys.exit(3)
try:
    (folder / "new").write_text('{"api_url": "http://127.0.0.1:1/api"}')
    (folder / "new").rename(folder / "run.json")
    time.sleep(300)
except KeyboardInterrupt:
    (folder / "run.json").unlink()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "manage.py").write_text(STAND_IN)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_it_starts_on_free_ports_and_stops_in_order(project: Path, data: Path) -> None:
    with StackRun(project, data) as stack:
        assert stack.wait_ready() == {"api_url": "http://127.0.0.1:1/api"}
        stack.check_alive()
        seen = json.loads((data / "seen.json").read_text())
        assert seen["argv"] == ["up", "--data-dir", str(data), "--port-base", "0"]
        assert psutil.pid_exists(seen["pid"])
    assert not psutil.pid_exists(seen["pid"])
    assert not (data / "run.json").exists()
    assert "hello from the stack" in stack.log.read_text()


def test_it_stops_when_the_demonstration_fails(project: Path, data: Path) -> None:
    def fail() -> None:
        with StackRun(project, data) as stack:
            stack.wait_ready()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not psutil.pid_exists(json.loads((data / "seen.json").read_text())["pid"])


def test_it_stops_when_the_demonstration_is_killed(project: Path, data: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from webhooks.management.demo.stack_run import StackRun\n"
        "with StackRun(Path(sys.argv[1]), Path(sys.argv[2])) as stack:\n"
        "    stack.wait_ready(); print('ready', flush=True); time.sleep(300)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(project), str(data)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    stack = psutil.Process(json.loads((data / "seen.json").read_text())["pid"])
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([stack], timeout=15)[1] == []


def test_a_stack_that_ends_is_told_with_its_last_words(project: Path, data: Path) -> None:
    (data / "fail").touch()
    with (
        StackRun(project, data) as stack,
        pytest.raises(DemoFailure, match=r"(?s)ended with status 3\..*hello from the stack"),
    ):
        stack.wait_ready()


def test_a_folder_in_use_is_refused(project: Path, data: Path) -> None:
    (data / "run.json").write_text("{}")
    with pytest.raises(ClarionError, match="choose another --data-dir"), StackRun(project, data):
        pass
    assert not (data / "seen.json").exists()


def test_the_operators_own_services_and_settings_are_left_alone(project: Path, data: Path) -> None:
    caller = {
        "PATH": "/bin",
        "DATABASE_URL": "postgresql://production",
        "DATABASE_URL_FILE": "/run/secrets/url",
        "REDIS_URL": "redis://production",
        "CELERY_BROKER_URL": "amqp://production",
        "CLARION_DATA_DIR": "/var/lib/clarion",
        "SECRET_KEY": "x",
        "FLOWER_URL": "https://flower",
        "WEBHOOKS_ALLOW_HTTP": "0",
    }
    assert own_environment(caller) == {"PATH": "/bin", "WEBHOOKS_BREAKER_COOLDOWN": "5"}


def test_the_command_ends_with_status_1_and_a_sentence_when_it_cannot_run(data: Path) -> None:
    (data / "run.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--data-dir", str(data)],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 1
    assert "choose another --data-dir" in done.stderr
    assert "Traceback" not in done.stderr
