"""Reading the parameters of an operation: each fault with its pointer, all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from webhooks.core import envelope, ids, patterns
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Endpoint
from webhooks.services import moments
from webhooks.services.endpoint_auth import escape

MAX_WEBHOOKS = 1000  # that one operation names
MAX_EVENTS = 1000
MAX_PATTERNS = 100


class Fault(Exception):
    """What is wrong with one parameter; pointers are relative to it."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__()
        self.faults = faults


class Bad(Fault):
    """One fault of the parameter as a whole."""

    def __init__(self, detail: str) -> None:
        super().__init__(("", detail))


Check = Callable[[Any], Any]


def read(params: Any, checks: Mapping[str, Check], defaults: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The checked parameters with defaults. ``at``: pointer of the object they stand in.

    Raises :class:`InvalidInput` with every fault: unknown names, wrong values, a period that ends before it begins.
    """
    if params is None:
        params = {}
    if not isinstance(params, dict):
        raise InvalidInput(FieldError(at, "takes an object"))
    faults: list[FieldError] = []
    cleaned = dict(defaults)
    for name, value in params.items():
        if (check := checks.get(name)) is None:
            faults.append(FieldError(f"{at}/{escape(name)}", f"is not a known parameter; known: {', '.join(checks)}"))
            continue
        try:
            cleaned[name] = check(value)
        except Fault as fault:
            faults += [FieldError(f"{at}/{name}{inner}", detail) for inner, detail in fault.faults]
    since, until = cleaned.get("since"), cleaned.get("until")
    if not faults and since and until and moment_of(since) >= moment_of(until):
        faults.append(FieldError(f"{at}/until", "has to be later than since"))
    if faults:
        raise InvalidInput(faults)
    return cleaned


# --- values


def moment(value: Any) -> str | None:
    """A time as text in UTC; null: no bound."""
    if value is None:
        return None
    if (found := moments.parse(value)) is None:
        raise Bad("takes a time with its zone, such as 2025-09-10T15:30:45Z")
    return envelope.timestamp(found)


def moment_of(text: str) -> datetime:
    """A stored time."""
    return datetime.fromisoformat(text)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Bad("takes true or false")
    return value


def whole(low: int, high: int, unit: str) -> Check:
    """A whole number between the bounds."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Bad(f"takes a whole number of {unit} from {low} to {high}")
        return value

    return check


def optional(inner: Check) -> Check:
    """The same, or null."""
    return lambda value: None if value is None else inner(value)


def one_of(*known: str) -> Check:
    """One of a few words."""

    def check(value: Any) -> str:
        if value not in known or not isinstance(value, str):
            raise Bad(f"takes one of {', '.join(known)}")
        return value

    return check


def some_of(*known: str) -> Check:
    """A list of such words; one of them may stand alone."""

    def check(value: Any) -> list[str]:
        items = _texts(
            [value] if isinstance(value, str) else value, len(known) * 2, f"one or more of {', '.join(known)}"
        )
        faults = [(f"/{n}", f"takes one of {', '.join(known)}") for n, item in enumerate(items) if item not in known]
        if faults:
            raise Fault(*faults)
        return list(dict.fromkeys(items))

    return check


def type_patterns(value: Any) -> list[str]:
    """Event types or patterns, such as order.*"""
    items = _texts(value, MAX_PATTERNS, "event types or patterns, such as order.created or order.*")
    faults = []
    for n, item in enumerate(items):
        try:
            patterns.check_pattern(item)
        except patterns.InvalidPattern as error:
            faults.append((f"/{n}", str(error)))
    if faults:
        raise Fault(*faults)
    return list(dict.fromkeys(items))


def _texts(value: Any, limit: int, what: str) -> list[str]:
    if not isinstance(value, list) or not value:
        raise Bad(f"takes a list of {what}")
    if len(value) > limit:
        raise Bad(f"takes at most {limit} values")
    if wrong := [(f"/{n}", "takes text") for n, item in enumerate(value) if not isinstance(item, str)]:
        raise Fault(*wrong)
    return list(value)


def event_names(value: Any) -> list[str]:
    """Ids of events, Clarion's or the publisher's own ones."""
    items = _texts(value, MAX_EVENTS, "ids of events")
    # Unprintable ones are no id, and PostgreSQL refuses U+0000 among the stored parameters.
    faults = [
        (f"/{n}", "takes 1 to 128 printable characters")
        for n, item in enumerate(items)
        if not (1 <= len(item) <= 128 and item.isprintable())
    ]
    if faults:
        raise Fault(*faults)
    return list(dict.fromkeys(items))


def webhooks_of(tenant_id: UUID) -> Check:
    """Ids of the tenant's webhooks; null or "all": every one of them.

    Attack: an id of another tenant's webhook. It is refused like one that does not exist.
    """

    def check(value: Any) -> list[str] | None:
        if value is None or value == "all":
            return None
        items = _texts([value] if isinstance(value, str) else value, MAX_WEBHOOKS, 'ids of webhooks, or "all"')
        keys = [ids.parse(ids.WEBHOOK, item) for item in items]
        known = set(
            Endpoint.objects.existing()
            .for_tenant(tenant_id)
            .filter(id__in=[key for key in keys if key])
            .values_list("id", flat=True)
        )
        faults = [(f"/{n}", "there is no such webhook") for n, key in enumerate(keys) if key not in known]
        if faults:
            raise Fault(*faults)
        return [ids.show(ids.WEBHOOK, key) for key in dict.fromkeys(keys) if key]

    return check


# --- what handlers make of stored parameters


class Selection(NamedTuple):
    """The rows an operation is about: keys in [lower, upper), of these webhooks, of types that fit the patterns."""

    lower: UUID
    upper: UUID
    endpoints: list[UUID] | None
    patterns: list[str] | None

    def fits(self, event_type: str) -> bool:
        """Whether an event type is asked for."""
        return self.patterns is None or any(patterns.matches(pattern, event_type) for pattern in self.patterns)


def selection(operation_id: UUID, params: Mapping[str, Any]) -> Selection:
    """``upper`` is at most the operation's own key: what came after it was ordered is none of its business, and so it
    never meets what it makes itself."""
    since, until = params.get("since"), params.get("until")
    lower = ids.floor(moment_of(since)) if since else UUID(int=0)
    upper = min(operation_id, ids.floor(moment_of(until))) if until else operation_id
    named: Iterable[str] | None = params.get("webhooks")
    keys = None if named is None else [key for name in named if (key := ids.parse(ids.WEBHOOK, name))]
    return Selection(lower, upper, keys, params.get("event_types"))
