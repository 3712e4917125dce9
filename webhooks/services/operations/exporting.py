"""Export: events, deliveries or attempts of a period as NDJSON or CSV, file by file into the storage.

Each step writes one file of bounded size and then moves the cursor, which names the file; what is downloaded is the
files one after the other. A step that is done again writes a file of another name, and the first one is named by
nobody. No transaction is open while rows are read page by page and written: an export is no snapshot, but a row is in
it exactly once, because keys only grow.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any, NamedTuple
from uuid import UUID

from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Attempt, Delivery, Operation
from webhooks.services.operations import export_rows, fields, files
from webhooks.services.operations.export_rows import Writer
from webhooks.services.operations.steps import Step, added

_FILE_BYTES = 8_388_608  # 8 MiB: large enough for few files, small enough for a step of a second or two
_STEP_TIME = 2.0  # seconds of reading and writing, whatever the size
_IN_MEMORY = 1_048_576  # 1 MiB of a file that is held before it goes to the disk
STATUSES = {"events": (), "deliveries": Delivery.State.values, "attempts": Attempt.Outcome.values}


class _Written(NamedTuple):
    name: str
    looked_at: int
    rows: int
    size: int
    last: UUID | None  # None: that was all


class Export:
    """``{"what", "format", "since", "until", "webhooks", "event_types", "status", "response_status"}``."""

    def check(self, tenant_id: UUID, params: Any, at: str) -> dict[str, Any]:
        what = params.get("what") if isinstance(params, dict) else None
        checks: dict[str, fields.Check] = {
            "what": fields.one_of(*STATUSES),
            "format": fields.one_of("ndjson", "csv"),
            "since": fields.moment,
            "until": fields.moment,
        }
        if what != "attempts":
            checks["event_types"] = fields.optional(fields.type_patterns)
        if what != "events":
            known = STATUSES.get(what, ()) if isinstance(what, str) else ()
            checks["status"] = fields.some_of(*(known or ("succeeded",)))
            checks["webhooks"] = fields.webhooks_of(tenant_id)
            checks["response_status"] = fields.optional(fields.whole(100, 599, "an HTTP status,"))
        cleaned = fields.read(params, checks, {"format": "ndjson"}, at)
        if "what" not in cleaned:
            raise InvalidInput(FieldError(f"{at}/what", f"is required: one of {', '.join(STATUSES)}"))
        files.storage()  # an order that cannot be carried out is refused
        return cleaned

    def count(self, operation: Operation) -> int | None:
        return export_rows.count(operation)

    def prepare(self, operation: Operation) -> _Written:
        """Write the next file."""
        after = UUID(operation.cursor.get("after", "0" * 32))
        first = not operation.cursor
        ends = time.monotonic() + _STEP_TIME
        looked_at = rows = 0
        last: UUID | None = after
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            writer = Writer(operation, file, header=first)
            while last is not None and file.tell() < _FILE_BYTES and time.monotonic() < ends:
                page = export_rows.page(operation, last)
                looked_at, rows, last = looked_at + page.looked_at, rows + writer.write(page.rows), page.last
            size = file.tell()
            file.seek(0)
            # the first one in any case, so that an export of nothing can be downloaded as well
            name = files.save(operation.id, f"{operation.done:012}", file) if size or first else ""
        return _Written(name, looked_at, rows, size, last)

    def perform(self, operation: Operation, prepared: _Written) -> Step:
        tally = added(operation.tally, rows=prepared.rows, bytes=prepared.size)
        cursor = None if prepared.last is None else {"after": prepared.last.hex}
        return Step(cursor, prepared.looked_at, tally, file=prepared.name)
