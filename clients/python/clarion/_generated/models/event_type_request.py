from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event_type_version_request import EventTypeVersionRequest


T = TypeVar("T", bound="EventTypeRequest")


@_attrs_define
class EventTypeRequest:
    """A registered event type with its versions."""

    deprecated_at: datetime.datetime | None | Unset = UNSET
    """ Since when it should not be used any more, or from when on; null: it may be used. """
    deprecation_message: str | Unset = UNSET
    """ What to use instead, for people. """
    name: str | Unset = UNSET
    """ Such as order.created: segments joined by dots. A change may leave it out. """
    description: str | Unset = UNSET
    """ For people. """
    version: str | Unset = UNSET
    """ The version of events that are published without one. """
    versions: list[EventTypeVersionRequest] | Unset = UNSET
    """ Oldest first. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        deprecated_at: None | str | Unset
        if isinstance(self.deprecated_at, Unset):
            deprecated_at = UNSET
        elif isinstance(self.deprecated_at, datetime.datetime):
            deprecated_at = self.deprecated_at.isoformat()
        else:
            deprecated_at = self.deprecated_at

        deprecation_message = self.deprecation_message

        name = self.name

        description = self.description

        version = self.version

        versions: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.versions, Unset):
            versions = []
            for versions_item_data in self.versions:
                versions_item = versions_item_data.to_dict()
                versions.append(versions_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if deprecated_at is not UNSET:
            field_dict["deprecated_at"] = deprecated_at
        if deprecation_message is not UNSET:
            field_dict["deprecation_message"] = deprecation_message
        if name is not UNSET:
            field_dict["name"] = name
        if description is not UNSET:
            field_dict["description"] = description
        if version is not UNSET:
            field_dict["version"] = version
        if versions is not UNSET:
            field_dict["versions"] = versions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_type_version_request import EventTypeVersionRequest  # noqa: PLC0415

        d = dict(src_dict)

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

        name = d.pop("name", UNSET)

        description = d.pop("description", UNSET)

        version = d.pop("version", UNSET)

        _versions = d.pop("versions", UNSET)
        versions: list[EventTypeVersionRequest] | Unset = UNSET
        if _versions is not UNSET:
            versions = []
            for versions_item_data in _versions:
                versions_item = EventTypeVersionRequest.from_dict(versions_item_data)

                versions.append(versions_item)

        event_type_request = cls(
            deprecated_at=deprecated_at,
            deprecation_message=deprecation_message,
            name=name,
            description=description,
            version=version,
            versions=versions,
        )

        event_type_request.additional_properties = d
        return event_type_request

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
