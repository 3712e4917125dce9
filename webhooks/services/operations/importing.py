"""Import: events from NDJSON, line by line, through the same door as those that are published one by one.

Invariant: the events of a step commit together with the place where the next one begins, so a step that is done again
begins where the last one ended; ids of the publisher's own are deduplicated besides, whoever published them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from django.db import transaction

from webhooks.conf import conf
from webhooks.errors import ClarionError, FieldError, InvalidInput
from webhooks.models import Operation
from webhooks.services import ingest, ingest_json
from webhooks.services.operations import fields, files
from webhooks.services.operations.steps import Step, added

_LINES = 500  # of one transaction
_BYTES = 4_194_304  # 4 MiB of lines that a step holds in memory
_TOLD = 100  # errors that a result keeps; the others are counted
_REST = 65_536  # bytes of one read of a line that is too long
TAKEN = "another event with other content has this id"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is not blank. ``raw`` None: it was too long to be read."""

    number: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class _Read:
    lines: list[_Line]
    offset: int  # bytes up to the next line
    number: int  # of the last line
    ended: bool


class Import:
    """``{"ndjson": "one event a line"}``, or no parameters and an uploaded file."""

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]:
        cleaned = fields.read(params, {"ndjson": _text}, {}, at)
        if "ndjson" not in cleaned:
            detail = "is required: one event a line. A file is sent as the body of POST /api/operations/import"
            raise InvalidInput(FieldError(f"{at}/ndjson", detail))
        return cleaned

    def count(self, operation: Operation) -> int | None:
        return None  # said when it is ordered

    def prepare(self, operation: Operation) -> _Read:
        """Read the next lines."""
        offset, number = operation.cursor.get("offset", 0), operation.cursor.get("line", 0)
        with _opened(operation) as file:
            file.seek(offset)
            return _read(file, offset, number)

    def perform(self, operation: Operation, prepared: _Read) -> Step:
        drafts: dict[int, ingest.Draft] = {}
        refused: dict[int, Sequence[FieldError]] = {}
        for line in prepared.lines:
            try:
                if line.raw is None:
                    raise InvalidInput(FieldError("", f"has more than {conf.MAX_EVENT_BYTES} bytes"))
                drafts[line.number] = ingest_json.parse_event(line.raw, correlation_id=operation.public_id)
            except InvalidInput as error:
                refused[line.number] = error.errors
            except ClarionError as error:
                refused[line.number] = [FieldError("", str(error))]
        published = _publish(operation.tenant_id, drafts, refused)
        duplicates = sum(one.duplicate for one in published)
        tally = added(
            operation.tally, lines=len(prepared.lines), accepted=len(published) - duplicates, duplicates=duplicates,
            failed=len(refused),
        )  # fmt: skip
        tally["errors"] = (operation.tally.get("errors", []) + _told(refused))[:_TOLD]
        cursor = None if prepared.ended else {"offset": prepared.offset, "line": prepared.number}
        looked_at = prepared.number - operation.cursor.get("line", 0)
        return Step(cursor, looked_at, tally, published=len(published) > duplicates)


def lines_of(content: bytes) -> int:
    """How many lines a text has."""
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise fields.Bad("takes text, one event as JSON on each line")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fields.Bad("cannot hold a lone surrogate") from None
    return value


def _opened(operation: Operation) -> IO[bytes]:
    if operation.input is not None:
        return io.BytesIO(bytes(operation.input))
    opened: Any = files.storage().open(operation.files[0], "rb")
    return opened  # type: ignore[no-any-return]


def _read(file: IO[bytes], offset: int, number: int) -> _Read:
    lines: list[_Line] = []
    held = 0
    for raw, size in _lines(file):
        number, offset, held = number + 1, offset + size, held + len(raw or b"")
        if raw is None or raw.strip():
            lines.append(_Line(number, raw))
        if len(lines) >= _LINES or held >= _BYTES:
            return _Read(lines, offset, number, ended=False)
    return _Read(lines, offset, number, ended=True)


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes | None, int]]:
    """Each line with its size in bytes; None for one that is too long, which is never held as a whole."""
    limit = conf.MAX_EVENT_BYTES + 2  # with its end of line
    while raw := file.readline(limit):
        size = len(raw)
        if size < limit or raw.endswith(b"\n"):
            yield raw.rstrip(b"\r\n"), size
            continue
        while rest := file.readline(_REST):
            size += len(rest)
            if rest.endswith(b"\n"):
                break
        yield None, size


def _publish(
    tenant_id: UUID, drafts: dict[int, ingest.Draft], refused: dict[int, Sequence[FieldError]]
) -> list[ingest.Published]:
    """Store the drafts; those that cannot be are added to ``refused``."""
    if not drafts:
        return []
    numbers = list(drafts)
    try:
        with transaction.atomic():
            made = ingest.publish(tenant_id, list(drafts.values()))
    except InvalidInput as error:
        # The pointers begin with the place in the list, and nothing was stored.
        for fault in error.errors:
            place, _, rest = fault.pointer.removeprefix("/").partition("/")
            known = refused.get(numbers[int(place)], [])
            refused[numbers[int(place)]] = [*known, FieldError(f"/{rest}", fault.detail)]
        return _publish(tenant_id, {n: draft for n, draft in drafts.items() if n not in refused}, refused)
    for n, one in zip(numbers, made, strict=True):
        if one.conflict:
            refused[n] = [FieldError("/id", TAKEN)]
    return [one for one in made if not one.conflict]


def _told(refused: dict[int, Sequence[FieldError]]) -> list[dict[str, Any]]:
    return [
        {"line": number, "pointer": fault.pointer, "detail": fault.detail}
        for number in sorted(refused)
        for fault in refused[number]
    ]
