"""The rows of an export: how they are found, a page at a time, and how each is written.

Lines of events are what ``POST /api/events`` takes, so an export can be imported elsewhere. Those of deliveries and
attempts have the names that the API has.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, NamedTuple
from uuid import UUID

import msgspec
from django.db.models import Model, QuerySet
from django.db.models.functions import Length

from webhooks.core import envelope, ids
from webhooks.models import Attempt, Delivery, Event, Operation
from webhooks.services.ingest import DEFAULT_VERSION
from webhooks.services.operations import fields

_PAGE = 1000  # rows of one query
_PAGE_BYTES = 4_194_304  # 4 MiB of their contents
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]


class Page(NamedTuple):
    """Rows to write, how many were looked at for them, and the key behind which the next page begins."""

    rows: list[Row]
    looked_at: int
    last: UUID | None


class _Kind(NamedTuple):
    model: type[Model]
    heavy: str  # the column that can be large
    columns: tuple[str, ...]
    show: Callable[[Any, dict[UUID, Event]], Row]


def _event(row: Event, _: dict[UUID, Event]) -> Row:
    return {
        "id": row.public_id,
        "type": row.type,
        "version": row.version or DEFAULT_VERSION,
        "created_at": envelope.timestamp(row.created_at),
        "metadata": row.metadata,
        "channels": row.channels,
        "data": msgspec.Raw(bytes(row.data)),
    }


def _delivery(row: Delivery, events: dict[UUID, Event]) -> Row:
    event = events.get(row.event_id)
    return {
        "id": row.public_id,
        "event_id": event.public_id if event else ids.show(ids.EVENT, row.event_id),
        "event_type": event.type if event else None,
        "webhook_id": ids.show(ids.WEBHOOK, row.endpoint_id),
        "status": row.state,
        "trigger": row.trigger,
        "attempt_count": row.attempt_count,
        "response_status": row.response_status,
        "reason": row.reason or None,
        "created_at": envelope.timestamp(row.created_at),
        "finished_at": envelope.timestamp(row.finished_at) if row.finished_at else None,
    }


def _attempt(row: Attempt, _: dict[UUID, Event]) -> Row:
    return {
        "id": row.public_id,
        "delivery_id": ids.show(ids.DELIVERY, row.delivery_id),
        "webhook_id": ids.show(ids.WEBHOOK, row.endpoint_id),
        "number": row.number,
        "trigger": row.trigger,
        "status": row.outcome,
        "started_at": envelope.timestamp(row.started_at),
        "request_url": row.request_url,
        "response_status": row.response_status,
        "response_headers": row.response_headers,
        "response_body": bytes(row.response_body).decode(errors="replace"),
        "error": row.error or None,
        "detail": row.detail or None,
        "timings": row.timings,
        "address": row.address or None,
        "worker": row.worker,
    }


_KINDS = {
    "events": _Kind(Event, "data", ("id", "type", "version", "created_at", "metadata", "channels", "data"), _event),
    "deliveries": _Kind(
        Delivery,
        "",
        (
            "id", "event_id", "event_type", "webhook_id", "status", "trigger", "attempt_count", "response_status",
            "reason", "created_at", "finished_at",
        ),
        _delivery,
    ),
    "attempts": _Kind(
        Attempt,
        "response_body",
        (
            "id", "delivery_id", "webhook_id", "number", "trigger", "status", "started_at", "request_url",
            "response_status", "response_headers", "response_body", "error", "detail", "timings", "address", "worker",
        ),
        _attempt,
    ),
}  # fmt: skip


def _rows(operation: Operation) -> QuerySet[Any]:
    kind, chosen = _KINDS[operation.params["what"]], fields.selection(operation.id, operation.params)
    manager: Any = kind.model._default_manager
    rows = manager.for_tenant(operation.tenant_id).filter(id__gte=chosen.lower, id__lt=chosen.upper)
    if chosen.endpoints is not None:
        rows = rows.filter(endpoint_id__in=chosen.endpoints)
    return rows  # type: ignore[no-any-return]


def count(operation: Operation) -> int:
    """How many rows there are to look at."""
    return _rows(operation).count()


def page(operation: Operation, after: UUID) -> Page:
    """The next rows. What no index serves is judged here, so that a page always ends soon."""
    kind, params = _KINDS[operation.params["what"]], operation.params
    rows = _rows(operation).filter(id__gt=after).order_by("id")
    keys = _affordable(kind, rows)
    if not keys:
        return Page([], 0, None)
    found = list(_rows(operation).filter(id__in=keys, id__lte=keys[-1], id__gt=after).order_by("id"))
    if states := params.get("status"):
        column = "outcome" if kind.model is Attempt else "state"
        found = [row for row in found if getattr(row, column) in states]
    if (status := params.get("response_status")) is not None:
        found = [row for row in found if row.response_status == status]
    events = _events(found) if kind.model is Delivery else {}
    chosen = fields.selection(operation.id, params)
    shown = [kind.show(row, events) for row in found if _fits(chosen, row, events)]
    return Page(shown, len(keys), keys[-1])


def _affordable(kind: _Kind, rows: QuerySet[Any]) -> list[UUID]:
    """The keys of as many rows as a page should hold; at least one if there is one."""
    if not kind.heavy:
        return list(rows.values_list("id", flat=True)[:_PAGE])
    taken: list[UUID] = []
    held = 0
    for key, size in rows.values_list("id", Length(kind.heavy))[:_PAGE]:
        held += size or 0
        if taken and held > _PAGE_BYTES:
            break
        taken.append(key)
    return taken


def _events(rows: Sequence[Delivery]) -> dict[UUID, Event]:
    wanted = {row.event_id for row in rows}
    if not wanted:
        return {}
    found = Event.objects.filter(id__in=wanted, id__gte=min(wanted), id__lte=max(wanted))
    return {event.id: event for event in found.only("id", "key", "type")}


def _fits(chosen: fields.Selection, row: Any, events: dict[UUID, Event]) -> bool:
    if chosen.patterns is None:
        return True
    event = events.get(row.event_id) if isinstance(row, Delivery) else row
    return event is not None and chosen.fits(event.type)


class Writer:
    """Writes rows in the format of an operation. ``header``: CSV begins with the names of the columns."""

    def __init__(self, operation: Operation, file: IO[bytes], *, header: bool) -> None:
        self._columns = _KINDS[operation.params["what"]].columns
        self._csv = operation.params["format"] == "csv"
        self._file = file
        if header and self._csv:
            self._write_csv([self._columns])

    def write(self, rows: Sequence[Row]) -> int:
        """How many were written."""
        if self._csv:
            self._write_csv([_cell(row[name]) for name in self._columns] for row in rows)
        else:
            for row in rows:
                self._file.write(_line(row))
        return len(rows)

    def _write_csv(self, rows: Iterable[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode())


def _line(row: Row) -> bytes:
    """One line. JSON text may have line breaks between its parts; inside texts it has none (RFC 8259 section 7)."""
    return msgspec.json.encode(row).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _cell(value: Any) -> str:
    """A value for a spreadsheet; what is no text is JSON.

    Attack: a cell that begins with = or the like is a formula, and runs when somebody opens the file (CSV injection).
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else bytes(msgspec.json.encode(value)).decode()
    return f"'{text}" if text.startswith(_FORMULA) else text
