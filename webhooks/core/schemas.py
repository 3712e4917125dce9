"""JSON Schemas (2020-12) that somebody else wrote: made safe when they are saved, and bounded when they are used.

What an attacker gets who may save a schema, and what stops it:

* ``$ref`` or ``$schema`` that fetches something: only references within the document are followed, nothing is
  ever fetched, and other dialects are refused.
* A schema that is huge or deep: bytes, nodes and depth are limited, before anything else is done with it.
* ``{"$ref": "#"}`` and longer circles that look at the same value for ever: refused; circles that go down into the
  value end with it. Chains of references are limited too.
* ``pattern`` that backtracks: expressions run in linear time (:mod:`webhooks.core.linear_regex`); and their number and
  size are limited.
* Nested ``anyOf``, ``uniqueItems``, ``unevaluatedProperties`` … on a large value: each check has a budget of steps.
* ``$dynamicRef``, whose target depends on the way taken: refused, like all that older drafts spelled differently and
  that would silently assert nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from webhooks.core import jsonvalues
from webhooks.core.linear_regex import Pattern, UnsupportedPattern
from webhooks.core.schema_applicators import APPLICATORS
from webhooks.core.schema_keywords import ASSERTIONS, Keyword, Refused
from webhooks.core.schema_run import Enough, Fault, Node, Place, Rule, Run, TooCostly, escape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_NODES = 5000  # subschemas
MAX_DEPTH = 64  # levels of subschemas
MAX_CHAIN = 40  # subschemas that look at the same value one after the other
MAX_REF = 1000  # characters
MAX_PATTERNS = 100  # different regular expressions, each of which may take 256 KiB of memory while it runs
MAX_INSTRUCTIONS = 20_000  # of all of them together, about 1 MB
_MAX_REFUSALS = 20  # of one schema: enough to mend, little to write

_ANCHOR = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*\Z")
_BUILDERS = ASSERTIONS | APPLICATORS
# Keywords that would assert something elsewhere and nothing here, and what to write instead.
_REFUSED = {
    "$dynamicRef": "is not supported; write $ref",
    "$dynamicAnchor": "is not supported; write $anchor",
    "$recursiveRef": "belongs to draft 2019-09; write $ref",
    "$recursiveAnchor": "belongs to draft 2019-09; write $anchor",
    "$vocabulary": "belongs to meta-schemas",
    "additionalItems": "belongs to older drafts; in 2020-12 write items beside prefixItems",
    "dependencies": "belongs to older drafts; in 2020-12 write dependentRequired or dependentSchemas",
}


class UnsafeSchema(ValueError):
    """The schema cannot be used. ``faults``: (JSON Pointer into the schema, sentence)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer or 'schema'}: {detail}" for pointer, detail in faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Schema:
    """A compiled schema. Threads may share it."""

    root: Node

    def faults(self, value: Any, steps: int) -> tuple[list[Fault], int]:
        """What is wrong with a value of :func:`webhooks.core.jsonvalues.read`, and the steps that are left.

        Raises :class:`TooCostly` when ``steps`` are not enough.
        """
        run = Run(steps)
        try:
            self.root.holds(value, run, None)
        except Enough:
            pass
        except RecursionError:
            raise TooCostly from None
        return run.faults, run.left


def compile_schema(document: Any, *, max_bytes: int) -> Schema:
    """A schema read by :func:`webhooks.core.jsonvalues.read`, ready to use. Raises :class:`UnsafeSchema`."""
    if not isinstance(document, dict | bool):
        raise UnsafeSchema([("", "takes a JSON Schema: an object, true or false")])
    try:
        size = len(jsonvalues.write(document).encode())
    except jsonvalues.Unreadable as error:
        raise UnsafeSchema([("", str(error))]) from None
    if size > max_bytes:
        raise UnsafeSchema([("", f"has at most {max_bytes} bytes, this one has {size}")])
    return Schema(_Compilation().of(document))


@dataclass
class _Compilation:
    """One schema on its way to nodes."""

    nodes: dict[str, Node] = field(default_factory=dict)
    anchors: dict[str, Node] = field(default_factory=dict)
    references: list[tuple[Node, str, str]] = field(default_factory=list)  # node, pointer of $ref, its text
    faults: list[tuple[str, str]] = field(default_factory=list)
    expressions: dict[str, Pattern] = field(default_factory=dict)

    def of(self, document: Any) -> Node:
        root = self.node(document, "", 0)
        for node, pointer, text in self.references:
            self._connect(node, pointer, text)
        if not self.faults:
            self._check_circles()
        self._stop_if(bool(self.faults))
        return root

    def refuse(self, pointer: str, detail: str) -> None:
        self.faults.append((pointer, detail))
        self._stop_if(len(self.faults) >= _MAX_REFUSALS)

    def _stop_if(self, over: bool) -> None:
        if over:
            raise UnsafeSchema(self.faults)

    def node(self, schema: Any, pointer: str, depth: int) -> Node:
        """Compile one (sub)schema."""
        node = self.nodes[pointer] = Node(pointer)
        if len(self.nodes) > MAX_NODES or depth > MAX_DEPTH:
            self.refuse(pointer, f"is too much: a schema has at most {MAX_NODES} subschemas in {MAX_DEPTH} levels")
            self._stop_if(True)
        if schema is False:
            node.rules.append(_nothing(pointer))
        elif isinstance(schema, dict):
            self._keywords(schema, node, depth)
        elif schema is not True:
            self.refuse(pointer, "takes a schema: an object, true or false")
        return node

    def expression(self, text: str) -> Pattern:
        """The compiled expression. Attack: thousands that each compile to the largest size."""
        if text in self.expressions:
            return self.expressions[text]
        if len(self.expressions) >= MAX_PATTERNS:
            raise UnsupportedPattern(f"is one more than the {MAX_PATTERNS} regular expressions of a schema")
        found = self.expressions[text] = Pattern(text)
        if sum(one.size for one in self.expressions.values()) > MAX_INSTRUCTIONS:
            raise UnsupportedPattern("makes the regular expressions of this schema too large together")
        return found

    def _keywords(self, schema: dict[str, Any], node: Node, depth: int) -> None:
        for name, value in schema.items():
            pointer = f"{node.pointer}/{escape(name)}"
            try:
                if name in _BUILDERS:
                    rule = _BUILDERS[name](Keyword(value, pointer, schema, node, depth, self))
                    node.rules += [rule] if rule else []
                elif name.startswith("$") or name in _REFUSED:
                    self._core(name, value, pointer, node)
            except Refused as refused:
                self.refuse("/".join((pointer, *refused.steps)), refused.detail)

    def _core(self, name: str, value: Any, pointer: str, node: Node) -> None:
        if name in _REFUSED:
            raise Refused(_REFUSED[name])
        if name == "$schema" and (node.pointer or not isinstance(value, str) or value.rstrip("#") != DIALECT):
            raise Refused(f"schemas are read as {DIALECT}, at the top and nowhere else")
        if name == "$id" and (node.pointer or not isinstance(value, str)):
            raise Refused("stands at the top only: all references are within this document")
        if name == "$anchor":
            if not isinstance(value, str) or not _ANCHOR.match(value) or value in self.anchors:
                raise Refused("takes a name that no other subschema has")
            self.anchors[value] = node
        if name == "$ref":
            if not isinstance(value, str) or len(value) > MAX_REF or not value.startswith("#"):
                raise Refused("takes a reference within this document, such as #/$defs/address; nothing is fetched")
            self.references.append((node, pointer, value))

    def _connect(self, node: Node, pointer: str, text: str) -> None:
        wanted = unquote(text[1:])
        target = self.nodes.get(wanted) if wanted == "" or wanted.startswith("/") else self.anchors.get(wanted)
        if target is None:
            self.refuse(pointer, f"{jsonvalues.shorten(text)} leads to no schema in this document")
            return
        node.rules.append(target.holds)
        node.same.append(target)
        node.parts["$ref"] = [target]

    def _check_circles(self) -> None:
        heights: dict[str, int] = {}
        for node in self.nodes.values():
            self._height(node, heights, {})

    def _height(self, node: Node, heights: dict[str, int], above: dict[str, Node]) -> int:
        """How many subschemas may follow ``node`` on the same value; refuses circles and long chains."""
        if node.pointer in heights:
            return heights[node.pointer]
        if node.pointer in above:
            self.refuse(node.pointer, "refers to itself without going down into the value: it would never end")
            self._stop_if(True)
        below = {**above, node.pointer: node}
        if len(below) > MAX_CHAIN:
            self._too_long(node)
        height = 1 + max((self._height(other, heights, below) for other in node.same), default=0)
        if height > MAX_CHAIN:
            self._too_long(node)
        heights[node.pointer] = height
        return height

    def _too_long(self, node: Node) -> None:
        self.refuse(node.pointer, f"is one of more than {MAX_CHAIN} subschemas in a chain about the same value")
        self._stop_if(True)


def _nothing(pointer: str) -> Rule:
    def rule(value: Any, run: Run, place: Place) -> bool:
        return run.fail(place, pointer, "may not be there")

    return rule


__all__ = ["DIALECT", "Fault", "Schema", "TooCostly", "UnsafeSchema", "compile_schema"]
