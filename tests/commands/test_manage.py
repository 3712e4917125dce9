"""``manage.py`` itself: one sentence where a newcomer would meet a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def _manage(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_database_that_does_not_answer_is_one_sentence_without_its_password() -> None:
    url = "postgresql://clarion:very-secret@127.0.0.1:1/clarion"
    done = _manage("emit", "order.created", "--tenant", "demo", DATABASE_URL=url)
    assert done.returncode == 1
    assert "The database does not answer (DATABASE_URL: 127.0.0.1:1/clarion;" in done.stderr
    assert "manage.py up" in done.stderr
    assert "Traceback" not in done.stderr
    assert "very-secret" not in done.stderr


def test_another_kind_of_database_is_refused_in_one_sentence() -> None:
    done = _manage("check", DATABASE_URL="mysql://root@127.0.0.1/clarion")
    assert done.returncode == 1
    assert done.stderr.startswith("Clarion is not configured: DATABASE_URL starts with 'mysql'")
    assert len(done.stderr.splitlines()) == 1
