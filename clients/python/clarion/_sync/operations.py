"""Operations: work on many objects, done in the background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Unpack
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from clarion._generated.api.operations import cancel_operation, create_operation, get_operation, list_operations
from clarion._generated.models import (
    ListOperationsStatus,
    NewOperationRequest,
    Operation,
    Ordered,
    PaginatedOperationList,
)
from clarion._generated.types import Unset
from clarion._sync.calls import Resource, each, given, only
from clarion.bodies import plain
from clarion.errors import ConnectionFailed, NoResult
from clarion.fields import OperationFields
from clarion.retries import IN_PARTS


class Operations(Resource):
    """``client.operations``"""

    def create(self, type: str, **fields: Unpack[OperationFields]) -> Ordered:
        """Order a replay, an export or a purge. ``get`` tells how far it is; ``callback_url`` hears of its end."""
        body = NewOperationRequest.from_dict({**plain(fields), "type": type})
        return only(create_operation.sync_detailed(client=self._core, body=body), Ordered)

    def list(self, *, status: ListOperationsStatus | None = None) -> Iterator[Operation]:
        """Operations, newest first."""

        def page(cursor: str | Unset) -> PaginatedOperationList:
            response = list_operations.sync_detailed(client=self._core, cursor=cursor, status=given(status))
            return only(response, PaginatedOperationList)

        return each(page)

    def get(self, id: str) -> Operation:
        """One operation: its status, progress and result."""
        return only(get_operation.sync_detailed(id, client=self._core), Operation)

    def cancel(self, id: str) -> Operation:
        """Stop it. What it has done stays done."""
        return only(cancel_operation.sync_detailed(id, client=self._core), Operation)

    def download(self, id: str, file: IO[bytes]) -> int:
        """Write the result of a finished export into ``file``, part by part as it comes; how many bytes that were.

        Raises :class:`NoResult` when there is none (yet), and :class:`ConnectionFailed` when it breaks off; some of it
        has been written then.
        """
        operation = self.get(id)
        if not operation.result_url:
            raise NoResult(f"{id} has nothing to download: a {operation.type_} that is {operation.status}.")
        token = parse_qs(urlsplit(operation.result_url).query)["token"][0]
        path, written = f"/api/operations/{quote(id, safe='')}/result", 0
        # At the address of this client: the key goes nowhere else, whatever an answer says.
        http = self._core.get_httpx_client()
        with http.stream("GET", path, params={"token": token}, extensions={IN_PARTS: True}) as answer:
            try:
                for part in answer.iter_bytes():
                    file.write(part)
                    written += len(part)
            except httpx.TransportError as error:
                raise ConnectionFailed(f"GET {path}: broke off after {written} bytes") from error
        return written
