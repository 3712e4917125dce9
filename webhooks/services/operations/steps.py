"""What every type of operation has to provide, and what a step hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from webhooks.models import Operation
from webhooks.services.bell import Bell


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did. ``cursor`` None: that was the last one.

    ``looked_at``: rows by which the progress moves. ``pause``: seconds until the next step. ``file``: name of what it
    added to the storage. ``published``: events were accepted, so the fan-out has to be rung.
    """

    cursor: dict[str, Any] | None
    looked_at: int
    tally: dict[str, Any]
    pause: float = 0.0
    bells: list[Bell] = field(default_factory=list)
    file: str = ""
    published: bool = False


class Work(Protocol):
    """A type of operation.

    ``check`` reads parameters (raises InvalidInput). ``count`` tells how many rows there are to look at, None when
    nobody knows. ``prepare`` may take its time and use the storage: no transaction is open, and it has to be harmless
    when it is done twice. ``perform`` runs in the transaction that moves the cursor.
    """

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]: ...

    def count(self, operation: Operation) -> int | None: ...

    def prepare(self, operation: Operation) -> Any: ...

    def perform(self, operation: Operation, prepared: Any) -> Step: ...


class Quiet:
    """For types that need no preparation."""

    def prepare(self, operation: Operation) -> Any:
        return None


def added(tally: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A tally with numbers added to it; dictionaries of numbers are added key by key."""
    total = dict(tally)
    for name, value in more.items():
        if isinstance(value, Mapping):
            total[name] = added(total.get(name, {}), **{str(key): number for key, number in value.items()})
        else:
            total[name] = total.get(name, 0) + value
    return total
