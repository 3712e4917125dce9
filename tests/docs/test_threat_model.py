"""docs/threat-model.md: each claim names a test, and the tests exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

import pytest

from tests.docs.pages import ROOT, page

PAGE = "docs/threat-model.md"
_ID = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[[^`]*\])?`")
_CLAIMS = re.compile(r"^\| Claim \| Test \|\n\|---\|---\|\n((?:\|.*\|\n)+)", re.MULTILINE)


def claims() -> list[tuple[str, str]]:
    """(claim, cell of its tests) of every table."""
    rows = [row for table in _CLAIMS.findall(page(PAGE)) for row in table.splitlines()]
    return [(claim.strip(), tests.strip()) for _, claim, tests, _ in (row.split("|") for row in rows)]


@lru_cache
def named_in(file: str) -> frozenset[str]:
    """The names of the test functions of a file, without importing it."""
    path = ROOT / file
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module(body=[], type_ignores=[])
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in functions if name.startswith("test_"))


def test_there_are_claims() -> None:
    assert len(claims()) > 50
    assert page(PAGE).count("| Claim | Test |") == len(_CLAIMS.findall(page(PAGE))), "a table that is not read"


@pytest.mark.parametrize(("claim", "cell"), claims(), ids=[claim[:50] for claim, _ in claims()])
def test_each_claim_ends_in_tests_that_exist(claim: str, cell: str) -> None:
    named = _ID.findall(cell)
    assert named, f"no test stands behind: {claim}"
    assert not _ID.sub("", cell).strip(" ,"), f"the cell of {claim!r} holds more than tests"
    missing = [f"{file}::{name}" for file, name in named if name not in named_in(file)]
    assert missing == []


def test_what_the_text_names_exists_too() -> None:
    for file, name in _ID.findall(page(PAGE)):
        assert name in named_in(file), f"{file}::{name}"


def test_a_test_that_does_not_exist_is_found() -> None:
    assert "test_there_are_claims" in named_in("tests/docs/test_threat_model.py")
    assert named_in("tests/docs/nowhere.py") == frozenset()
