"""The peers' virtual environment: made once from ``requirements.txt``, kept beside it, ignored by git."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REQUIREMENTS = FOLDER / "requirements.txt"
_PLACE = FOLDER / ".venv"
_TIMEOUT = 600.0  # seconds for an installation over a slow line


class PeerUnavailable(Exception):
    """A peer cannot be installed or prepared, so that there is nothing to compare with."""


def peer_python() -> str:
    """The Python that the peers are installed in; installs them when the requirements have changed."""
    stamp = _PLACE / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    python = _PLACE / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(_PLACE, ignore_errors=True)
        try:
            venv.create(_PLACE, with_pip=True, symlinks=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PeerUnavailable(f"{_PLACE} cannot be made: {error}") from error
        run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS))
        stamp.write_text(wanted)
    return str(python)


def run(*command: str, variables: dict[str, str] | None = None) -> str:
    """Run a program in the folder of the peers; what it printed. PeerUnavailable with its last words."""
    try:
        done = subprocess.run(
            command, cwd=FOLDER, env=variables, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailable(f"{' '.join(command)}: not done within {_TIMEOUT:g} s") from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise PeerUnavailable(f"{' '.join(command)} ended with status {done.returncode}: {last}")
    return done.stdout
