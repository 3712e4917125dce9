"""Sources: whose webhooks Clarion receives, and what it received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Unpack

from clarion._aio.calls import Resource, each, given, only
from clarion._generated.api.received_messages import get_received, list_received, replay_received
from clarion._generated.api.sources import (
    create_source,
    delete_source,
    get_source,
    list_sources,
    replace_source,
    rotate_source_secret,
    update_source,
)
from clarion._generated.models import (
    CreatedSource,
    ListReceivedStatus,
    PaginatedReceivedList,
    PaginatedSourceList,
    PatchedSourceRequest,
    Received,
    ReceivedDetail,
    ReplayReceivedRequest,
    RotateSourceSecretRequest,
    Source,
    SourceRequest,
    SourceSecret,
)
from clarion._generated.types import Unset
from clarion.fields import ReplayFields, RotateFields, SourceChanges, SourceFields


class Sources(Resource):
    """``client.sources``"""

    async def create(self, name: str, provider: str, **fields: Unpack[SourceFields]) -> CreatedSource:
        """A new source. Give its ``url`` to the provider; secrets of the answer are shown this once."""
        body = SourceRequest.from_dict({**fields, "name": name, "provider": provider})
        return only(await create_source.asyncio_detailed(client=self._core, body=body), CreatedSource)

    def list(self) -> AsyncIterator[Source]:
        """Sources, newest first."""

        async def page(cursor: str | Unset) -> PaginatedSourceList:
            response = await list_sources.asyncio_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedSourceList)

        return each(page)

    async def get(self, id: str) -> Source:
        """One source."""
        return only(await get_source.asyncio_detailed(id, client=self._core), Source)

    async def update(self, id: str, **fields: Unpack[SourceChanges]) -> Source:
        """Change some fields; the others stay as they are."""
        body = PatchedSourceRequest.from_dict(fields)
        return only(await update_source.asyncio_detailed(id, client=self._core, body=body), Source)

    async def replace(self, id: str, name: str, provider: str, **fields: Unpack[SourceFields]) -> Source:
        """Set all fields; those left out get their defaults."""
        body = SourceRequest.from_dict({**fields, "name": name, "provider": provider})
        return only(await replace_source.asyncio_detailed(id, client=self._core, body=body), Source)

    async def delete(self, id: str) -> None:
        """Delete it; its URL takes nothing any more."""
        await delete_source.asyncio_detailed(id, client=self._core)

    async def rotate_secret(self, id: str, **fields: Unpack[RotateFields]) -> SourceSecret:
        """A new secret, beside which the old one is accepted for a while."""
        body = RotateSourceSecretRequest.from_dict(fields)
        return only(await rotate_source_secret.asyncio_detailed(id, client=self._core, body=body), SourceSecret)


class ReceivedMessages(Resource):
    """``client.received``"""

    def list(self, *, source: str | None = None, status: ListReceivedStatus | None = None) -> AsyncIterator[Received]:
        """Received messages, newest first."""

        async def page(cursor: str | Unset) -> PaginatedReceivedList:
            response = await list_received.asyncio_detailed(
                client=self._core, cursor=cursor, source=given(source), status=given(status)
            )
            return only(response, PaginatedReceivedList)

        return each(page)

    async def get(self, id: str) -> ReceivedDetail:
        """One message with its body."""
        return only(await get_received.asyncio_detailed(id, client=self._core), ReceivedDetail)

    async def replay(self, id: str, **fields: Unpack[ReplayFields]) -> ReceivedDetail:
        """Process it again."""
        body = ReplayReceivedRequest.from_dict(fields)
        return only(await replay_received.asyncio_detailed(id, client=self._core, body=body), ReceivedDetail)
