"""An exception as text that may be stored and shown: places in the code, no values of variables, no secrets.

Attack: an exception's message quotes what could not be handled: a URL with a password, a row of a table, a token.
Messages are cut to their first line (PostgreSQL puts whole rows into the following ones) and masked.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webhooks.core.headers import MASK

SENTENCE = 300  # characters kept of a message
_FRAMES = 25  # innermost places kept of one exception; deeper recursion repeats itself
_CHAIN = 4  # exceptions kept of a chain of causes
_LENGTH = 12_000  # characters of a whole description: it travels in a message
_ROOT = f"{Path(__file__).resolve().parents[2]}/"
_NAMED = r"(?i:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|credentials?|cookie|signature)"
_SECRETS = (
    (re.compile(r"(\w://)[^/\s@]*@"), rf"\1{MASK}@"),  # a URL's user and password
    (re.compile(r"(\w://[^\s?#'\"]*)[?#][^\s'\"]*"), rf"\1?{MASK}"),  # a URL's query
    (re.compile(rf"(\b\w*{_NAMED}\w*[\"']?\s*[=:]\s*)(?:(?:Bearer|Basic)\s+)?[^\s,;)}}\]]+"), rf"\1{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(?:whsec_|whsk_|clk_|clt_|ocs_|sk_|gAAAA)[\w+/=-]+"), MASK),
    # Long and opaque: keys, hashes, encoded bodies. Ids with their prefix have 36 characters and stay.
    (re.compile(r"(?=[A-Za-z+/=_-]*\d)[A-Za-z0-9+/=_-]{40,}"), MASK),
)


@dataclass(frozen=True, slots=True)
class Description:
    """``exception``: the class with its module. ``sentence``: the message. ``places``: lines of a traceback."""

    exception: str
    sentence: str
    places: str


def describe(error: BaseException) -> Description:
    """Tell an exception and its causes, innermost cause first, as Python's own traceback does."""
    told = [_told(one) for one in reversed(list(_chain(error)))]
    return Description(_class_of(error)[:200], mask(str(error)), "\n\n".join(told)[-_LENGTH:])


def mask(text: str) -> str:
    """The first line of a message without what looks like a secret."""
    line = next((line for line in text.splitlines() if line.strip()), "").strip()[: SENTENCE * 4]
    for pattern, replacement in _SECRETS:
        line = pattern.sub(replacement, line)
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= SENTENCE else f"{line[: SENTENCE - 1]}…"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and len(seen) < _CHAIN:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    lines = [f"{_path(frame.filename)}:{frame.lineno} in {frame.name}\n    {frame.line}" for frame in frames]
    sentence = mask(str(error))
    return "\n".join([*lines, f"{_class_of(error)}: {sentence}" if sentence else _class_of(error)])


def _class_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _path(name: str) -> str:
    """From the package on: where this machine keeps it says nothing, and may say too much."""
    _, installed, rest = name.rpartition("site-packages/")
    if installed:
        return rest
    return name.removeprefix(_ROOT) if name.startswith(_ROOT) else "/".join(name.split("/")[-3:])
