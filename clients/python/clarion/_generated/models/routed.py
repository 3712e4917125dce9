from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.routed_delivery_status_type_0 import RoutedDeliveryStatusType0, check_routed_delivery_status_type_0
from ..models.routed_reason_type_0 import RoutedReasonType0, check_routed_reason_type_0
from ..models.routed_trigger_type_0 import RoutedTriggerType0, check_routed_trigger_type_0

if TYPE_CHECKING:
    from ..models.routed_condition_type_0 import RoutedConditionType0


T = TypeVar("T", bound="Routed")


@_attrs_define
class Routed:
    """One webhook's part in the routing of an event."""

    webhook_id: str
    """ Id of the webhook. """
    url: str
    """ Its URL as it is now. """
    matched: bool | None
    """ Whether the routing made a delivery for it; null while the event is not routed. """
    reason: None | RoutedReasonType0
    """ What is in the way: `type`, `filter`, `channel` or `version` (it did not want the event), `paused` or
    `disabled` (its delivery is held), `deleted`, `created_later` (than the event), `test` (the event is a test of
    another webhook), `not_routed` (yet). Null: nothing. """
    detail: None | str
    """ The reason in a sentence. """
    condition: None | RoutedConditionType0
    """ For `filter`: the first condition of the present filter that does not hold, without its value. """
    delivery_id: None | str
    """ The delivery that the routing made, else the newest replay; null without any. """
    delivery_status: None | RoutedDeliveryStatusType0
    """ State of that delivery. """
    trigger: None | RoutedTriggerType0
    """ Why that delivery was made: `event` by the routing. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.routed_condition_type_0 import RoutedConditionType0  # noqa: PLC0415

        webhook_id = self.webhook_id

        url = self.url

        matched: bool | None
        matched = self.matched

        reason: None | str
        if isinstance(self.reason, str):
            reason = self.reason
        else:
            reason = self.reason

        detail: None | str
        detail = self.detail

        condition: dict[str, Any] | None
        if isinstance(self.condition, RoutedConditionType0):
            condition = self.condition.to_dict()
        else:
            condition = self.condition

        delivery_id: None | str
        delivery_id = self.delivery_id

        delivery_status: None | str
        if isinstance(self.delivery_status, str):
            delivery_status = self.delivery_status
        else:
            delivery_status = self.delivery_status

        trigger: None | str
        if isinstance(self.trigger, str):
            trigger = self.trigger
        else:
            trigger = self.trigger

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "webhook_id": webhook_id,
                "url": url,
                "matched": matched,
                "reason": reason,
                "detail": detail,
                "condition": condition,
                "delivery_id": delivery_id,
                "delivery_status": delivery_status,
                "trigger": trigger,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.routed_condition_type_0 import RoutedConditionType0  # noqa: PLC0415

        d = dict(src_dict)
        webhook_id = d.pop("webhook_id")

        url = d.pop("url")

        def _parse_matched(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        matched = _parse_matched(d.pop("matched"))

        def _parse_reason(data: object) -> None | RoutedReasonType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reason_type_0 = check_routed_reason_type_0(data)

                return reason_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoutedReasonType0, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        def _parse_condition(data: object) -> None | RoutedConditionType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                condition_type_0 = RoutedConditionType0.from_dict(data)

                return condition_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoutedConditionType0, data)

        condition = _parse_condition(d.pop("condition"))

        def _parse_delivery_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        delivery_id = _parse_delivery_id(d.pop("delivery_id"))

        def _parse_delivery_status(data: object) -> None | RoutedDeliveryStatusType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                delivery_status_type_0 = check_routed_delivery_status_type_0(data)

                return delivery_status_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoutedDeliveryStatusType0, data)

        delivery_status = _parse_delivery_status(d.pop("delivery_status"))

        def _parse_trigger(data: object) -> None | RoutedTriggerType0:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                trigger_type_0 = check_routed_trigger_type_0(data)

                return trigger_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoutedTriggerType0, data)

        trigger = _parse_trigger(d.pop("trigger"))

        routed = cls(
            webhook_id=webhook_id,
            url=url,
            matched=matched,
            reason=reason,
            detail=detail,
            condition=condition,
            delivery_id=delivery_id,
            delivery_status=delivery_status,
            trigger=trigger,
        )

        routed.additional_properties = d
        return routed

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
