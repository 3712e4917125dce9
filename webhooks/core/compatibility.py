"""Whether a new schema of a version keeps the promises of the old one, to publishers and to receivers alike.

A change is safe when every event that was valid stays valid and receivers lose nothing they could rely on: new
optional properties, looser limits, more values of an ``enum``, other descriptions. Everything else is breaking, also
what this module cannot judge: a keyword it does not know has to stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from webhooks.core.jsonvalues import canonical, is_number, shorten
from webhooks.core.schema_run import escape

_MAX_COMPARED = 20_000  # pairs of subschemas; more is taken for a breaking change
_MAX_SHOWN = 20  # breaking changes of one answer
# Keywords that assert nothing. ``format`` is not among them: receivers rely on it.
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "$anchor", "title", "description", "examples", "example", "default", "deprecated"}
)
_DEFINITIONS = frozenset({"$defs", "definitions"})  # compared where they are referred to
_LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
# Looser subschemas make these looser. Not so of oneOf, of which two may hold then, nor of contains and not.
_ONE = frozenset({"items", "propertyNames", "unevaluatedItems"})
_SEVERAL = frozenset({"allOf", "anyOf", "prefixItems"})
_OPEN: dict[str, Any] = {}
_MISSING = object()

Finding = tuple[str, str]  # JSON Pointer into the new schema, sentence


class _TooMuch(Exception):
    pass


def breaking_changes(old: Any, new: Any) -> list[Finding]:
    """What the new schema breaks: (JSON Pointer into it, sentence). Both have been compiled, so they are sound."""
    comparison = _Comparison(old, new)
    found: list[Finding] = []
    try:
        for finding in comparison.compare(old, new, ""):
            found.append(finding)
            if len(found) >= _MAX_SHOWN:
                break
    except (_TooMuch, RecursionError):
        found.append(("", "differs in ways that are too many to compare"))
    return found


@dataclass
class _Comparison:
    """Two documents, each with its own references."""

    old_document: Any
    new_document: Any
    # Pairs under comparison or done: schemas that refer to themselves are compared once.
    seen: set[tuple[int, int]] = field(default_factory=set)

    def compare(self, old: Any, new: Any, pointer: str) -> Iterator[Finding]:
        if isinstance(old, bool) or isinstance(new, bool):
            yield from self._of_booleans(old, new, pointer)
            return
        if (id(old), id(new)) in self.seen:
            return
        self.seen.add((id(old), id(new)))
        if len(self.seen) > _MAX_COMPARED:
            raise _TooMuch
        for keyword in {**old, **new}:
            if keyword in _ANNOTATIONS or keyword in _DEFINITIONS:
                continue
            before, after = old.get(keyword, _MISSING), new.get(keyword, _MISSING)
            here = f"{pointer}/{escape(keyword)}" if keyword in new else pointer
            yield from self._keyword(keyword, before, after, here, old)

    def _of_booleans(self, old: Any, new: Any, pointer: str) -> Iterator[Finding]:
        if old is False or old == new:
            return  # nothing was valid, so nothing can break
        if old is True and isinstance(new, dict):
            yield from self.compare(_OPEN, new, pointer)
        elif new is True:
            yield from self.compare(old, _OPEN, pointer)
        else:
            yield pointer, "allows nothing any more"

    def _keyword(self, keyword: str, before: Any, after: Any, pointer: str, old: Any) -> Iterator[Finding]:
        if (judge := _JUDGED.get(keyword)) is not None:
            yield from judge(keyword, before, after, pointer)
        elif keyword == "properties":
            yield from self._properties(before, after, pointer, old)
        elif keyword in ("additionalProperties", "unevaluatedProperties"):
            yield from self._rest(keyword, before, after, pointer)
        elif before is _MISSING or after is _MISSING:
            yield pointer, f"{keyword} was {_change(before, after)}"
        else:
            yield from self._both(keyword, before, after, pointer)

    def _both(self, keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
        if keyword == "$ref":
            yield from self.compare(_target(self.old_document, before), _target(self.new_document, after), pointer)
        elif keyword in _ONE:
            yield from self.compare(before, after, pointer)
        elif keyword in _SEVERAL and len(before) == len(after):
            for n, pair in enumerate(zip(before, after, strict=True)):
                yield from self.compare(*pair, f"{pointer}/{n}")
        elif not self._same(before, after, set()):
            yield pointer, f"{keyword} was changed"

    def _properties(self, before: Any, after: Any, pointer: str, old: Any) -> Iterator[Finding]:
        before, after = ({} if side is _MISSING else side for side in (before, after))
        for name, schema in before.items():
            if name in after:
                yield from self.compare(schema, after[name], f"{pointer}/{escape(name)}")
            else:
                yield pointer, f"the property {shorten(name)} is gone"
        rest = old.get("additionalProperties", True)
        for name in after.keys() - before.keys():
            if isinstance(rest, dict):
                yield from self.compare(rest, after[name], f"{pointer}/{escape(name)}")
            elif after[name] is False:
                yield f"{pointer}/{escape(name)}", "forbids a property that was allowed"

    def _rest(self, keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
        before, after = (True if side is _MISSING else side for side in (before, after))
        if before is False or after is True:
            return  # nothing was allowed, or everything is
        if after is False:
            yield pointer, f"{keyword} was open and is closed"
        else:
            yield from self.compare(before, after, pointer)

    def _same(self, before: Any, after: Any, seen: set[tuple[str, str]]) -> bool:
        """Equal as values, and so is whatever they refer to."""
        if not isinstance(before, dict) or not isinstance(after, dict):
            if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
                return all(self._same(*pair, seen) for pair in zip(before, after, strict=True))
            return canonical(before) == canonical(after)
        if before.keys() != after.keys():
            return False
        for name, value in before.items():
            other = after[name]
            if name == "$ref" and isinstance(value, str) and isinstance(other, str):
                if (value, other) not in seen:
                    seen.add((value, other))
                    if not self._same(_target(self.old_document, value), _target(self.new_document, other), seen):
                        return False
            elif not self._same(value, other, seen):
                return False
        return True


def _change(before: Any, after: Any) -> str:
    return "added" if before is _MISSING else "taken away" if after is _MISSING else "changed"


def _limit(keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
    if after is _MISSING:
        return
    if before is _MISSING:
        yield pointer, f"{keyword} was added"
        return
    narrower: Callable[[Any, Any], bool] = (lambda a, b: a > b) if keyword in _LOWER else (lambda a, b: a < b)
    if is_number(before) and is_number(after) and narrower(after, before):
        yield pointer, f"{keyword} was narrowed from {before} to {after}"


def _types(keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
    old, new = ({side} if isinstance(side, str) else set(() if side is _MISSING else side) for side in (before, after))
    if old != new:
        yield pointer, f"the type was {_named(old)} and is {_named(new)}"


def _named(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "any"


def _enum(keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
    if before is _MISSING or after is _MISSING:
        yield pointer, f"enum was {_change(before, after)}"
        return
    kept = {canonical(value) for value in after}
    for gone in [value for value in before if canonical(value) not in kept]:
        yield pointer, f"the value {shorten(canonical(gone))} is gone from enum"


def _required(keyword: str, before: Any, after: Any, pointer: str) -> Iterator[Finding]:
    old, new = (set(() if side is _MISSING else side) for side in (before, after))
    for name in sorted(new - old):
        yield pointer, f"{shorten(name)} is newly required"
    for name in sorted(old - new):
        yield pointer, f"{shorten(name)} is no longer required, and receivers may rely on it"


_Judge = Callable[[str, Any, Any, str], Iterator[Finding]]
_JUDGED: dict[str, _Judge] = {
    **dict.fromkeys(_LOWER | _UPPER, _limit),
    "type": _types,
    "enum": _enum,
    "required": _required,
}


def _target(document: Any, reference: str) -> Any:
    """What a reference within the document leads to; the schema has been compiled, so it leads somewhere."""
    text = unquote(reference.removeprefix("#"))
    if text and not text.startswith("/"):
        return _anchored(document, text)
    found = document
    for step in text.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


def _anchored(document: Any, name: str) -> Any:
    waiting = [document]
    for here in waiting:
        if isinstance(here, dict):
            if here.get("$anchor") == name:
                return here
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return True
