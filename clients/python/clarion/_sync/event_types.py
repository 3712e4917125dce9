"""Event types: what is published, in which versions, with which schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

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
from clarion._sync.calls import Resource, each, only
from clarion.bodies import plain
from clarion.fields import EventTypeFields, EventTypeVersionFields, ImportFields, NewEventTypeFields


class EventTypes(Resource):
    """``client.event_types``"""

    def create(self, name: str, **fields: Unpack[NewEventTypeFields]) -> EventType:
        """Register a type with its first version."""
        body = NewEventTypeRequest.from_dict({**plain(fields), "name": name})
        return only(create_event_type.sync_detailed(client=self._core, body=body), EventType)

    def list(self) -> Iterator[EventType]:
        """The tenant's own types and those of all tenants."""

        def page(cursor: str | Unset) -> PaginatedEventTypeList:
            response = list_event_types.sync_detailed(client=self._core, cursor=cursor)
            return only(response, PaginatedEventTypeList)

        return each(page)

    def get(self, name: str) -> EventType:
        """A type with its versions."""
        return only(get_event_type.sync_detailed(name, client=self._core), EventType)

    def replace(self, name: str, **fields: Unpack[EventTypeFields]) -> EventType:
        """Description and deprecation are replaced; versions that are named are changed or added."""
        body = EventTypeRequest.from_dict({**plain(fields), "name": name})
        return only(replace_event_type.sync_detailed(name, client=self._core, body=body), EventType)

    def delete(self, name: str) -> None:
        """Delete a type with its versions. Events and webhooks stay."""
        delete_event_type.sync_detailed(name, client=self._core)

    def add_version(self, name: str, version: str, **fields: Unpack[EventTypeVersionFields]) -> EventTypeVersion:
        """Add a version to a type."""
        body = EventTypeVersionRequest.from_dict({**plain(fields), "version": version})
        return only(add_event_type_version.sync_detailed(name, client=self._core, body=body), EventTypeVersion)

    def import_openapi(self, document: Mapping[str, Any], **fields: Unpack[ImportFields]) -> ImportReport:
        """Make types of the webhooks of an OpenAPI 3.1 document."""
        body = ImportRequest.from_dict({**fields, "document": document})
        return only(import_event_types.sync_detailed(client=self._core, body=body), ImportReport)
