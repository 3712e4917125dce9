from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatisticsSeriesItem")


@_attrs_define
class StatisticsSeriesItem:
    hour: datetime.datetime
    """ When the hour begins. """
    attempts: int
    """ All attempts of the hour. """
    succeeded: int
    """ Answered by 2xx. """
    failed: int
    """ Refused, failed or not answered in time. """
    lost: int
    """ The worker died; the request may have arrived. """
    late: int
    """ The result came too late to count. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        hour = self.hour.isoformat()

        attempts = self.attempts

        succeeded = self.succeeded

        failed = self.failed

        lost = self.lost

        late = self.late

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "hour": hour,
                "attempts": attempts,
                "succeeded": succeeded,
                "failed": failed,
                "lost": lost,
                "late": late,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        hour = datetime.datetime.fromisoformat(d.pop("hour"))

        attempts = d.pop("attempts")

        succeeded = d.pop("succeeded")

        failed = d.pop("failed")

        lost = d.pop("lost")

        late = d.pop("late")

        statistics_series_item = cls(
            hour=hour,
            attempts=attempts,
            succeeded=succeeded,
            failed=failed,
            lost=lost,
            late=late,
        )

        statistics_series_item.additional_properties = d
        return statistics_series_item

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
