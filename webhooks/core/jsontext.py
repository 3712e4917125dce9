"""JSON as text: what published bytes may contain, and where a fault is.

Events are kept byte for byte, so they are checked, never re-serialised. Syntax is checked by msgspec; this
module adds what a parser lets pass or reports badly: UTF-8, lone surrogates (RFC 8259 section 8.2), depth,
the literals NaN and Infinity, and a JSON Pointer (RFC 6901) to the fault.
"""

from __future__ import annotations

import json
import re
from array import array
from itertools import accumulate
from typing import Any

# Also a string that never ends, and possessive: whatever the text, no byte is looked at twice.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_BRACKETS = re.compile(rb"[\[\]{}]")
_STRINGS = re.compile(_STRING, re.DOTALL)
_TOKEN = re.compile(_STRING + rb'|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_HEX = b"[0-9a-fA-F]"
_HIGH = rb"\\u[dD][89abAB]%b{2}" % _HEX
_LOW = rb"\\u[dD][c-fC-F]%b{2}" % _HEX
# Both begin with the literal \u, which the engine looks for at the speed of memchr.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB]%b{2}(?!%b)|[c-fC-F]%b{2}(?<!%b%b))" % (_HEX, _LOW, _HEX, _HIGH, _LOW)
)
_NO_STRUCTURE = bytes({*range(256)} - {*b'[]{}"'})
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # a level down, a level up, as signed bytes
_NOT_A_NUMBER = re.compile(rb"-?(?:NaN|Infinity)")


class JSONFault(ValueError):
    """A fault in JSON text: ``pointer`` says where, the message what; ``syntax`` tells malformed from refused."""

    def __init__(self, pointer: str, detail: str, *, syntax: bool = False) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail
        self.syntax = syntax


def check(raw: bytes, *, max_depth: int) -> None:
    """Raise :class:`JSONFault` for invalid UTF-8, a lone surrogate escape or nesting beyond ``max_depth``."""
    check_text(raw)
    check_depth(raw, max_depth)


def check_text(raw: bytes) -> None:
    """Raise :class:`JSONFault` for invalid UTF-8 or a lone surrogate escape."""
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise JSONFault(pointer_at(raw, error.start), f"invalid UTF-8 at byte {error.start}") from None
    if b"\\u" in raw and (position := _lone_surrogate(raw)) is not None:
        raise JSONFault(
            pointer_at(raw, position), f"lone surrogate at byte {position}: \\ud800-\\udfff must come in pairs"
        )


def check_depth(raw: bytes, limit: int) -> None:
    """Raise :class:`JSONFault` for arrays and objects nested deeper than ``limit``."""
    if _is_deeper(raw, limit) and (position := _too_deep(raw, limit)) is not None:
        raise JSONFault(pointer_at(raw, position), f"nested deeper than {limit} levels")


def explain(raw: bytes, message: str) -> JSONFault:
    """Turn a parser's message ("… (byte 19)") about ``raw`` into a fault with a pointer."""
    found = re.search(r"\(byte (\d+)\)", message)
    position = int(found[1]) if found else len(raw)
    pointer = pointer_at(raw, position)
    if literal := _NOT_A_NUMBER.match(raw, max(0, position - 1)) or _NOT_A_NUMBER.match(raw, position):
        return JSONFault(pointer, f"{literal[0].decode()} is not JSON; use null or a string")
    what = message.removeprefix("JSON is malformed: ") if found else "the JSON ends too early"
    return JSONFault(pointer, what, syntax=True)


def _lone_surrogate(raw: bytes) -> int | None:
    # An escaped backslash in front of a u is no escape of a character.
    found = _LONE_SURROGATE.search(raw.replace(rb"\\", b"__"))
    return found.start() if found else None


def _is_deeper(raw: bytes, limit: int) -> bool:
    """Whether the text nests deeper before its first mistake, where any parser stops.

    Every event passes here, so no byte is looked at in Python: what is neither bracket nor quote goes, then what
    stands between quotes, and the rest is summed up.
    """
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    structure = raw.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_STRUCTURE)
    # Where one string ends and the next begins they become one, which holds nothing else than both did.
    structure = structure.replace(b'""', b"")
    if b'"' in structure:
        structure = b"".join(structure.split(b'"')[::2])
    return max(accumulate(array("b", structure.translate(_STEPS))), default=0) > limit


def _too_deep(raw: bytes, limit: int) -> int | None:
    depth = 0
    without_strings = _STRINGS.sub(lambda match: b" " * len(match[0]), raw)
    for bracket in _BRACKETS.finditer(without_strings):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > limit:
            return bracket.start()
    return None


def pointer_at(raw: bytes, position: int) -> str:
    """The JSON Pointer of the value that holds byte ``position`` of (possibly malformed) JSON text."""
    path: list[str | int] = []  # per open container: the key, or the index, of the member being read
    key: str | None = None
    for token in _TOKEN.finditer(raw):
        if token.end() > position and not (token[0] == b":" and token.start() <= position):
            break
        text = token[0]
        if text == b"[":
            path.append(0)
        elif text == b"{":
            path.append("")
        elif text in (b"]", b"}"):
            path = path[:-1]
        elif text == b"," and path and isinstance(path[-1], int):
            path[-1] += 1
        elif text == b":" and path and key is not None:
            path[-1] = key
        key = text[1:-1].decode(errors="replace") if text.startswith(b'"') else None
    return "".join(step(str(name)) for name in path if name != "")


def step(name: str) -> str:
    """A member's name as one step of a JSON Pointer (RFC 6901 section 3)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def repeated(raw: bytes, *, but: str | None = None) -> str | None:
    """The pointer of the first name that an object holds twice: of two values, which one was meant?

    ``raw`` is valid JSON of bounded depth. ``but``: a member of the outermost object whose inside is not looked at.
    """
    whole = json.loads(raw, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    todo: list[tuple[str, Any]] = [("", whole)]
    for pointer, value in todo:
        if isinstance(value, _Repeating):
            return pointer + step(value.name)
        if isinstance(value, dict):
            todo += [(pointer + step(name), item) for name, item in value.items() if pointer or name != but]
        elif isinstance(value, list):
            todo += [(f"{pointer}/{n}", item) for n, item in enumerate(value)]
    return None


class _Repeating(dict[str, Any]):
    """An object with a name that is there twice."""

    name = ""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = _Repeating(pairs)
    if len(made) == len(pairs):
        return dict(made)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            made.name = name
        seen.add(name)
    return made
