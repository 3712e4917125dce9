"""A TypeScript program against the types that openapi-typescript makes of the document compiles, and works."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.wire import Web
from webhooks.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent / "typescript"
DOCUMENT = ROOT / "docs" / "openapi.json"


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


@pytest.fixture(scope="module")
def program() -> Path:
    """The compiled program. Packages are installed once for each lock file, compiled once for each document."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("NODE AND NPM ARE MISSING: no TypeScript client is compiled. Install Node 20 or newer.")
    folder = ROOT / ".pytest_cache" / f"typescript-{_digest(SOURCE / 'package-lock.json')}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in SOURCE.iterdir():
            shutil.copy(file, folder / file.name)
        if not (folder / "installed").exists():
            _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            (folder / "installed").touch()
        compiled = folder / f"compiled-{_digest(DOCUMENT, SOURCE / 'smoke.ts', SOURCE / 'tsconfig.json')}"
        if not compiled.exists():
            generator = ("npx", "openapi-typescript", str(DOCUMENT), "-o", "schema.d.ts")
            _run(folder, *generator, "--default-non-nullable=false")
            _run(folder, "npx", "tsc", "--noEmitOnError")
            compiled.touch()
    return folder / "out" / "smoke.js"


@pytest.mark.timeout(240)
def test_a_typescript_client_compiles_and_publishes(program: Path, web: Web, api_key: str) -> None:
    env = {**os.environ, "CLARION_URL": f"http://127.0.0.1:{web.port}", "CLARION_API_KEY": api_key}
    done = subprocess.run(["node", str(program)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    event = Event.objects.get()
    assert told["published"]["id"] == event.public_id == "order-1001"
    assert bytes(event.data) == b'{"order":1001}'
    assert told["webhooks"] == ["https://receiver.example/hook"]
    assert (told["secret"], told["refused"]) == (True, ["/type"])
