"""The data folder of a running Clarion: its lock, its kept secrets, and what others need to know to use it.

``up.lock``       held while ``manage.py up`` runs; holds {"pid", "api_url"} of the holder
``secrets.json``  keys, passwords and tokens that a later run needs again (mode 0600)
``run.json``      addresses, logins and process ids of the running stack (mode 0600); absent when stopped
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from cryptography.fernet import Fernet

from webhooks.management.stack.service import StackFailure, write_private

ADMIN_USER = "admin"
RECEIVER_FOLDER = "receiver"  # state of the demonstration receiver, in the data folder
_GRACE = 10.0  # seconds an orphan gets to end by itself


class State:
    """``folder`` and its files. Entering the context takes the lock, leaving it removes run.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            # PostgreSQL's own account must be able to pass through when root runs Clarion.
            self.folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self._take_lock()
        self._end_orphans()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run_file.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def run_file(self) -> Path:
        """run.json."""
        return self.folder / "run.json"

    @property
    def secrets_file(self) -> Path:
        """secrets.json."""
        return self.folder / "secrets.json"

    def announce(self, api_url: str) -> None:
        """Tell a second ``up`` on this folder who runs already."""
        self._sign({"pid": os.getpid(), "api_url": api_url})

    def secrets(self) -> dict[str, Any]:
        """The kept secrets, each made on first use."""
        kept = read_json(self.secrets_file)
        if not kept and (self.folder / "postgres").exists():
            raise StackFailure(
                f"{self.secrets_file} is gone or unreadable, and with it the keys of the database beside it: "
                f"bring the file back, or move {self.folder} away to start empty."
            )
        made: dict[str, Any] = {
            "secret_key": secrets.token_urlsafe(50),
            "encryption_keys": [Fernet.generate_key().decode()],
            "admin_password": secrets.token_urlsafe(12),
            "flower_password": secrets.token_urlsafe(12),
            "api_key": None,
            "platform_key": None,
        }
        if missing := made.keys() - kept.keys():
            kept |= {name: made[name] for name in missing}
            self.keep(kept)
        return kept

    def keep(self, kept: dict[str, Any]) -> None:
        """Write secrets.json."""
        write_private(self.secrets_file, json.dumps(kept, indent=2) + "\n")

    def publish(self, facts: dict[str, Any]) -> None:
        """Write run.json."""
        write_private(self.run_file, json.dumps(facts, indent=2) + "\n")

    def _take_lock(self) -> None:
        self._lock = os.open(self.folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = read_json(self.folder / "up.lock")
            os.close(self._lock)
            self._lock = None
            where = f" at {holder['api_url']}" if holder.get("api_url") else ""
            raise StackFailure(
                f"Clarion already runs on {self.folder} (pid {holder.get('pid', 'unknown')}{where}): "
                "stop it first, or choose another folder with --data-dir."
            ) from None
        self._sign({"pid": os.getpid()})

    def _sign(self, holder: dict[str, Any]) -> None:
        if self._lock is None:
            raise RuntimeError("the lock is not held")
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, json.dumps(holder).encode(), 0)

    def _end_orphans(self) -> None:
        """Children of a killed ``up`` (only where the kernel does not end them with it).

        Invariant: nothing but our own child is signalled. A process that took over a listed id later began
        after run.json was written.
        """
        try:
            written = self.run_file.stat().st_mtime
        except FileNotFoundError:
            return
        orphans = []
        for pid in read_json(self.run_file).get("pids", {}).values():
            try:
                process = psutil.Process(pid)
                if process.create_time() <= written and process.status() != psutil.STATUS_ZOMBIE:
                    process.terminate()
                    orphans.append(process)
            except psutil.Error:
                continue
        _, alive = psutil.wait_procs(orphans, timeout=_GRACE)
        for process in alive:
            process.kill()
        self.run_file.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; empty when there is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
