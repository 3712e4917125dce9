from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_type_version_enforcement import EventTypeVersionEnforcement, check_event_type_version_enforcement

if TYPE_CHECKING:
    from ..models.event_type_version_schema_type_0 import EventTypeVersionSchemaType0


T = TypeVar("T", bound="EventTypeVersion")


@_attrs_define
class EventTypeVersion:
    """A version of an event type."""

    deprecated_at: datetime.datetime | None
    """ Since when it should not be used any more, or from when on; null: it may be used. """
    deprecation_message: str
    """ What to use instead, for people. """
    version: str
    """ Name of the version, such as v2. """
    description: str
    """ For people. """
    schema: bool | EventTypeVersionSchemaType0 | None
    """ JSON Schema (2020-12) of the data; references within it only. At most 64 KiB; null: none. """
    example: Any
    """ Data of such an event, valid by the schema; test events carry it. At most 64 KiB; null: none. """
    warned: int
    """ Events accepted although they failed the schema. """
    last_warned_at: datetime.datetime | None
    """ When the last one of them came. """
    created_at: datetime.datetime
    """ When it was made. """
    enforcement: EventTypeVersionEnforcement = "block"
    """ What happens to an event whose data fails the schema: `block` refuses it, `warn` accepts it and says what is
    wrong, `off` checks nothing. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_type_version_schema_type_0 import EventTypeVersionSchemaType0  # noqa: PLC0415

        deprecated_at: None | str
        if isinstance(self.deprecated_at, datetime.datetime):
            deprecated_at = self.deprecated_at.isoformat()
        else:
            deprecated_at = self.deprecated_at

        deprecation_message = self.deprecation_message

        version = self.version

        description = self.description

        schema: bool | dict[str, Any] | None
        if isinstance(self.schema, EventTypeVersionSchemaType0):
            schema = self.schema.to_dict()
        else:
            schema = self.schema

        example = self.example

        enforcement: str = self.enforcement

        warned = self.warned

        last_warned_at: None | str
        if isinstance(self.last_warned_at, datetime.datetime):
            last_warned_at = self.last_warned_at.isoformat()
        else:
            last_warned_at = self.last_warned_at

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deprecated_at": deprecated_at,
                "deprecation_message": deprecation_message,
                "version": version,
                "description": description,
                "schema": schema,
                "example": example,
                "enforcement": enforcement,
                "warned": warned,
                "last_warned_at": last_warned_at,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_type_version_schema_type_0 import EventTypeVersionSchemaType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_deprecated_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deprecated_at_type_0 = datetime.datetime.fromisoformat(data)

                return deprecated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        deprecated_at = _parse_deprecated_at(d.pop("deprecated_at"))

        deprecation_message = d.pop("deprecation_message")

        version = d.pop("version")

        description = d.pop("description")

        def _parse_schema(data: object) -> bool | EventTypeVersionSchemaType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                schema_type_0 = EventTypeVersionSchemaType0.from_dict(data)

                return schema_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(bool | EventTypeVersionSchemaType0 | None, data)

        schema = _parse_schema(d.pop("schema"))

        example = d.pop("example")

        enforcement = check_event_type_version_enforcement(d.pop("enforcement"))

        warned = d.pop("warned")

        def _parse_last_warned_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_warned_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_warned_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_warned_at = _parse_last_warned_at(d.pop("last_warned_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        event_type_version = cls(
            deprecated_at=deprecated_at,
            deprecation_message=deprecation_message,
            version=version,
            description=description,
            schema=schema,
            example=example,
            enforcement=enforcement,
            warned=warned,
            last_warned_at=last_warned_at,
            created_at=created_at,
        )

        event_type_version.additional_properties = d
        return event_type_version

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
