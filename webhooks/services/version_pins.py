"""Whether the version a webhook is pinned to is one that its event types have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q

from webhooks.core import conversions, patterns
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import EventTypeVersion

_SHOWN = 10  # versions named in a sentence


def check(tenant_id: UUID, version: str, wanted: Sequence[str], pointer: str = "/version") -> None:
    """Raise :class:`InvalidInput` when a pin would keep a subscription from ever getting anything.

    That is: a pattern that is a type's own name, where the type is registered with versions, and none of them is
    ``version`` or can be converted to it; or a wildcard that fits registered types, all of which are like that. Types
    without registered versions say nothing about a pin, and what is registered later is not looked at again.
    """
    if not version:
        return
    known = _versions(tenant_id)
    faults = [FieldError(pointer, detail) for pattern in wanted for detail in _fault(pattern, version, known)]
    if faults:
        raise InvalidInput(faults)


def _versions(tenant_id: UUID) -> dict[str, list[str]]:
    """The versions of each type, the tenant's own types before everybody's."""
    rows = EventTypeVersion.objects.filter(Q(event_type__tenant_id=tenant_id) | Q(event_type__tenant_id=None))
    found: dict[str, tuple[bool, list[str]]] = {}
    for tenant, name, version in rows.order_by("id").values_list("event_type__tenant_id", "event_type__name", "name"):
        own = tenant is not None
        if name not in found or (own and not found[name][0]):
            found[name] = (own, [])
        if found[name][0] == own:
            found[name][1].append(version)
    return {name: versions for name, (_, versions) in found.items()}


def _fault(pattern: str, version: str, known: dict[str, list[str]]) -> Iterator[str]:
    fitting = {name: versions for name, versions in known.items() if patterns.matches(pattern, name)}
    if not fitting or any(_has(name, versions, version) for name, versions in fitting.items()):
        return
    if pattern in fitting:
        shown = ", ".join(fitting[pattern][-_SHOWN:])
        yield f"{pattern} has no version {version} and no conversion to it; its versions: {shown}"
    else:
        yield f"none of the registered types that {pattern} fits has the version {version}"


def _has(event_type: str, versions: list[str], wanted: str) -> bool:
    return wanted in versions or any(wanted in conversions.older(event_type, version) for version in versions)
