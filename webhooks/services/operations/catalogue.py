"""Which types of operations there are. A type is here when it works."""

from __future__ import annotations

from collections.abc import Mapping

from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Operation
from webhooks.services.operations.exporting import Export
from webhooks.services.operations.importing import Import
from webhooks.services.operations.purging import Purge
from webhooks.services.operations.replaying import Discard, Replay
from webhooks.services.operations.steps import Work

Type = Operation.Type

WORKS: Mapping[str, Work] = {
    Type.REPLAY: Replay(),
    Type.DISCARD: Discard(),
    Type.EXPORT: Export(),
    Type.IMPORT: Import(),
    Type.PURGE: Purge(),
}


def work_of(type: object) -> Work:
    """The work of a type. Raises :class:`InvalidInput` for one that there is not."""
    work = WORKS.get(type) if isinstance(type, str) else None
    if work is None:
        known = ", ".join(str(Type(name).value) for name in WORKS)
        raise InvalidInput(FieldError("/type", f"takes one of {known}"))
    return work
