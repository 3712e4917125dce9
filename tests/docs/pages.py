"""Reading the documentation: files, fenced blocks, headings, links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def page(name: str) -> str:
    """The text of a page, named from the root of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same or a higher level."""
    found = list(_HEADING.finditer(_BLOCK.sub(lambda block: "\0" * len(block[0]), text)))
    for number, match in enumerate(found):
        if match[2] == heading:
            later = (other.start() for other in found[number + 1 :] if len(other[1]) <= len(match[1]))
            return text[match.end() : next(later, len(text))]
    raise LookupError(f"there is no heading {heading!r}")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return [content for found, content in _BLOCK.findall(text) if found == language]


def block(text: str, language: str, containing: str) -> str:
    """The one fenced block of a language that contains a text."""
    found = [content for content in blocks(text, language) if containing in content]
    if len(found) != 1:
        raise LookupError(f"{len(found)} {language} blocks contain {containing!r}")
    return found[0]


def anchors(text: str) -> set[str]:
    """The fragments that a page's headings give, as GitHub makes them."""
    without = _BLOCK.sub("", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for _, heading in _HEADING.findall(without)}
