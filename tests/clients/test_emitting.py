"""clarion.emit, and the same from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import clarion
from clarion import emitting
from tests.api.wire import Web
from webhooks.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
PACKAGE = Path(clarion.__file__).parents[1]


@pytest.fixture
def where(web: Web, api_key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CLARION_URL", f"http://127.0.0.1:{web.port}/api")
    monkeypatch.setenv("CLARION_API_KEY", api_key)
    emitting._forget()
    yield
    emitting._client().close()
    emitting._forget()


def test_emit_publishes_by_one_client(where: None) -> None:
    first = clarion.emit("order.created", {"order": 1}, id="order-1")
    shared = emitting._shared
    assert clarion.emit("order.created", {"order": 1}, id="order-1").duplicate
    assert (first.id, emitting._shared is shared) == ("order-1", True)


def test_a_forked_process_opens_connections_of_its_own(where: None) -> None:
    clarion.emit("order.created", 1)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, b"none" if emitting._shared is None else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"none"
    os.close(reading)
    os.close(writing)


def test_the_shell_publishes_a_file(where: None, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"amount": 42.10}')
    command = [sys.executable, "-m", "clarion", "emit", "order.created", "--data"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    done = subprocess.run([*command, "@order.json"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    event = Event.objects.get()
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, event.public_id, "")
    assert bytes(event.data) == b'{"amount": 42.10}'
    bad = subprocess.run([*command, "{"], env=env, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stderr.startswith("data is not JSON text"), bad.stdout) == (1, True, "")
