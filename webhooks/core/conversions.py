"""Turning the data of a newer version of a type into an older one, by functions that a project registers.

``@downgrade("order.created", "v2", "v1")`` stands in front of a function from value to value. Conversions chain: from
v3 to v1 by way of v2, the shortest way there is. Functions have to be pure: a retry converts again, and what was sent
then should be what is sent now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from webhooks.core import jsonvalues, patterns

Downgrade = Callable[[Any], Any]
F = TypeVar("F", bound=Downgrade)

# type -> from version -> to version -> function
_steps: dict[str, dict[str, dict[str, Downgrade]]] = {}


class ConversionFailed(Exception):
    """The data cannot be had in the version that is wanted; the message is one sentence that a tenant may read."""


def downgrade(event_type: str, from_version: str, to_version: str) -> Callable[[F], F]:
    """Register the function below as the way from one version of a type to an older one.

    It gets the data as a value of its own (numbers with a fraction as ``decimal.Decimal``) and returns that of the
    older version. Raises ValueError for a type that is none, equal versions, or a second function for the same step.
    """
    patterns.check_event_type(event_type)
    if not from_version or not to_version or from_version == to_version:
        raise ValueError(f"a downgrade of {event_type} needs two versions, not {from_version!r} and {to_version!r}")

    def register(function: F) -> F:
        known = _steps.setdefault(event_type, {}).setdefault(from_version, {})
        if (other := known.get(to_version)) is not None and _name(other) != _name(function):
            raise ValueError(f"{event_type} has two downgrades from {from_version} to {to_version}")
        known[to_version] = function
        return function

    return register


def older(event_type: str, version: str) -> list[str]:
    """The versions that ``version`` can be converted to, nearest first; empty for nearly all types."""
    steps = _steps.get(event_type)
    return list(_ways(steps, version)) if steps else []


def convert(event_type: str, from_version: str, to_version: str, data: bytes) -> bytes:
    """``data`` (JSON text) in the older version, again as JSON text. Raises :class:`ConversionFailed`."""
    way = _ways(_steps.get(event_type, {}), from_version).get(to_version)
    if way is None:
        raise ConversionFailed(
            f"The webhook is pinned to {to_version}, and {event_type} {from_version} has no conversion to it."
        )
    try:
        value = jsonvalues.read(data)
    except jsonvalues.Unreadable as error:
        raise ConversionFailed(f"The data cannot be converted to {to_version}: it {error}.") from error
    for version, function in way:
        try:
            value = function(value)
        except Exception as error:
            raise ConversionFailed(
                f"The conversion of {event_type} to {version} failed with {type(error).__name__}."
            ) from error
    try:
        return jsonvalues.write(value).encode()
    except jsonvalues.Unreadable as error:
        raise ConversionFailed(f"The conversion of {event_type} to {to_version} made what is no JSON.") from error


def _ways(steps: dict[str, dict[str, Downgrade]], version: str) -> dict[str, list[tuple[str, Downgrade]]]:
    """Each version that can be reached, with the shortest way to it as (version, function that makes it)."""
    found: dict[str, list[tuple[str, Downgrade]]] = {}
    waiting = deque([version])
    while waiting:
        here = waiting.popleft()
        for there, function in steps.get(here, {}).items():
            if there != version and there not in found:
                found[there] = [*found.get(here, []), (there, function)]
                waiting.append(there)
    return found


def _name(function: Downgrade) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"
