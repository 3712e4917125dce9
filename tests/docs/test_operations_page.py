"""docs/operations.md names what there is: commands, processes, queues, log events, metrics."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.docs.pages import ROOT, block, page, section
from tests.processes import ALL_QUEUES

PAGE = page("docs/operations.md")


def column(heading: str) -> list[str]:
    """The first cells of the table below a heading, without their backticks."""
    rows = [line for line in section(PAGE, heading).splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip() for row in rows[2:]]


def test_each_command_stands_on_the_page() -> None:
    there = {path.stem for path in (ROOT / "webhooks/management/commands").glob("*.py")} - {"__init__"}
    assert {cell.strip("`").removeprefix("manage.py ") for cell in column("Commands")} == there


def test_each_process_of_up_stands_on_the_page_with_its_queues(commands: dict[str, list[str]]) -> None:
    named = {name.strip().lower() for cell in column("Processes") for name in cell.split(",")}
    assert named == set(commands) - {"receiver"}
    for name, command in commands.items():
        if "-Q" in command:
            place = command.index("-Q")
            part = " ".join(command[place - 4 : place + 2])
            assert re.search(rf"^\|.*{name}.*{re.escape(part)}", PAGE, re.MULTILINE), f"{name}: {part}"


def test_each_queue_stands_on_the_page() -> None:
    named = {name for cell in column("Queues") for name in re.findall(r"`([\w.]+)`", cell)}
    assert named | {"deliver.1", "deliver.2"} == set(ALL_QUEUES)


def test_each_event_of_the_log_and_each_metric_on_the_page_exists() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "webhooks").rglob("*.py"))
    for name in re.findall(r"^\| `([a-z_]+)` \|", section(PAGE, "Watching"), re.MULTILINE):
        assert f'"{name}"' in sources, name
    for name in re.findall(r"`clarion_(\w+)`", PAGE):
        assert f'"{name}"' in sources or f'"clarion_{name}"' in sources, name


def test_the_words_of_deliver_on_the_page_are_those_of_the_code() -> None:
    (listed,) = re.findall(r"`deliver` ends with one word: (.*?)\.\n", PAGE, re.DOTALL)
    from webhooks.guards.gate import Denial

    source = (ROOT / "webhooks/services/drain.py").read_text()
    words = set(re.findall(r'Drained\(\s*"(\w+)"', source)) | {str(denial) for denial in Denial}
    words |= set(re.findall(r'Drained\("(\w+)" if .*? else "(\w+)"', source)[0])
    task = (ROOT / "webhooks/tasks.py").read_text()
    words |= set(re.findall(r'return "(\w+)" if tenant_id else "(\w+)"', task)[0])
    assert set(re.findall(r"`(\w+)`", listed)) == words


@pytest.mark.parametrize("again", [1, 2])
def test_the_page_makes_secrets_for_compose_that_are_of_use(tmp_path: Path, again: int) -> None:
    commands = block(PAGE, "bash", "cat > .env")
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=tmp_path, check=True, timeout=60)
    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    Fernet(made["WEBHOOKS_ENCRYPTION_KEYS"])
    assert made["POSTGRES_PASSWORD"].isalnum(), "it becomes part of a URL"
    assert made["VALKEY_PASSWORD"].isalnum(), "it becomes part of a URL"
    assert len(made["SECRET_KEY"]) >= 50
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_each_check_of_the_doctor_stands_on_the_page(valkey: object) -> None:
    from webhooks.services import health

    checks = list(dict.fromkeys(finding.check for finding in health.examine(["default"])))
    assert [cell.strip("`") for cell in column("Doctor")] == checks


def test_the_numbers_about_failing_tasks_on_the_page_are_those_of_the_code() -> None:
    from webhooks.models import heartbeats
    from webhooks.services import task_failures
    from webhooks.services.health import backlog, database, processes

    text = section(PAGE, "Doctor")
    silent = heartbeats.SILENT_AFTER
    assert f"write every {heartbeats.INTERVAL:g} s" in text
    assert re.search(rf"^\| `beat` \| silent for {silent:g} s \| for {2 * silent:g} s", text, re.MULTILINE)
    sweep, skew = processes._SWEEP_AGE, database._SKEW
    assert re.search(rf"^\| `sweep` \| did not run for {sweep[0]:g} s \| for {sweep[1]:g} s", text, re.MULTILINE)
    assert re.search(rf"^\| `clock` \| this machine is {skew[0]:g} s .* \| {skew[1]:g} s \|$", text, re.MULTILINE)
    assert (backlog._DUE, backlog._UNROUTED, backlog._EXPIRED) == ((30, 300), (10, 60), (10, 60))
    assert f"alone for {task_failures.FIRST_PAUSE:g} s, then" in section(PAGE, "When a task fails")
    assert task_failures.LONGEST_PAUSE == 300
