from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_detail_origin import EventDetailOrigin, check_event_detail_origin
from ..models.event_detail_status import EventDetailStatus, check_event_detail_status

if TYPE_CHECKING:
    from ..models.event_detail_metadata import EventDetailMetadata


T = TypeVar("T", bound="EventDetail")


@_attrs_define
class EventDetail:
    """An accepted event."""

    id: str
    """ The publisher's own id, or Clarion's. """
    type_: str
    """ Such as order.created. """
    version: str
    """ Version of the type. """
    created_at: datetime.datetime
    """ When it happened, as its publisher says. """
    accepted_at: datetime.datetime
    """ When Clarion made it durable. `created_after` and `created_before` mean this time. """
    status: EventDetailStatus
    """ `routed`: its deliveries have been made. """
    matched: int
    """ Deliveries made when it was routed. """
    origin: EventDetailOrigin
    """ How it came to Clarion. """
    metadata: EventDetailMetadata
    """ What the publisher said about it. """
    channels: list[str]
    """ Channels it was published in. """
    correlation_id: str
    """ X-Correlation-ID of its deliveries: the publisher's, else the X-Request-ID. """
    tenant_id: str
    """ The tenant it belongs to. """
    data: Any
    """ The content, byte for byte as it was published. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        type_ = self.type_

        version = self.version

        created_at = self.created_at.isoformat()

        accepted_at = self.accepted_at.isoformat()

        status: str = self.status

        matched = self.matched

        origin: str = self.origin

        metadata = self.metadata.to_dict()

        channels = self.channels

        correlation_id = self.correlation_id

        tenant_id = self.tenant_id

        data = self.data

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "version": version,
                "created_at": created_at,
                "accepted_at": accepted_at,
                "status": status,
                "matched": matched,
                "origin": origin,
                "metadata": metadata,
                "channels": channels,
                "correlation_id": correlation_id,
                "tenant_id": tenant_id,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_detail_metadata import EventDetailMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = d.pop("type")

        version = d.pop("version")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        accepted_at = datetime.datetime.fromisoformat(d.pop("accepted_at"))

        status = check_event_detail_status(d.pop("status"))

        matched = d.pop("matched")

        origin = check_event_detail_origin(d.pop("origin"))

        metadata = EventDetailMetadata.from_dict(d.pop("metadata"))

        channels = cast(list[str], d.pop("channels"))

        correlation_id = d.pop("correlation_id")

        tenant_id = d.pop("tenant_id")

        data = d.pop("data")

        event_detail = cls(
            id=id,
            type_=type_,
            version=version,
            created_at=created_at,
            accepted_at=accepted_at,
            status=status,
            matched=matched,
            origin=origin,
            metadata=metadata,
            channels=channels,
            correlation_id=correlation_id,
            tenant_id=tenant_id,
            data=data,
        )

        event_detail.additional_properties = d
        return event_detail

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
