"""Links inside the documentation lead somewhere, and nothing private is left in it."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, page

_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def links(name: str) -> list[str]:
    """The targets of a page that are no URLs."""
    without_code = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page(name), flags=re.MULTILINE | re.DOTALL)
    found = (first or second for first, second in _LINK.findall(without_code))
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


@pytest.mark.parametrize("name", PAGES)
def test_each_link_leads_to_a_file_and_a_heading(name: str) -> None:
    folder = (ROOT / name).parent
    for link in links(name):
        file, _, fragment = link.partition("#")
        target = (folder / file).resolve() if file else ROOT / name
        assert target.exists(), f"{name} links to {file}, which does not exist"
        if fragment:
            assert fragment in anchors(target.read_text()), f"{name} links to {link}"


def test_each_page_of_the_documentation_is_reached_from_its_index() -> None:
    linked = set(links("docs/index.md"))
    others = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert others <= linked


@pytest.mark.parametrize("name", PAGES)
def test_no_page_promises_or_leaves_notes(name: str) -> None:
    assert not re.search(r"\b(TODO|FIXME|coming soon|will be available)\b", page(name), re.IGNORECASE)
