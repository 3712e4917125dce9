from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatisticsDeliveries")


@_attrs_define
class StatisticsDeliveries:
    """Deliveries by state. Counting stops at 10000 for all states but `succeeded`."""

    succeeded: int
    """ Succeeded in the window. """
    dead: int
    """ Given up in the window. """
    cancelled: int
    """ Cancelled in the window. """
    pending: int
    """ Waiting now, since whenever. """
    sending: int
    """ On their way now. """
    held: int
    """ Held now: the webhook is paused or disabled. """
    success_rate: float | None
    """ succeeded / (succeeded + dead); null without any. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        succeeded = self.succeeded

        dead = self.dead

        cancelled = self.cancelled

        pending = self.pending

        sending = self.sending

        held = self.held

        success_rate: float | None
        success_rate = self.success_rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "succeeded": succeeded,
                "dead": dead,
                "cancelled": cancelled,
                "pending": pending,
                "sending": sending,
                "held": held,
                "success_rate": success_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        succeeded = d.pop("succeeded")

        dead = d.pop("dead")

        cancelled = d.pop("cancelled")

        pending = d.pop("pending")

        sending = d.pop("sending")

        held = d.pop("held")

        def _parse_success_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        success_rate = _parse_success_rate(d.pop("success_rate"))

        statistics_deliveries = cls(
            succeeded=succeeded,
            dead=dead,
            cancelled=cancelled,
            pending=pending,
            sending=sending,
            held=held,
            success_rate=success_rate,
        )

        statistics_deliveries.additional_properties = d
        return statistics_deliveries

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
