"""Bytes of others, made fit to look at: bounded, indented without being re-serialised, nothing invisible."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass

SHOWN = 32_768  # bytes of a body that a page shows; the rest is a download
INDENTED = 16  # levels that get lines of their own: "[[[[…" must not grow into megabytes of blanks

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
# Controls but tab and newline, zero-width and direction marks, line separators, lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Body:
    """``text`` still has to be escaped for HTML. ``size`` and ``shown`` are bytes."""

    text: str
    size: int
    shown: int

    @property
    def truncated(self) -> bool:
        return self.shown < self.size


def body(data: bytes, limit: int = SHOWN, *, indented: bool = True) -> Body:
    """The first ``limit`` bytes as text. JSON is indented token by token, so numbers and keys stay as published.

    Attack: direction marks and controls make text look like other text; they are shown as ``\\u202e``.
    Bytes that are no UTF-8 are shown as ``\\xff``.
    """
    head = bytes(data[:limit])
    cut = len(data) > len(head)
    text = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode(head, final=not cut)
    text = _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if indented and _is_json(data):
        text = indent(text)
    return Body(text, len(data), len(head))


def as_json(value: object) -> str:
    """A stored JSON value, indented."""
    return body(json.dumps(value, ensure_ascii=False).encode()).text


def _is_json(data: bytes) -> bool:
    if bytes(data[:64]).lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def indent(text: str) -> str:
    """JSON text with a line for each member. The text may end anywhere; blanks between tokens are lost."""
    out: list[str] = []
    depth = 0
    tokens = _TOKEN.findall(text)
    for n, word in enumerate(tokens):
        following = tokens[n + 1] if n + 1 < len(tokens) else ""
        if word in ("{", "["):
            depth += 1
            out.append(word)
            if following not in ("}", "]"):
                out.append(_line(depth))
        elif word in ("}", "]"):
            depth = max(0, depth - 1)
            if n and tokens[n - 1] not in ("{", "["):
                out.append(_line(depth, closing=True))
            out.append(word)
        elif word == ",":
            out += [word, _line(depth)]
        else:
            out.append(": " if word == ":" else word)
    return "".join(out)


def _line(depth: int, *, closing: bool = False) -> str:
    return "\n" + "  " * depth if depth + closing <= INDENTED else ""
