"""The packages of tests/node: libraries of receivers and providers, and their examples."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def installed() -> Path:
    """The folder they are in, made once for each lock file; two test processes take turns."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("Node and npm are needed to verify signatures with the libraries of receivers: install Node 20+.")
    source = ROOT / "tests" / "node"
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = ROOT / ".pytest_cache" / f"node-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder / file.name)
        if not (folder / "installed").exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
            assert done.returncode == 0, f"npm ci: {done.stderr}"
            (folder / "installed").touch()
    return folder
