"""A disk that can be filled: some tables of the world moved to a tablespace on a small tmpfs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.world import World

_ROOM = 64 * 1024 * 1024  # bytes for what a scenario adds to the tables; the rest is filled in a moment
_SPACE = "faults_small"
_BYTES = """
SELECT sum(pg_total_relation_size(relid))::bigint FROM unnest(%s::regclass[]) AS t(root),
LATERAL (SELECT root AS relid UNION SELECT relid FROM pg_partition_tree(root)) AS part
"""
# Tables without partitions are their own only part.
_PARTS = """
WITH tables AS (SELECT %s::regclass AS relid UNION SELECT relid FROM pg_partition_tree(%s::regclass))
SELECT oid::regclass::text, relkind FROM pg_class
WHERE relkind IN ('r', 'i') AND (
    oid IN (SELECT relid FROM tables)
    OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT relid FROM tables))
)
"""


class SmallDisk:
    """Within the block the named tables (all partitions) and their indexes lie on the small disk."""

    def __init__(self, world: World, tables: Sequence[str]) -> None:
        self._world = world
        self._tables = list(tables)
        self._folder = Path(world.folder / "small-disk")

    @staticmethod
    def missing() -> str:
        """Why this machine cannot have one; empty when it can."""
        if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
            return "only root on Linux can mount a small file system to be filled"
        return ""

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        account = self._world.database.account
        owner = f"uid={account.uid},gid={account.gid}," if account.uid is not None else ""
        self._compact()
        ((present,),) = self._world.rows(_BYTES, [self._tables])
        options = f"{owner}mode=0700,size={present + _ROOM}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._folder)], check=True)
        try:
            self._as_superuser(f"CREATE TABLESPACE {_SPACE} LOCATION '{self._folder}'")
            self._as_superuser(f"GRANT CREATE ON TABLESPACE {_SPACE} TO clarion")
            self._move(_SPACE)
        except BaseException:
            self._unmount()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._move("pg_default")
            self._as_superuser(f"DROP TABLESPACE {_SPACE}")
        finally:
            self._unmount()

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free during the block."""
        ballast = self._folder / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65_536)
        with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 512)
        try:
            yield
        finally:
            ballast.unlink()

    def refusals(self) -> int:
        """How many statements have failed because there was no room, by the server's own log."""
        return self._world.database.log_path.read_text(errors="replace").count("No space left on device")

    def _as_superuser(self, statement: str) -> None:
        """The role of the application is none, so the server is ended and run alone for one statement."""
        database = self._world.database
        self._world.disconnect()
        database.halt(signal.SIGINT)
        database._single_user(database.cluster, f"{statement}\n")
        database.start()

    def _compact(self) -> None:
        """Leave no free space inside the tables: rows would still fit there after the disk is full."""
        for name, kind in self._parts():
            if kind == "r":
                self._world.rows(f"VACUUM FULL {name}")

    def _parts(self) -> list[tuple[str, str]]:
        """Name and kind (r: table, i: index) of everything that is to lie on the disk."""
        return [(name, kind) for table in self._tables for name, kind in self._world.rows(_PARTS, [table, table])]

    def _move(self, space: str) -> None:
        parts = self._parts()
        for name, kind in parts:
            self._world.rows(f"ALTER {'TABLE' if kind == 'r' else 'INDEX'} {name} SET TABLESPACE {space}")

    def _unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=False)
