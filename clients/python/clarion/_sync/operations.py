"""Operations: work on many objects, done in the background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

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
from clarion.fields import OperationFields


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
