"""The audit log: who did what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from clarion._aio.calls import Resource, each, given, only
from clarion._generated.api.audit import list_audit_entries
from clarion._generated.models import AuditEntry, PaginatedAuditEntryList
from clarion._generated.types import Unset


class AuditLog(Resource):
    """``client.audit``"""

    def list(
        self,
        *,
        action: str | None = None,
        actor: str | None = None,
        object: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> AsyncIterator[AuditEntry]:
        """Changes, replays, reveals of secrets and logins, newest first. ``actor`` and ``object``: by id."""

        async def page(cursor: str | Unset) -> PaginatedAuditEntryList:
            response = await list_audit_entries.asyncio_detailed(
                client=self._core,
                cursor=cursor,
                action=given(action),
                actor=given(actor),
                object_=given(object),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedAuditEntryList)

        return each(page)
