"""Functions of the host project that are called with received messages, and the messages they get.

``@processor("github.push")`` stands in front of a function of one argument. The registry is filled when Django starts
and only read afterwards.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from webhooks.core import backoff, patterns

MAX_NAME = 200  # characters, the column's width
DEFAULT_TIME_LIMIT = 30.0  # seconds
LONGEST = 3600.0  # seconds of a time limit: a worker that is gone is noticed only after it
MAX_ATTEMPTS = 50
FORWARD = "forward"  # what Clarion itself does with a message; names of functions have a dot
FORWARD_TO = "forward_to"

_NAME = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message of a source, as a processor gets it.

    ``id``: ``rcv_…``. ``run_id``: ``prr_…``, the same on every try of this processor with this message: an idempotency
    key for what the processor calls. ``key``: the provider's id. ``type``: the provider's name of what happened,
    ``event_type``: Clarion's. ``headers``: names in lower case, repeated ones joined by commas, secrets masked.
    ``data``: the JSON text inside the body, which is mostly the body itself. ``created_at``: when it happened,
    as the provider says, else when it came. ``attempt``: 1 for the first try.
    """

    id: str
    run_id: str
    tenant_id: str
    source_id: str
    source: str
    provider: str
    key: str
    type: str
    event_type: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    data: bytes
    created_at: datetime
    received_at: datetime
    attempt: int = 1

    def json(self) -> Any:
        """The value of ``data``. Raises ValueError when the message is no JSON."""
        return json.loads(self.data)


Function = Callable[[Message], Any]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Processor:
    """A function and how it is called. ``sources``: names or ``src_…`` ids; empty: any."""

    name: str
    pattern: str
    function: Function
    sources: frozenset[str] = frozenset()
    max_attempts: int = 6
    time_limit: float = DEFAULT_TIME_LIMIT
    backoff: Any = "default"
    transaction: bool = True

    def wants(self, event_type: str, source_id: str, source: str) -> bool:
        """Whether messages of this type and source are for it."""
        if self.sources and not self.sources & {source_id, source}:
            return False
        return patterns.matches(self.pattern, event_type)

    def delay(self, attempts: int) -> float | None:
        """Seconds until the next try after so many, jitter included; None when there is none.

        A schedule that is shorter than the attempts goes on with its last step.
        """
        steps = backoff.schedule(self.backoff)
        if attempts >= self.max_attempts or not steps:
            return None
        return backoff.next_delay(self.backoff, min(attempts, len(steps)))


_registry: dict[str, Processor] = {}


def processor(
    pattern: str,
    *,
    source: str | Iterable[str] | None = None,
    name: str = "",
    max_attempts: int = 6,
    time_limit: float = DEFAULT_TIME_LIMIT,
    backoff: Any = "default",
    transaction: bool = True,
) -> Callable[[F], F]:
    """Have the function below called with each verified message whose event type fits ``pattern``.

    ``source``: only messages of this source, by name or ``src_…`` id (a name can be given by any tenant, an id cannot).
    ``name``: what its runs are called; the function's module and name unless given, so give one before you move it.
    ``max_attempts``: tries in all. ``time_limit``: seconds of one try. ``backoff``: a retry policy, as of webhooks.
    ``transaction``: the function's database changes and the note that it succeeded are one transaction.
    Raises ValueError for what cannot be.
    """
    sources = frozenset([source] if isinstance(source, str) else source or ())

    def register(function: F) -> F:
        made = Processor(
            name or f"{function.__module__}.{function.__qualname__}", pattern, function, sources, max_attempts,
            float(time_limit), backoff, transaction,
        )  # fmt: skip
        _check(made)
        known = _registry.get(made.name)
        if known is not None and _where(known.function) != _where(function):
            raise ValueError(f"there are two processors called {made.name}; give one of them another name=")
        _registry[made.name] = made
        return function

    return register


def named(name: str) -> Processor | None:
    """The processor of this name."""
    return _registry.get(name)


def fitting(event_type: str, source_id: str, source: str) -> list[Processor]:
    """The processors that want messages of this type and source, in the order they were registered."""
    return [one for one in _registry.values() if one.wants(event_type, source_id, source)]


def _check(made: Processor) -> None:
    patterns.check_pattern(made.pattern)
    backoff.check_policy(made.backoff)
    if not _NAME.match(made.name) or len(made.name) > MAX_NAME:
        raise ValueError(
            f"a processor's name is made of words joined by dots, at most {MAX_NAME} characters, not {made.name!r}: "
            "use a function of a module, or give it a name="
        )
    if inspect.iscoroutinefunction(made.function):
        raise ValueError(f"{made.name} is a coroutine function; a processor is called in a thread of its own")
    if not 0 < made.time_limit <= LONGEST:
        raise ValueError(f"time_limit of {made.name} is more than 0 and at most {LONGEST:.0f} seconds")
    if not 1 <= made.max_attempts <= MAX_ATTEMPTS:
        raise ValueError(f"max_attempts of {made.name} is a number from 1 to {MAX_ATTEMPTS}")


def _where(function: Function) -> tuple[str, str]:
    return function.__module__, function.__qualname__
