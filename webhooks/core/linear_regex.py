"""Regular expressions whose time grows with the text and no faster: RE2 instead of Python's ``re``.

Attack: ``^(a+)+$`` on thirty letters keeps a backtracking engine busy for hours. RE2 has no backtracking; what
needs it (look-around, back-references) is refused when the expression is compiled.
"""

from __future__ import annotations

import re

import re2

# Bytes for one compiled expression: about 2500 instructions, so that the worst text costs 50 us a byte and no more.
_MEMORY = 262_144
# Instructions times bytes of one search, 20 ns each at worst: 0.4 s.
MAX_WORK = 20_000_000

# A four-digit escape of JSON Schema (ECMA-262) as RE2 spells it.
_UNICODE = re.compile(r"((?:^|[^\\])(?:\\\\)*)\\u([0-9a-fA-F]{4})")


class UnsupportedPattern(ValueError):
    """RE2 does not take the expression; the message says why."""


class Pattern:
    """A compiled expression. ``size``: its instructions."""

    __slots__ = ("_compiled", "size")

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        try:
            self._compiled = re2.compile(_translated(text), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise UnsupportedPattern(_reason(error)) from None
        self.size = int(self._compiled.programsize)

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in the text (expressions of JSON Schema are not anchored)."""
        return self._compiled.search(text) is not None


def _translated(text: str) -> str:
    before = None
    while before != text:  # escapes side by side share the character between them
        before, text = text, _UNICODE.sub(r"\1\\x{\2}", text)
    return text


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    detail = said.decode(errors="replace") if isinstance(said, bytes) else "cannot be read"
    return f"is not a regular expression that runs in linear time (RE2): {detail}"
