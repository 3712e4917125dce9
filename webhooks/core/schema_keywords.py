"""The assertions of JSON Schema 2020-12 (validation vocabulary): from a keyword to a rule.

Each builder gets a :class:`Keyword` and returns the rule, or None when the keyword asserts nothing or was refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from webhooks.core import jsonvalues
from webhooks.core.jsonvalues import canonical, is_integer, is_multiple, is_number, shorten
from webhooks.core.linear_regex import MAX_WORK, Pattern, UnsupportedPattern
from webhooks.core.schema_run import Node, Place, Rule, Run, TooCostly

_STEP = 2e-6  # seconds of one step, as measured; a search takes as many steps as it took time
_FREE = 500  # instructions times bytes that a search may take for one step
_SHOWN = 120  # characters of a list of values in a sentence


class Refused(ValueError):
    """The keyword's value cannot be used: a sentence, and the steps from the keyword to the fault."""

    def __init__(self, detail: str, *steps: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.steps = steps


class Compiler(Protocol):
    """What a keyword needs of the schema around it."""

    def node(self, schema: Any, pointer: str, depth: int) -> Node: ...
    def expression(self, text: str) -> Pattern: ...


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword under compilation: ``value`` stands at ``pointer`` in ``schema``, which becomes ``node``."""

    value: Any
    pointer: str
    schema: dict[str, Any]
    node: Node
    depth: int
    compiler: Compiler

    def sub(self, schema: Any, *steps: str) -> Node:
        """A subschema below the keyword."""
        return self.compiler.node(schema, "".join((self.pointer, *(f"/{step}" for step in steps))), self.depth + 1)


Builder = Callable[[Keyword], Rule | None]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "number": is_number,
    "integer": is_integer,
    "string": lambda value: isinstance(value, str),
}


def kind(value: Any) -> str:
    """The type of a JSON value in a sentence."""
    return next(name for name in ("null", "boolean", "object", "array", "number", "string") if _TYPES[name](value))


def type_(keyword: Keyword) -> Rule:
    names = [keyword.value] if isinstance(keyword.value, str) else keyword.value
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n in _TYPES for n in names):
        raise Refused(f"takes one or a list of {', '.join(_TYPES)}")
    tests = [_TYPES[name] for name in dict.fromkeys(names)]
    wanted = " or ".join(dict.fromkeys(names))

    def rule(value: Any, run: Run, place: Place) -> bool:
        if any(test(value) for test in tests):
            return True
        return run.fail(place, keyword.pointer, f"is not of type {wanted} but {kind(value)}")

    return rule


def _listed(values: list[Any]) -> str:
    return shorten(", ".join(jsonvalues.write(value) for value in values[:20]), _SHOWN)


def enum(keyword: Keyword) -> Rule:
    if not isinstance(keyword.value, list) or not keyword.value:
        raise Refused("takes a list of one or more values")
    return _one_of(keyword, keyword.value, f"is none of the values allowed: {_listed(keyword.value)}")


def const(keyword: Keyword) -> Rule:
    return _one_of(keyword, [keyword.value], f"is not {_listed([keyword.value])}")


def _one_of(keyword: Keyword, allowed: list[Any], detail: str) -> Rule:
    known = {canonical(value) for value in allowed}
    longest = max(map(len, known))
    flat = not any(isinstance(value, dict | list) for value in allowed)

    def rule(value: Any, run: Run, place: Place) -> bool:
        # What is longer than all of them is none of them; an escape takes up to six characters for one.
        if isinstance(value, str):
            good = len(value) <= longest and canonical(value) in known
        elif flat and isinstance(value, dict | list):
            good = False
        else:
            good = _spelled(value, run) in known
        return good or run.fail(place, keyword.pointer, detail)

    return rule


def _spelled(value: Any, run: Run) -> str:
    """The canonical text of a value, paid for by its length."""
    text = canonical(value)
    run.spend(len(text) // 4)
    return text


def count(value: Any) -> int:
    """A limit on a number of things."""
    if is_integer(value) and 0 <= value <= 10**9:
        return int(value)
    raise Refused("takes a whole number from 0")


def multiple_of(keyword: Keyword) -> Rule:
    if not is_number(keyword.value) or keyword.value <= 0:
        raise Refused("takes a number above 0")

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not is_number(value) or is_multiple(value, keyword.value):
            return True
        return run.fail(place, keyword.pointer, f"is not a multiple of {keyword.value}")

    return rule


def _limit(holds: Callable[[Any, Any], bool], detail: str) -> Builder:
    def build(keyword: Keyword) -> Rule:
        if not is_number(keyword.value):
            raise Refused("takes a number")
        limit = Decimal(repr(keyword.value)) if isinstance(keyword.value, float) else keyword.value
        sentence = f"{detail} {limit}"

        def rule(value: Any, run: Run, place: Place) -> bool:
            return not is_number(value) or holds(value, limit) or run.fail(place, keyword.pointer, sentence)

        return rule

    return build


def _size(of: type[Sized], holds: Callable[[int, int], bool], detail: str, unit: str) -> Builder:
    def build(keyword: Keyword) -> Rule:
        limit = count(keyword.value)
        sentence = f"has {detail} {limit} {unit}"

        def rule(value: Any, run: Run, place: Place) -> bool:
            return not isinstance(value, of) or holds(len(value), limit) or run.fail(place, keyword.pointer, sentence)

        return rule

    return build


def searched(keyword: Keyword, text: Any, *steps: str) -> Callable[[str, Run], bool]:
    """A search for the regular expression ``text``, paid for by the time it takes."""
    try:
        if not isinstance(text, str):
            raise UnsupportedPattern("takes a regular expression")
        expression = keyword.compiler.expression(text)
    except UnsupportedPattern as error:
        raise Refused(str(error), *steps) from None

    def search(subject: str, run: Run) -> bool:
        work = expression.size * len(subject)
        if work <= _FREE:
            return expression.found_in(subject)
        if work > MAX_WORK:
            raise TooCostly
        started = time.thread_time()
        found = expression.found_in(subject)
        run.spend(int((time.thread_time() - started) / _STEP))
        return found

    return search


def pattern(keyword: Keyword) -> Rule:
    search = searched(keyword, keyword.value)
    sentence = f"does not match {shorten(keyword.value)}"

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, str):
            return True
        run.spend(5)
        return search(value, run) or run.fail(place, keyword.pointer, sentence)

    return rule


def unique_items(keyword: Keyword) -> Rule | None:
    """Attack: comparing each item with each other takes hours for an array of 256 KiB. Here they meet in a set."""
    if not isinstance(keyword.value, bool):
        raise Refused("takes true or false")
    if not keyword.value:
        return None

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, list) or len(value) < 2:
            return True
        seen: set[str] = set()
        for n, item in enumerate(value):
            spelled = _spelled(item, run)
            run.spend()
            if spelled in seen:
                return run.fail((place, n), keyword.pointer, "is there twice")
            seen.add(spelled)
        return True

    return rule


def _names(value: Any, *steps: str) -> list[str]:
    """A list of different names."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value) and len({*value}) == len(value):
        return value
    raise Refused("takes a list of names, each of them once", *steps)


def required(keyword: Keyword) -> Rule | None:
    wanted = _names(keyword.value)
    if not wanted:
        return None
    cost = len(wanted) // 8

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        run.spend(cost)
        good = True
        for name in wanted:
            if name not in value:
                good = run.fail(place, keyword.pointer, f"lacks {shorten(name)}")
                if run.quiet:
                    return False
        return good

    return rule


def dependent_required(keyword: Keyword) -> Rule:
    if not isinstance(keyword.value, dict):
        raise Refused("takes an object of lists of names")
    wanted = {name: _names(item, name) for name, item in keyword.value.items()}
    cost = sum(1 + len(item) for item in wanted.values()) // 8

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        run.spend(cost)
        missing = [(name, other) for name in wanted if name in value for other in wanted[name] if other not in value]
        for name, other in missing[:1] if run.quiet else missing:
            run.fail(place, keyword.pointer, f"has {shorten(name)} and so needs {shorten(other)}")
        return not missing

    return rule


ASSERTIONS: dict[str, Builder] = {
    "type": type_,
    "enum": enum,
    "const": const,
    "multipleOf": multiple_of,
    "minimum": _limit(lambda value, limit: bool(value >= limit), "is less than"),
    "maximum": _limit(lambda value, limit: bool(value <= limit), "is more than"),
    "exclusiveMinimum": _limit(lambda value, limit: bool(value > limit), "is not more than"),
    "exclusiveMaximum": _limit(lambda value, limit: bool(value < limit), "is not less than"),
    "minLength": _size(str, lambda size, limit: size >= limit, "fewer than", "characters"),
    "maxLength": _size(str, lambda size, limit: size <= limit, "more than", "characters"),
    "minItems": _size(list, lambda size, limit: size >= limit, "fewer than", "items"),
    "maxItems": _size(list, lambda size, limit: size <= limit, "more than", "items"),
    "minProperties": _size(dict, lambda size, limit: size >= limit, "fewer than", "properties"),
    "maxProperties": _size(dict, lambda size, limit: size <= limit, "more than", "properties"),
    "pattern": pattern,
    "uniqueItems": unique_items,
    "required": required,
    "dependentRequired": dependent_required,
}
