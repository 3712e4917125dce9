"""Content filters: ``{"data.amount": {"$gte": 100}}`` decides whether an endpoint wants an event.

A filter is an object. A key is a dotted path into ``{"type", "version", "data", "metadata", "channels"}``
with a value (equality) or operators; ``$and``/``$or`` take a list of filters, ``$not`` one. All members must
hold. A path that leads nowhere makes every operator false but ``$exists: false``, ``$ne`` and ``$nin``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from webhooks.core.jsontext import step

MAX_DEPTH = 8  # nested $and/$or/$not
MAX_CONDITIONS = 50  # leaves of one filter: keeps the routing of an event cheap

_MISSING: Any = object()
_ORDERED = (int, float, str)
_INDEX = re.compile(r"[0-9]{1,9}\Z")  # Python refuses to read integers of more than 4300 digits


def _comparable(left: Any, right: Any) -> bool:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    booleans = isinstance(left, bool) or isinstance(right, bool)
    return (numbers and not booleans) or (isinstance(left, str) and isinstance(right, str))


def _equal(left: Any, right: Any) -> bool:
    return left is not _MISSING and isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _text(left: Any, right: Any, test: Callable[[str, str], bool]) -> bool:
    return isinstance(left, str) and test(left, right)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$ne": lambda left, right: not _equal(left, right),
    "$gt": lambda left, right: _comparable(left, right) and left > right,
    "$gte": lambda left, right: _comparable(left, right) and left >= right,
    "$lt": lambda left, right: _comparable(left, right) and left < right,
    "$lte": lambda left, right: _comparable(left, right) and left <= right,
    "$in": lambda left, right: any(_equal(left, item) for item in right),
    "$nin": lambda left, right: not any(_equal(left, item) for item in right),
    "$exists": lambda left, right: (left is not _MISSING) == right,
    "$prefix": lambda left, right: _text(left, right, str.startswith),
    "$suffix": lambda left, right: _text(left, right, str.endswith),
}
OPERATORS = (*_OPERATORS, "$or", "$and", "$not")


def check_filter(condition: Any) -> list[tuple[str, str]]:
    """Faults of a filter as (JSON Pointer inside the filter, sentence); an empty list when it is good."""
    faults: list[tuple[str, str]] = []
    leaves = _check(condition, "", 0, faults)
    if leaves > MAX_CONDITIONS:
        faults.append(("", f"a filter has at most {MAX_CONDITIONS} conditions, this one has {leaves}"))
    return faults


def _check(condition: Any, pointer: str, depth: int, faults: list[tuple[str, str]]) -> int:
    if not isinstance(condition, dict) or not condition:
        faults.append((pointer, 'a filter is an object such as {"data.amount": {"$gte": 100}}'))
        return 0
    if depth > MAX_DEPTH:
        faults.append((pointer, f"nested deeper than {MAX_DEPTH} levels"))
        return 0
    leaves = 0
    for key, value in condition.items():
        here = pointer + step(key)
        if key in ("$and", "$or"):
            leaves += _check_list(value, here, depth, faults)
        elif key == "$not":
            leaves += _check(value, here, depth + 1, faults)
        elif key.startswith("$"):
            faults.append((here, f"an operator stands below a path; known here: {', '.join(('$and', '$or', '$not'))}"))
        else:
            leaves += _check_leaf(value, here, faults)
    return leaves


def _check_list(value: Any, pointer: str, depth: int, faults: list[tuple[str, str]]) -> int:
    if not isinstance(value, list) or not value:
        faults.append((pointer, "takes a list of one or more filters"))
        return 0
    return sum(_check(item, f"{pointer}/{n}", depth + 1, faults) for n, item in enumerate(value))


def _check_leaf(value: Any, pointer: str, faults: list[tuple[str, str]]) -> int:
    if not isinstance(value, dict):
        return 1
    if not value:
        faults.append((pointer, "takes a value or operators, not an empty object"))
    for operator, operand in value.items():
        here = pointer + step(operator)
        if operator not in _OPERATORS:
            faults.append((here, f"unknown operator; known: {', '.join(_OPERATORS)}"))
        elif operator in ("$in", "$nin") and not isinstance(operand, list):
            faults.append((here, "takes a list"))
        elif operator == "$exists" and not isinstance(operand, bool):
            faults.append((here, "takes true or false"))
        elif operator in ("$prefix", "$suffix") and not isinstance(operand, str):
            faults.append((here, "takes a string"))
        elif operator in ("$gt", "$gte", "$lt", "$lte") and (
            not isinstance(operand, _ORDERED) or isinstance(operand, bool)
        ):
            faults.append((here, "takes a number or a string"))
    return len(value)


def matches(condition: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether ``document`` satisfies a filter that :func:`check_filter` accepted."""
    return all(_holds(key, value, document) for key, value in condition.items())


class Unmet(NamedTuple):
    """A condition that does not hold: JSON Pointer inside the filter, dotted path into the event (empty for ``$or``
    and ``$not``, which are about several), and the operator. Never the values."""

    pointer: str
    path: str
    operator: str


def unmet(condition: Mapping[str, Any], document: Mapping[str, Any]) -> Unmet | None:
    """The first condition of a filter that ``document`` does not satisfy; None when :func:`matches` is true."""
    for key, value in condition.items():
        if _holds(key, value, document):
            continue
        here = step(key)
        if key == "$and":
            for n, item in enumerate(value):
                if inner := unmet(item, document):
                    return inner._replace(pointer=f"{here}/{n}{inner.pointer}")
        if key in ("$or", "$not"):
            return Unmet(here, "", key)
        if not isinstance(value, dict):
            return Unmet(here, key, "$eq")
        found = _find(document, key)
        operator = next(name for name, operand in value.items() if not _OPERATORS[name](found, operand))
        return Unmet(here + step(operator), key, operator)
    return None


def _holds(key: str, value: Any, document: Mapping[str, Any]) -> bool:
    if key == "$and":
        return all(matches(item, document) for item in value)
    if key == "$or":
        return any(matches(item, document) for item in value)
    if key == "$not":
        return not matches(value, document)
    found = _find(document, key)
    if not isinstance(value, dict):
        return _equal(found, value)
    return all(_OPERATORS[operator](found, operand) for operator, operand in value.items())


def _find(document: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.match(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return _MISSING
    return document
