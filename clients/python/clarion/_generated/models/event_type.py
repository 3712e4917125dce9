from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.event_type_version import EventTypeVersion


T = TypeVar("T", bound="EventType")


@_attrs_define
class EventType:
    """A registered event type with its versions."""

    deprecated_at: datetime.datetime | None
    """ Since when it should not be used any more, or from when on; null: it may be used. """
    deprecation_message: str
    """ What to use instead, for people. """
    name: str
    """ Such as order.created: segments joined by dots. A change may leave it out. """
    description: str
    """ For people. """
    tenant_id: None | str
    """ The tenant it belongs to; null: it is known to all tenants. """
    version: str
    """ The version of events that are published without one. """
    versions: list[EventTypeVersion]
    """ Oldest first. """
    created_at: datetime.datetime
    """ When it was registered. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deprecated_at: None | str
        if isinstance(self.deprecated_at, datetime.datetime):
            deprecated_at = self.deprecated_at.isoformat()
        else:
            deprecated_at = self.deprecated_at

        deprecation_message = self.deprecation_message

        name = self.name

        description = self.description

        tenant_id: None | str
        tenant_id = self.tenant_id

        version = self.version

        versions = []
        for versions_item_data in self.versions:
            versions_item = versions_item_data.to_dict()
            versions.append(versions_item)

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "deprecated_at": deprecated_at,
                "deprecation_message": deprecation_message,
                "name": name,
                "description": description,
                "tenant_id": tenant_id,
                "version": version,
                "versions": versions,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_type_version import EventTypeVersion  # noqa: PLC0415

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

        name = d.pop("name")

        description = d.pop("description")

        def _parse_tenant_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        tenant_id = _parse_tenant_id(d.pop("tenant_id"))

        version = d.pop("version")

        versions = []
        _versions = d.pop("versions")
        for versions_item_data in _versions:
            versions_item = EventTypeVersion.from_dict(versions_item_data)

            versions.append(versions_item)

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        event_type = cls(
            deprecated_at=deprecated_at,
            deprecation_message=deprecation_message,
            name=name,
            description=description,
            tenant_id=tenant_id,
            version=version,
            versions=versions,
            created_at=created_at,
        )

        event_type.additional_properties = d
        return event_type

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
