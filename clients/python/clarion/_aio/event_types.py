"""Event types: what is published, in which versions, with which schemas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Unpack

from clarion._aio.calls import Resource, each, only
from clarion._generated.api.event_types import (
    add_event_type_version,
    create_event_type,
    delete_event_type,
    get_event_type,
    import_event_types,
    list_event_types,
    replace_event_type,
)
from clarion._generated.models import (
    EventType,
    EventTypeRequest,
    EventTypeVersion,
    EventTypeVersionRequest,
    ImportReport,
    ImportRequest,
    NewEventTypeRequest,
    PaginatedEventTypeList,
)
from clarion._generated.types import Unset
from clarion.bodies import plain
from clarion.fields import EventTypeFields, EventTypeVersionFields, ImportFields, NewEventTypeFields


class EventTypes(Resource):
    """``client.event_types``"""

    async def create(self, name: str, **fields: Unpack[NewEventTypeFields]) -> EventType:
        """Register a type with its first version."""
        body = NewEventTypeRequest.from_dict({**plain(fields), "name": name})
        return only(await create_event_type.asyncio_detailed(client=self._core, body=body), EventType)

    def list(self) -> AsyncIterator[EventType]:
        """The tenant's own types and those of all tenants."""

        async def page(cursor: str | Unset) -> PaginatedEventTypeList:
            response = await list_event_types.asyncio_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedEventTypeList)

        return each(page)

    async def get(self, name: str) -> EventType:
        """A type with its versions."""
        return only(await get_event_type.asyncio_detailed(name, client=self._core), EventType)

    async def replace(self, name: str, **fields: Unpack[EventTypeFields]) -> EventType:
        """Description and deprecation are replaced; versions that are named are changed or added."""
        body = EventTypeRequest.from_dict({**plain(fields), "name": name})
        return only(await replace_event_type.asyncio_detailed(name, client=self._core, body=body), EventType)

    async def delete(self, name: str) -> None:
        """Delete a type with its versions. Events and webhooks stay."""
        await delete_event_type.asyncio_detailed(name, client=self._core)

    async def add_version(self, name: str, version: str, **fields: Unpack[EventTypeVersionFields]) -> EventTypeVersion:
        """Add a version to a type."""
        body = EventTypeVersionRequest.from_dict({**plain(fields), "version": version})
        return only(await add_event_type_version.asyncio_detailed(name, client=self._core, body=body), EventTypeVersion)

    async def import_openapi(self, document: Mapping[str, Any], **fields: Unpack[ImportFields]) -> ImportReport:
        """Make types of the webhooks of an OpenAPI 3.1 document."""
        body = ImportRequest.from_dict({**fields, "document": document})
        return only(await import_event_types.asyncio_detailed(client=self._core, body=body), ImportReport)
