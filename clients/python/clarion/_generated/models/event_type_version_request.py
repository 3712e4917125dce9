from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_type_version_request_enforcement import (
    EventTypeVersionRequestEnforcement,
    check_event_type_version_request_enforcement,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event_type_version_request_schema_type_0 import EventTypeVersionRequestSchemaType0


T = TypeVar("T", bound="EventTypeVersionRequest")


@_attrs_define
class EventTypeVersionRequest:
    """A version of an event type."""

    version: str
    """ Name of the version, such as v2. """
    deprecated_at: datetime.datetime | None | Unset = UNSET
    """ Since when it should not be used any more, or from when on; null: it may be used. """
    deprecation_message: str | Unset = UNSET
    """ What to use instead, for people. """
    description: str | Unset = UNSET
    """ For people. """
    schema: bool | EventTypeVersionRequestSchemaType0 | None | Unset = UNSET
    """ JSON Schema (2020-12) of the data; references within it only. At most 64 KiB; null: none. """
    example: Any | Unset = UNSET
    """ Data of such an event, valid by the schema; test events carry it. At most 64 KiB; null: none. """
    enforcement: EventTypeVersionRequestEnforcement | Unset = "block"
    """ What happens to an event whose data fails the schema: `block` refuses it, `warn` accepts it and says what is
    wrong, `off` checks nothing. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_type_version_request_schema_type_0 import EventTypeVersionRequestSchemaType0  # noqa: PLC0415

        version = self.version

        deprecated_at: None | str | Unset
        if isinstance(self.deprecated_at, Unset):
            deprecated_at = UNSET
        elif isinstance(self.deprecated_at, datetime.datetime):
            deprecated_at = self.deprecated_at.isoformat()
        else:
            deprecated_at = self.deprecated_at

        deprecation_message = self.deprecation_message

        description = self.description

        schema: bool | dict[str, Any] | None | Unset
        if isinstance(self.schema, Unset):
            schema = UNSET
        elif isinstance(self.schema, EventTypeVersionRequestSchemaType0):
            schema = self.schema.to_dict()
        else:
            schema = self.schema

        example = self.example

        enforcement: str | Unset = UNSET
        if not isinstance(self.enforcement, Unset):
            enforcement = self.enforcement

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
            }
        )
        if deprecated_at is not UNSET:
            field_dict["deprecated_at"] = deprecated_at
        if deprecation_message is not UNSET:
            field_dict["deprecation_message"] = deprecation_message
        if description is not UNSET:
            field_dict["description"] = description
        if schema is not UNSET:
            field_dict["schema"] = schema
        if example is not UNSET:
            field_dict["example"] = example
        if enforcement is not UNSET:
            field_dict["enforcement"] = enforcement

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_type_version_request_schema_type_0 import EventTypeVersionRequestSchemaType0  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        def _parse_deprecated_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deprecated_at_type_0 = datetime.datetime.fromisoformat(data)

                return deprecated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        deprecated_at = _parse_deprecated_at(d.pop("deprecated_at", UNSET))

        deprecation_message = d.pop("deprecation_message", UNSET)

        description = d.pop("description", UNSET)

        def _parse_schema(data: object) -> bool | EventTypeVersionRequestSchemaType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schema_type_0 = EventTypeVersionRequestSchemaType0.from_dict(data)

                return schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(bool | EventTypeVersionRequestSchemaType0 | None | Unset, data)

        schema = _parse_schema(d.pop("schema", UNSET))

        example = d.pop("example", UNSET)

        _enforcement = d.pop("enforcement", UNSET)
        enforcement: EventTypeVersionRequestEnforcement | Unset
        if isinstance(_enforcement, Unset):
            enforcement = UNSET
        else:
            enforcement = check_event_type_version_request_enforcement(_enforcement)

        event_type_version_request = cls(
            version=version,
            deprecated_at=deprecated_at,
            deprecation_message=deprecation_message,
            description=description,
            schema=schema,
            example=example,
            enforcement=enforcement,
        )

        event_type_version_request.additional_properties = d
        return event_type_version_request

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
