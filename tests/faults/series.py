"""A series of runs kept in a file, a line for each play: ten take hours, and can be interrupted and gone on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.children import ROOT
from tests.faults.invariants import Verdict
from tests.faults.scenario import Result, named

_TESTED = ("project", "webhooks")  # the code whose promises the plays are about


def begin(path: Path, events: int, quick: bool) -> list[Result]:
    """The plays that the file holds; a file that is not there is begun. A last line that was cut short is dropped.

    Raises ValueError for another kind of file, and for plays of other code or of another size: they would say nothing
    about this series. OSError when it cannot be read or written.
    """
    mine = {"code": _digest(), "events": events, "quick": quick}
    if not path.exists():
        path.write_text(json.dumps(mine) + "\n", encoding="utf-8")
        return []
    whole, _, torn = path.read_text(encoding="utf-8").rpartition("\n")
    try:
        theirs, *plays = (json.loads(line) for line in whole.splitlines())
        if theirs.keys() != mine.keys():
            raise ValueError
    except (ValueError, AttributeError):
        raise ValueError(f"{path} holds no series of plays: name another file") from None
    if differs := [name for name, value in mine.items() if theirs.get(name) != value]:
        raise ValueError(f"{path} holds plays with other {' and '.join(differs)}: name another file")
    if torn:
        path.write_text(f"{whole}\n", encoding="utf-8")
    return [_read(play) for play in plays]


def keep(path: Path, result: Result) -> None:
    """Add a play. One that was left out on this machine is not kept: another machine may play it."""
    if not result.skipped:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result) | {"scenario": result.scenario.name}) + "\n")


def _read(line: dict[str, Any]) -> Result:
    return Result(**{**line, "scenario": named(line["scenario"]), "verdict": Verdict(**line["verdict"])})


def _digest() -> str:
    """Changes with every file of the code that is tested."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterable[Path]:
    for folder in _TESTED:
        yield from (ROOT / folder).rglob("*.py")
