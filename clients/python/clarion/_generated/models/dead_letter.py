from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.dead_letter_status import DeadLetterStatus, check_dead_letter_status

T = TypeVar("T", bound="DeadLetter")


@_attrs_define
class DeadLetter:
    """A delivery that was given up, kept until somebody replays or discards it."""

    id: str
    """ Id of the dead letter. """
    event_id: str
    """ Id of the event, as its publisher knows it. """
    event_type: str
    """ Type of the event. """
    webhook_id: str
    """ Id of the webhook. """
    delivery_id: str
    """ Id of the delivery that died. """
    status: DeadLetterStatus
    """ What was done about it. """
    reason: str
    """ Why it was given up. """
    response_status: int | None
    """ HTTP status of the last answer; null without one. """
    attempt_count: int
    """ Requests that were made. """
    created_at: datetime.datetime
    """ When it was given up. """
    resolved_at: datetime.datetime | None
    """ When it was replayed or discarded. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        event_id = self.event_id

        event_type = self.event_type

        webhook_id = self.webhook_id

        delivery_id = self.delivery_id

        status: str = self.status

        reason = self.reason

        response_status: int | None
        response_status = self.response_status

        attempt_count = self.attempt_count

        created_at = self.created_at.isoformat()

        resolved_at: None | str
        if isinstance(self.resolved_at, datetime.datetime):
            resolved_at = self.resolved_at.isoformat()
        else:
            resolved_at = self.resolved_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "event_id": event_id,
                "event_type": event_type,
                "webhook_id": webhook_id,
                "delivery_id": delivery_id,
                "status": status,
                "reason": reason,
                "response_status": response_status,
                "attempt_count": attempt_count,
                "created_at": created_at,
                "resolved_at": resolved_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        event_id = d.pop("event_id")

        event_type = d.pop("event_type")

        webhook_id = d.pop("webhook_id")

        delivery_id = d.pop("delivery_id")

        status = check_dead_letter_status(d.pop("status"))

        reason = d.pop("reason")

        def _parse_response_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        response_status = _parse_response_status(d.pop("response_status"))

        attempt_count = d.pop("attempt_count")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_resolved_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                resolved_at_type_0 = datetime.datetime.fromisoformat(data)

                return resolved_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        resolved_at = _parse_resolved_at(d.pop("resolved_at"))

        dead_letter = cls(
            id=id,
            event_id=event_id,
            event_type=event_type,
            webhook_id=webhook_id,
            delivery_id=delivery_id,
            status=status,
            reason=reason,
            response_status=response_status,
            attempt_count=attempt_count,
            created_at=created_at,
            resolved_at=resolved_at,
        )

        dead_letter.additional_properties = d
        return dead_letter

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
