from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.new_event_request_metadata import NewEventRequestMetadata


T = TypeVar("T", bound="NewEventRequest")


@_attrs_define
class NewEventRequest:
    """An event to publish. At most 256 KiB of UTF-8."""

    type_: str
    """ Such as order.created: segments joined by dots. """
    data: Any
    """ Any JSON value, at most 64 levels deep; delivered byte for byte. """
    id: None | str | Unset = UNSET
    """ Your own id. The same id with the same content is accepted once; with other content refused. """
    version: None | str | Unset = UNSET
    """ Version of the type, such as v2; the registered one when absent. """
    created_at: datetime.datetime | None | Unset = UNSET
    """ When it happened (RFC 3339); now when absent. """
    metadata: NewEventRequestMetadata | Unset = UNSET
    """ Goes with the event; `correlation_id` in it becomes X-Correlation-ID. At most 16 KiB. """
    channels: list[str] | Unset = UNSET
    """ Only webhooks without channels or with one of these get it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        data = self.data

        id: None | str | Unset
        if isinstance(self.id, Unset):
            id = UNSET
        else:
            id = self.id

        version: None | str | Unset
        if isinstance(self.version, Unset):
            version = UNSET
        else:
            version = self.version

        created_at: None | str | Unset
        if isinstance(self.created_at, Unset):
            created_at = UNSET
        elif isinstance(self.created_at, datetime.datetime):
            created_at = self.created_at.isoformat()
        else:
            created_at = self.created_at

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        channels: list[str] | Unset = UNSET
        if not isinstance(self.channels, Unset):
            channels = self.channels

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "data": data,
            }
        )
        if id is not UNSET:
            field_dict["id"] = id
        if version is not UNSET:
            field_dict["version"] = version
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if channels is not UNSET:
            field_dict["channels"] = channels

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_event_request_metadata import NewEventRequestMetadata  # noqa: PLC0415

        d = dict(src_dict)
        type_ = d.pop("type")

        data = d.pop("data")

        def _parse_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        id = _parse_id(d.pop("id", UNSET))

        def _parse_version(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        version = _parse_version(d.pop("version", UNSET))

        def _parse_created_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                created_at_type_0 = datetime.datetime.fromisoformat(data)

                return created_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        created_at = _parse_created_at(d.pop("created_at", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: NewEventRequestMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = NewEventRequestMetadata.from_dict(_metadata)

        channels = cast(list[str], d.pop("channels", UNSET))

        new_event_request = cls(
            type_=type_,
            data=data,
            id=id,
            version=version,
            created_at=created_at,
            metadata=metadata,
            channels=channels,
        )

        new_event_request.additional_properties = d
        return new_event_request

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
