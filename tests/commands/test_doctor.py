"""``manage.py doctor`` on real processes: what it says, and its exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from tests.nodes import WorkerNode, Workers
from tests.processes import ALL_QUEUES, ROOT
from tests.waiting import eventually
from webhooks.management.commands import doctor
from webhooks.models import Heartbeat

SAFE = {  # settings of production, which leave nothing to warn of
    "WEBHOOKS_PUBLIC_URL": "https://clarion.example", "WEBHOOKS_ALLOW_HTTP": "0", "WEBHOOKS_ALLOWED_CIDRS": "",
    "WEBHOOKS_SECURITY_CONTACT": "mailto:security@clarion.example",
    "WEBHOOKS_SECURITY_EXPIRES": f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}",
}  # fmt: skip


class Doctor:
    """Runs the command on this test's database and broker."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env

    def __call__(self, *options: str, status: int, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor", *options],
            cwd=ROOT, env={**self.env, **SAFE, **env}, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout, "nobody asked for colours"
        return done.stdout

    def checks(self, *options: str, status: int, **env: str) -> dict[str, dict[str, Any]]:
        """The findings by the name of the check."""
        answer = json.loads(self("--json", *options, status=status, **env))
        assert answer["status"] == ("failed" if status else answer["status"])
        return {finding["check"]: finding for finding in answer["checks"]}


@pytest.fixture
def run(stack_env: Mapping[str, str]) -> Doctor:
    return Doctor(stack_env)


@pytest.fixture
def stack(worker_nodes: Workers, valkey: redis.Redis) -> WorkerNode:
    """One worker for all queues, beat, and a sweep that has run."""
    worker = worker_nodes(name="all")
    worker_nodes.beat()
    eventually(lambda: Heartbeat.objects.count() == 3)
    return worker


def test_a_stack_that_is_well_is_all_ok(stack: WorkerNode, run: Doctor) -> None:
    lines = run("--strict", status=0).splitlines()
    told = [line for line in lines[2:-2] if line]
    assert all(line.startswith("ok ") for line in told), "\n".join(lines)
    assert any(f"all {len(ALL_QUEUES)} have a worker" in line for line in told)
    assert any(f"1 alive: {stack.hostname()}" in line for line in told)
    assert lines[-1] == f"{len(told)} ok"


def test_a_warning_fails_only_the_strict(stack: WorkerNode, run: Doctor) -> None:
    shown = run(status=0, DEBUG="1")
    warning = next(line for line in shown.splitlines() if line.startswith("warning"))
    assert "DEBUG" in warning
    assert shown.splitlines()[-1].startswith("1 to look at, ")
    run("--strict", status=1, DEBUG="1")


def test_a_worker_that_hangs_is_found_and_its_queues_are_named(stack: WorkerNode, run: Doctor) -> None:
    stack.kill("SIGSTOP")
    try:
        checks = run.checks(status=1)
    finally:
        stack.kill("SIGCONT")
    assert checks["workers"]["status"] == "warning"
    assert stack.hostname() in checks["workers"]["found"]
    assert checks["queues"]["status"] == "failed"
    assert all(queue in checks["queues"]["found"] for queue in ALL_QUEUES)
    assert "-Q deliver.0," in checks["queues"]["advice"]


def test_a_queue_that_nobody_listens_to_is_found(worker_nodes: Workers, valkey: redis.Redis, run: Doctor) -> None:
    worker_nodes([queue for queue in ALL_QUEUES if queue != "deliver.slow"])
    worker_nodes.beat()
    eventually(lambda: Heartbeat.objects.count() == 3)
    assert run.checks(status=1)["queues"]["found"] == "no worker listens to deliver.slow"


def test_without_any_process_it_says_what_is_missing(run: Doctor, valkey: redis.Redis, transactional_db: None) -> None:
    checks = run.checks(status=1)
    failed = {name for name, finding in checks.items() if finding["status"] == "failed"}
    assert failed == {"workers", "queues", "beat", "sweep"}
    assert all(checks[name]["advice"] for name in failed)


def test_a_worker_whose_clock_is_off_is_found(worker_nodes: Workers, valkey: redis.Redis, run: Doctor) -> None:
    worker = worker_nodes(app="tests.workers.late")
    eventually(Heartbeat.objects.exists)
    finding = run.checks(status=1)["clocks of workers"]
    assert finding["status"] == "failed"
    assert re.fullmatch(rf"{worker.hostname()} is 9\d s behind the database", finding["found"])  # and what it took


def test_a_database_that_is_away_is_said_without_its_password(run: Doctor, valkey: redis.Redis) -> None:
    away = "postgresql://clarion:very-secret@127.0.0.1:1/clarion"
    lines = run(status=1, DATABASE_URL=away).splitlines()
    assert lines[2].startswith("failed   database")
    assert "127.0.0.1:1/clarion does not answer" in lines[2]
    assert lines[3].strip().startswith("-> ")
    assert any(line.startswith("ok       broker") for line in lines)
    assert not any("very-secret" in line for line in lines)


def test_settings_that_would_stop_other_commands_are_findings_here(
    run: Doctor, valkey: redis.Redis, transactional_db: None
) -> None:
    checks = run.checks(status=1, WEBHOOKS_ENCRYPTION_KEYS="no-key")
    assert "webhooks.E002" in checks["settings"]["found"]


def test_it_asks_for_the_queues_that_workers_listen_to() -> None:
    assert doctor._queues() == list(ALL_QUEUES)


@pytest.mark.parametrize("width", [40, 80, 240])
def test_long_sentences_are_folded_under_their_column(width: int) -> None:
    finding = doctor.Finding("queues", doctor.Status.FAILED, "a word " * 30, "do this " * 20)
    lines = [line.plain for line in doctor._lines(finding, width)]
    assert all(len(line) <= max(width, 51) for line in lines)
    assert lines[0].startswith("failed   queues              a word")
    assert all(line.startswith(" " * 29) for line in lines[1:])
    assert sum("-> do this" in line for line in lines) == 1
