from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.delivery_status import DeliveryStatus, check_delivery_status
from ..models.delivery_trigger import DeliveryTrigger, check_delivery_trigger

T = TypeVar("T", bound="Delivery")


@_attrs_define
class Delivery:
    """One event on its way to one webhook."""

    id: str
    """ Id of the delivery; X-Webhook-Delivery of its requests. """
    event_id: str
    """ Id of the event, as its publisher knows it. """
    event_type: None | str
    """ Type of the event; null when the event has expired. """
    webhook_id: str
    """ Id of the webhook. """
    status: DeliveryStatus
    """ `held`: its webhook is paused or disabled; `dead`: given up, see dead letters. """
    trigger: DeliveryTrigger
    """ Why it was made. """
    attempt_count: int
    """ Requests made so far. """
    next_attempt_at: datetime.datetime | None
    """ When it is tried next, if it is. """
    response_status: int | None
    """ HTTP status of the last answer; null without one. """
    reason: None | str
    """ Why it is dead, held or cancelled. """
    created_at: datetime.datetime
    """ When it was made. """
    finished_at: datetime.datetime | None
    """ When it succeeded or was given up. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        event_id = self.event_id

        event_type: None | str
        event_type = self.event_type

        webhook_id = self.webhook_id

        status: str = self.status

        trigger: str = self.trigger

        attempt_count = self.attempt_count

        next_attempt_at: None | str
        if isinstance(self.next_attempt_at, datetime.datetime):
            next_attempt_at = self.next_attempt_at.isoformat()
        else:
            next_attempt_at = self.next_attempt_at

        response_status: int | None
        response_status = self.response_status

        reason: None | str
        reason = self.reason

        created_at = self.created_at.isoformat()

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "event_id": event_id,
                "event_type": event_type,
                "webhook_id": webhook_id,
                "status": status,
                "trigger": trigger,
                "attempt_count": attempt_count,
                "next_attempt_at": next_attempt_at,
                "response_status": response_status,
                "reason": reason,
                "created_at": created_at,
                "finished_at": finished_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        event_id = d.pop("event_id")

        def _parse_event_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_type = _parse_event_type(d.pop("event_type"))

        webhook_id = d.pop("webhook_id")

        status = check_delivery_status(d.pop("status"))

        trigger = check_delivery_trigger(d.pop("trigger"))

        attempt_count = d.pop("attempt_count")

        def _parse_next_attempt_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_attempt_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_attempt_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_attempt_at = _parse_next_attempt_at(d.pop("next_attempt_at"))

        def _parse_response_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        response_status = _parse_response_status(d.pop("response_status"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        delivery = cls(
            id=id,
            event_id=event_id,
            event_type=event_type,
            webhook_id=webhook_id,
            status=status,
            trigger=trigger,
            attempt_count=attempt_count,
            next_attempt_at=next_attempt_at,
            response_status=response_status,
            reason=reason,
            created_at=created_at,
            finished_at=finished_at,
        )

        delivery.additional_properties = d
        return delivery

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
