"""What the demonstration receiver knows of each path: its secrets and how it is to behave.

The table lies in ``<state dir>/routes.json`` (mode 0600: it holds signing secrets). Whoever creates a webhook
that points at the receiver adds a route; the running receiver reads the file again when it has changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from webhooks.management.stack.service import write_private

_FILE = "routes.json"


@dataclass(frozen=True, slots=True)
class Route:
    """One path. The defaults verify and answer 200 at once.

    ``secrets``: the ``whsec_`` secrets that are valid now. ``delay``: seconds before the answer.
    ``fail_first``: so many requests of each ``webhook-id`` get 500. ``status``: what all others get.
    """

    secrets: tuple[str, ...]
    delay: float = 0.0
    fail_first: int = 0
    status: int = 200


def add_routes(state_dir: Path, routes: Mapping[str, Route]) -> None:
    """Add or replace the routes of some paths (``/demo/slow``), keeping all others."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = state_dir / _FILE
    known = _read(file) if file.exists() else {}
    write_private(file, msgspec.json.encode({**known, **routes}).decode())


class RouteTable:
    """The routes as the file says at the moment of each look. One table may be used by several threads."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / _FILE
        self._seen: tuple[tuple[int, int, int] | None, dict[str, Route]] = (None, {})

    def get(self, path: str) -> Route | None:
        """The route of a path, None when nobody has told of it.

        Writers replace the file in one step, so a reader sees the old or the new table, never half of one.
        ValueError when somebody else has put something into the file that is no table.
        """
        version = self._version()
        if version != self._seen[0]:
            self._seen = (version, _read(self._file) if version else {})
        return self._seen[1].get(path)

    def _version(self) -> tuple[int, int, int] | None:
        try:
            status = os.stat(self._file)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def _read(file: Path) -> dict[str, Route]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Route])
    except msgspec.DecodeError as error:
        raise ValueError(f"{file} is no table of routes: {error}") from error
