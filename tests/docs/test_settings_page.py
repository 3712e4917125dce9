"""docs/settings.md names every setting with its default."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.docs.pages import ROOT, page
from webhooks.conf import Settings

_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_READ = re.compile(r'env\.(?:text|boolean|words|typed|mapping|redis)\(\s*"([A-Z_]+)"')
OWN = {f"WEBHOOKS_{name}": default for name, default in vars(Settings).items() if name.isupper()}


def rows() -> dict[str, str]:
    """Name -> default, as the page shows it."""
    found = _ROW.findall(page("docs/settings.md"))
    names = [name for name, *_ in found]
    assert len(names) == len(set(names)), "a setting is there twice"
    return {name: default for name, default, _, _ in found}


def shown(default: Any) -> str:
    """A default as the page has to show it."""
    if default in ((), ""):
        return "empty"
    return (
        f"`{int(default) if default == int(default) else default}`"
        if isinstance(default, float | int)
        else f"`{default}`"
    )


@pytest.mark.parametrize(("name", "default"), OWN.items())
def test_each_setting_of_clarion_stands_on_the_page_with_its_default(name: str, default: Any) -> None:
    assert rows()[name] == shown(default)


def test_the_page_names_exactly_the_variables_that_are_read() -> None:
    read = set(_READ.findall((ROOT / "project/settings.py").read_text()))
    assert read, "the pattern no longer fits project/settings.py"
    assert set(rows()) == read | set(OWN)
