from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.received_status import ReceivedStatus, check_received_status

T = TypeVar("T", bound="Received")


@_attrs_define
class Received:
    """A message that a source sent."""

    id: str
    """ Id of the received message, as its sender was answered. """
    source_id: str
    """ Id of the source. """
    key: None | str
    """ The provider's id of the message. """
    type_: None | str
    """ The provider's name of what happened. """
    event_type: None | str
    """ Type of the event it becomes. """
    status: ReceivedStatus
    """ `received`: still to be processed; `processed`: handed on; `failed`: one of its runs was given up;
    `rejected`: fails the source's schema; `refused`: not let in, by address or signature. """
    verification: str
    """ How the check of its origin went, in a word. """
    reason: None | str
    """ Why it was refused or rejected, or failed. """
    event_id: None | str
    """ Id of the event it became; null: it became none. """
    content_type: None | str
    """ Content-Type as it came. """
    remote_address: None | str
    """ The address it came from. """
    received_at: datetime.datetime
    """ When it came. """
    processed_at: datetime.datetime | None
    """ When it was handed on. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        source_id = self.source_id

        key: None | str
        key = self.key

        type_: None | str
        type_ = self.type_

        event_type: None | str
        event_type = self.event_type

        status: str = self.status

        verification = self.verification

        reason: None | str
        reason = self.reason

        event_id: None | str
        event_id = self.event_id

        content_type: None | str
        content_type = self.content_type

        remote_address: None | str
        remote_address = self.remote_address

        received_at = self.received_at.isoformat()

        processed_at: None | str
        if isinstance(self.processed_at, datetime.datetime):
            processed_at = self.processed_at.isoformat()
        else:
            processed_at = self.processed_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "source_id": source_id,
                "key": key,
                "type": type_,
                "event_type": event_type,
                "status": status,
                "verification": verification,
                "reason": reason,
                "event_id": event_id,
                "content_type": content_type,
                "remote_address": remote_address,
                "received_at": received_at,
                "processed_at": processed_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        source_id = d.pop("source_id")

        def _parse_key(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        key = _parse_key(d.pop("key"))

        def _parse_type_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        type_ = _parse_type_(d.pop("type"))

        def _parse_event_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_type = _parse_event_type(d.pop("event_type"))

        status = check_received_status(d.pop("status"))

        verification = d.pop("verification")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_event_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_id = _parse_event_id(d.pop("event_id"))

        def _parse_content_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        content_type = _parse_content_type(d.pop("content_type"))

        def _parse_remote_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        remote_address = _parse_remote_address(d.pop("remote_address"))

        received_at = datetime.datetime.fromisoformat(d.pop("received_at"))

        def _parse_processed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                processed_at_type_0 = datetime.datetime.fromisoformat(data)

                return processed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        processed_at = _parse_processed_at(d.pop("processed_at"))

        received = cls(
            id=id,
            source_id=source_id,
            key=key,
            type_=type_,
            event_type=event_type,
            status=status,
            verification=verification,
            reason=reason,
            event_id=event_id,
            content_type=content_type,
            remote_address=remote_address,
            received_at=received_at,
            processed_at=processed_at,
        )

        received.additional_properties = d
        return received

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
