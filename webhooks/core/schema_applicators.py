"""The keywords of JSON Schema 2020-12 that apply subschemas (core, sections 10 and 11): from a keyword to a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhooks.core.jsonvalues import shorten
from webhooks.core.schema_keywords import Builder, Keyword, Refused, count, searched
from webhooks.core.schema_run import Node, Place, Rule, Run, escape, evaluated_items, evaluated_names

Search = Callable[[str, Run], bool]


def _nodes(keyword: Keyword) -> list[Node]:
    if not isinstance(keyword.value, list) or not keyword.value:
        raise Refused("takes a list of one or more schemas")
    nodes = [keyword.sub(schema, str(n)) for n, schema in enumerate(keyword.value)]
    keyword.node.parts[keyword.pointer.rpartition("/")[2]] = nodes
    return nodes


def _named(keyword: Keyword) -> dict[str, Node]:
    if not isinstance(keyword.value, dict):
        raise Refused("takes an object of schemas")
    nodes = {name: keyword.sub(schema, escape(name)) for name, schema in keyword.value.items()}
    keyword.node.parts[keyword.pointer.rpartition("/")[2]] = nodes
    return nodes


def _one(keyword: Keyword) -> Node:
    node = keyword.sub(keyword.value)
    keyword.node.parts[keyword.pointer.rpartition("/")[2]] = node
    return node


# --- about the same value


def all_of(keyword: Keyword) -> Rule:
    nodes = _nodes(keyword)
    keyword.node.same += nodes

    def rule(value: Any, run: Run, place: Place) -> bool:
        good = True
        for node in nodes:
            if not node.holds(value, run, place):
                good = False
                if run.quiet:
                    break
        return good

    return rule


def any_of(keyword: Keyword) -> Rule:
    nodes = _nodes(keyword)
    keyword.node.same += nodes

    def rule(value: Any, run: Run, place: Place) -> bool:
        if any(run.whether(node, value) for node in nodes):
            return True
        return run.fail(place, keyword.pointer, f"satisfies none of the {len(nodes)} schemas of which it has to")

    return rule


def one_of(keyword: Keyword) -> Rule:
    nodes = _nodes(keyword)
    keyword.node.same += nodes

    def rule(value: Any, run: Run, place: Place) -> bool:
        held = sum(run.whether(node, value) for node in nodes)
        detail = f"satisfies {held or 'none'} of {len(nodes)} schemas, and has to satisfy exactly one"
        return held == 1 or run.fail(place, keyword.pointer, detail)

    return rule


def not_(keyword: Keyword) -> Rule:
    node = _one(keyword)
    keyword.node.same.append(node)

    def rule(value: Any, run: Run, place: Place) -> bool:
        return not run.whether(node, value) or run.fail(place, keyword.pointer, "is what the schema excludes")

    return rule


def if_(keyword: Keyword) -> Rule:
    node = _one(keyword)
    keyword.node.same.append(node)
    parts = keyword.node.parts

    def rule(value: Any, run: Run, place: Place) -> bool:
        branch: Node | None = parts.get("then" if run.whether(node, value) else "else")
        return branch is None or branch.holds(value, run, place)

    return rule


def branch(keyword: Keyword) -> None:
    """``then`` and ``else``: applied by ``if``, and without one by nobody."""
    keyword.node.same.append(_one(keyword))


def dependent_schemas(keyword: Keyword) -> Rule | None:
    nodes = _named(keyword)
    if not nodes:
        return None
    keyword.node.same += nodes.values()
    cost = len(nodes) // 8

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        run.spend(cost)
        return _all(node.holds(value, run, place) for name, node in nodes.items() if name in value)

    return rule


def _all(answers: Iterator[bool]) -> bool:
    """Like ``all``, but all of them are asked: each leaves its fault. In a quiet run :meth:`Node.holds` is short."""
    good = True
    for answer in answers:
        good = good and answer
    return good


# --- objects


def properties(keyword: Keyword) -> Rule | None:
    nodes = _named(keyword)
    if not nodes:
        return None

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        few = nodes if len(nodes) < len(value) else value
        run.spend(len(few) // 8)
        good = True
        for name in few:
            if name in nodes and name in value and not nodes[name].holds(value[name], run, (place, name)):
                good = False
                if run.quiet:
                    break
        return good

    return rule


def pattern_properties(keyword: Keyword) -> Rule:
    if not isinstance(keyword.value, dict):
        raise Refused("takes an object of schemas")
    found: list[tuple[Search, Node]] = []
    for expression, schema in keyword.value.items():
        search = searched(keyword, expression, escape(expression))
        found.append((search, keyword.sub(schema, escape(expression))))
    keyword.node.parts["patternProperties"] = found

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        good = True
        for search, node in found:
            run.spend(5 * len(value))
            for name in value:
                if search(name, run) and not node.holds(value[name], run, (place, name)):
                    good = False
                    if run.quiet:
                        return False
        return good

    return rule


def additional_properties(keyword: Keyword) -> Rule:
    node = _one(keyword)
    parts = keyword.node.parts

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        run.spend(len(value) // 8)
        others = [name for name in value if name not in parts.get("properties", ())]
        for search, _ in parts.get("patternProperties", ()):
            run.spend(5 * len(others))
            others = [name for name in others if not search(name, run)]
        return _rest(keyword, node, value, others, run, place)

    return rule


def unevaluated_properties(keyword: Keyword) -> Rule:
    node = _one(keyword)

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        known = evaluated_names(keyword.node, value, run, own=True)
        return _rest(keyword, node, value, [name for name in value if name not in known], run, place)

    return rule


def _rest(keyword: Keyword, node: Node, value: Any, others: list[Any], run: Run, place: Place) -> bool:
    """What no other keyword has looked at: names of an object, or indices of an array."""
    good = True
    for other in others:
        if keyword.value is False:
            what = f"the property {shorten(other)}" if isinstance(other, str) else f"the item {other}"
            good = run.fail(place, keyword.pointer, f"has {what}, which the schema does not know")
        elif not node.holds(value[other], run, (place, other)):
            good = False
        if run.quiet and not good:
            break
    return good


def property_names(keyword: Keyword) -> Rule:
    node = _one(keyword)

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, dict):
            return True
        for name in value:
            if not run.whether(node, name):
                return run.fail(place, keyword.pointer, f"has the property {shorten(name)}, a name that is not allowed")
        return True

    return rule


# --- arrays


def prefix_items(keyword: Keyword) -> Rule:
    nodes = _nodes(keyword)

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, list):
            return True
        pairs = enumerate(zip(value, nodes, strict=False))
        return _all(node.holds(item, run, (place, n)) for n, (item, node) in pairs)

    return rule


def items(keyword: Keyword) -> Rule:
    if isinstance(keyword.value, list):
        raise Refused("is a list, as in older drafts; in 2020-12 write prefixItems")
    node = _one(keyword)
    parts = keyword.node.parts

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, list):
            return True
        first = len(parts.get("prefixItems", ()))
        return _rest(keyword, node, value, list(range(first, len(value))), run, place)

    return rule


def contains(keyword: Keyword) -> Rule:
    node = _one(keyword)
    least = count(keyword.schema.get("minContains", 1))
    most = count(keyword.schema["maxContains"]) if "maxContains" in keyword.schema else None

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, list):
            return True
        held = sum(run.whether(node, item) for item in value)
        if held < least:
            return run.fail(place, keyword.pointer, f"has {held} fitting items, and needs {least} or more")
        if most is not None and held > most:
            return run.fail(place, keyword.pointer, f"has {held} fitting items, and may have at most {most}")
        return True

    return rule


def count_of_contains(keyword: Keyword) -> None:
    """``minContains`` and ``maxContains``: read by ``contains``, and without one by nobody."""
    count(keyword.value)


def unevaluated_items(keyword: Keyword) -> Rule:
    node = _one(keyword)

    def rule(value: Any, run: Run, place: Place) -> bool:
        if not isinstance(value, list):
            return True
        known = evaluated_items(keyword.node, value, run, own=True)
        return _rest(keyword, node, value, [n for n in range(len(value)) if n not in known], run, place)

    return rule


def definitions(keyword: Keyword) -> None:
    """``$defs``, and its old name: schemas to refer to."""
    _named(keyword)


APPLICATORS: dict[str, Builder] = {
    "allOf": all_of,
    "anyOf": any_of,
    "oneOf": one_of,
    "not": not_,
    "if": if_,
    "then": branch,
    "else": branch,
    "dependentSchemas": dependent_schemas,
    "properties": properties,
    "patternProperties": pattern_properties,
    "additionalProperties": additional_properties,
    "unevaluatedProperties": unevaluated_properties,
    "propertyNames": property_names,
    "prefixItems": prefix_items,
    "items": items,
    "contains": contains,
    "minContains": count_of_contains,
    "maxContains": count_of_contains,
    "unevaluatedItems": unevaluated_items,
    "$defs": definitions,
    "definitions": definitions,
}
