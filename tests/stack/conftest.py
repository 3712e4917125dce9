"""Folders that PostgreSQL's own account can enter; pytest's ``tmp_path`` is closed to it when root tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder, deleted afterwards."""
    yield from _make_folder()


@pytest.fixture(scope="module")
def module_folder() -> Iterator[Path]:
    """The same for all tests of a module."""
    yield from _make_folder()


def _make_folder() -> Iterator[Path]:
    """As a generator, for fixtures of either scope."""
    path = Path(tempfile.mkdtemp(prefix="clarion-stack-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)
