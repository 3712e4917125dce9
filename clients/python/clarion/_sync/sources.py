"""Sources: whose webhooks Clarion receives, and what it received."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

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
from clarion._sync.calls import Resource, each, given, only
from clarion.fields import ReplayFields, RotateFields, SourceChanges, SourceFields


class Sources(Resource):
    """``client.sources``"""

    def create(self, name: str, provider: str, **fields: Unpack[SourceFields]) -> CreatedSource:
        """A new source. Give its ``url`` to the provider; secrets of the answer are shown this once."""
        body = SourceRequest.from_dict({**fields, "name": name, "provider": provider})
        return only(create_source.sync_detailed(client=self._core, body=body), CreatedSource)

    def list(self) -> Iterator[Source]:
        """Sources, newest first."""

        def page(cursor: str | Unset) -> PaginatedSourceList:
            response = list_sources.sync_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedSourceList)

        return each(page)

    def get(self, id: str) -> Source:
        """One source."""
        return only(get_source.sync_detailed(id, client=self._core), Source)

    def update(self, id: str, **fields: Unpack[SourceChanges]) -> Source:
        """Change some fields; the others stay as they are."""
        body = PatchedSourceRequest.from_dict(fields)
        return only(update_source.sync_detailed(id, client=self._core, body=body), Source)

    def replace(self, id: str, name: str, provider: str, **fields: Unpack[SourceFields]) -> Source:
        """Set all fields; those left out get their defaults."""
        body = SourceRequest.from_dict({**fields, "name": name, "provider": provider})
        return only(replace_source.sync_detailed(id, client=self._core, body=body), Source)

    def delete(self, id: str) -> None:
        """Delete it; its URL takes nothing any more."""
        delete_source.sync_detailed(id, client=self._core)

    def rotate_secret(self, id: str, **fields: Unpack[RotateFields]) -> SourceSecret:
        """A new secret, beside which the old one is accepted for a while."""
        body = RotateSourceSecretRequest.from_dict(fields)
        return only(rotate_source_secret.sync_detailed(id, client=self._core, body=body), SourceSecret)


class ReceivedMessages(Resource):
    """``client.received``"""

    def list(self, *, source: str | None = None, status: ListReceivedStatus | None = None) -> Iterator[Received]:
        """Received messages, newest first."""

        def page(cursor: str | Unset) -> PaginatedReceivedList:
            response = list_received.sync_detailed(
                client=self._core, cursor=cursor, source=given(source), status=given(status)
            )
            return only(response, PaginatedReceivedList)

        return each(page)

    def get(self, id: str) -> ReceivedDetail:
        """One message with its body."""
        return only(get_received.sync_detailed(id, client=self._core), ReceivedDetail)

    def replay(self, id: str, **fields: Unpack[ReplayFields]) -> ReceivedDetail:
        """Process it again."""
        body = ReplayReceivedRequest.from_dict(fields)
        return only(replay_received.sync_detailed(id, client=self._core, body=body), ReceivedDetail)
