"""Checking a value against a compiled schema: nodes with rules, and a budget that ends every check.

A node is one (sub)schema. ``holds`` says whether the value satisfies it; while the run is not quiet, each rule
that does not hold leaves a :class:`Fault`. Attack on the budget: a rule that does much work for one step. So every
rule spends steps in proportion to what it looks at, and no fault ever formats the value it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webhooks.core.jsonvalues import shorten

MAX_FAULTS = 10  # of one value; whoever has mended ten asks again
_MAX_POINTER = 500  # characters: names in the data may have any length

# Where in the value a rule stands: (the place above, name or index), None at the top.
Place = tuple[Any, str | int] | None
Rule = Callable[[Any, "Run", Place], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """``pointer``: into the value. ``rule``: JSON Pointer of the keyword in the schema. ``detail``: a sentence."""

    pointer: str
    rule: str
    detail: str


class TooCostly(Exception):
    """The check used up its steps; nothing is known about the value."""


class Enough(Exception):
    """MAX_FAULTS were found."""


class Run:
    """One check under way. ``left``: steps that remain. ``quiet``: in a branch that may fail without harm."""

    __slots__ = ("faults", "left", "quiet")

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.quiet = 0
        self.faults: list[Fault] = []

    def spend(self, steps: int = 1) -> None:
        """Raise :class:`TooCostly` when the steps are used up."""
        self.left -= steps
        if self.left < 0:
            raise TooCostly

    def fail(self, place: Place, rule: str, detail: str) -> bool:
        """Note a fault; False, for the rule to return."""
        if not self.quiet:
            self.faults.append(Fault(pointer(place), rule, detail))
            if len(self.faults) >= MAX_FAULTS:
                raise Enough
        return False

    def whether(self, node: Node, value: Any) -> bool:
        """Whether the node holds, without a word about why not."""
        self.quiet += 1
        try:
            return node.holds(value, self, None)
        finally:
            self.quiet -= 1


class Node:
    """One compiled (sub)schema. ``parts``: its subschemas by keyword; ``same``: those asked about the same value."""

    __slots__ = ("parts", "pointer", "rules", "same")

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer
        self.rules: list[Rule] = []
        self.parts: dict[str, Any] = {}
        self.same: list[Node] = []

    def holds(self, value: Any, run: Run, place: Place) -> bool:
        """Whether the value satisfies every rule; in a quiet run the first one that fails decides."""
        run.left -= len(self.rules) + 1
        if run.left < 0:
            raise TooCostly
        good = True
        for rule in self.rules:
            if not rule(value, run, place):
                if run.quiet:
                    return False
                good = False
        return good


def pointer(place: Place) -> str:
    """The JSON Pointer (RFC 6901) of a place, cut off when it is very long."""
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(escape(str(step)))
    return shorten("".join(f"/{step}" for step in reversed(steps)), _MAX_POINTER)


def escape(step: str) -> str:
    """One step of a JSON Pointer."""
    return step.replace("~", "~0").replace("/", "~1")


# --- what applicators have evaluated (JSON Schema 2020-12 core, section 11), for unevaluatedProperties and -Items

_IN_PLACE = ("allOf", "$ref")
_IF_VALID = ("anyOf", "oneOf")


def evaluated_names(node: Node, value: dict[str, Any], run: Run, *, own: bool = False) -> set[str]:
    """Names of the object that ``node`` has evaluated. ``own``: asked by its own ``unevaluatedProperties``."""
    run.spend(1 + len(value) // 8)
    parts = node.parts
    if "additionalProperties" in parts or ("unevaluatedProperties" in parts and not own):
        return set(value)
    found = {name for name in value if name in parts.get("properties", ())}
    for expression, _ in parts.get("patternProperties", ()):
        run.spend(len(value))
        found |= {name for name in value if expression(name, run)}
    for other in _beneath(node, value, run):
        found |= evaluated_names(other, value, run)
    return found


def evaluated_items(node: Node, value: list[Any], run: Run, *, own: bool = False) -> set[int]:
    """Indices of the array that ``node`` has evaluated."""
    run.spend(1 + len(value) // 8)
    parts = node.parts
    if "items" in parts or ("unevaluatedItems" in parts and not own):
        return set(range(len(value)))
    found = set(range(min(len(value), len(parts.get("prefixItems", ())))))
    if "contains" in parts:
        found |= {n for n, item in enumerate(value) if run.whether(parts["contains"], item)}
    for other in _beneath(node, value, run):
        found |= evaluated_items(other, value, run)
    return found


def _beneath(node: Node, value: Any, run: Run) -> list[Node]:
    """The subschemas whose evaluations count as those of ``node``: only where they hold."""
    parts = node.parts
    found: list[Node] = [other for keyword in _IN_PLACE for other in parts.get(keyword, ())]
    found += [other for keyword in _IF_VALID for other in parts.get(keyword, ()) if run.whether(other, value)]
    if "if" in parts:
        held = run.whether(parts["if"], value)
        found += [parts["if"]] if held else []
        then = parts.get("then" if held else "else")
        found += [then] if then else []
    if isinstance(value, dict):
        found += [other for name, other in parts.get("dependentSchemas", {}).items() if name in value]
    return found
