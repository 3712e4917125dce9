"""What is made of the client is what is checked in."""

from __future__ import annotations

import filecmp
import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_maker", CLIENT / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_client_is_that_of_the_openapi_document(maker: ModuleType, tmp_path: Path) -> None:
    maker.make(tmp_path)
    for name in maker.MADE:
        made, checked_in = tmp_path / name, CLIENT / "clarion" / name
        assert not _differences(made, checked_in), "clients/python is old: make client"


def _differences(one: Path, other: Path) -> list[str]:
    if one.is_file():
        return [] if one.read_bytes() == other.read_bytes() else [one.name]
    compared = filecmp.dircmp(one, other, ignore=["__pycache__"])
    _, changed, odd = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    found = [*compared.left_only, *compared.right_only, *changed, *odd]
    for folder in compared.common_dirs:
        found += [f"{folder}/{name}" for name in _differences(one / folder, other / folder)]
    return found


def test_it_needs_httpx_and_attrs_alone(maker: ModuleType) -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert [need.split(">")[0] for need in project["dependencies"]] == ["httpx", "attrs"]
    imported = {
        line.split()[1].partition(".")[0]
        for file in (CLIENT / "clarion").rglob("*.py")
        for line in file.read_text().splitlines()
        if line.startswith(("import ", "from ")) and not line.startswith("from .")
    }
    assert imported - sys.stdlib_module_names - {"clarion"} == {"httpx", "attrs"}
