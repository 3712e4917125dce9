from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StatisticsAttempts")


@_attrs_define
class StatisticsAttempts:
    """Requests by outcome, tests included."""

    total: int
    """ All of them. """
    succeeded: int
    """ Answered by 2xx. """
    failed: int
    """ Refused, failed or not answered in time. """
    lost: int
    """ The worker died; the request may have arrived. """
    late: int
    """ The result came too late to count. """
    success_rate: float | None
    """ succeeded / (succeeded + failed + lost); null without any. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total = self.total

        succeeded = self.succeeded

        failed = self.failed

        lost = self.lost

        late = self.late

        success_rate: float | None
        success_rate = self.success_rate

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total": total,
                "succeeded": succeeded,
                "failed": failed,
                "lost": lost,
                "late": late,
                "success_rate": success_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        total = d.pop("total")

        succeeded = d.pop("succeeded")

        failed = d.pop("failed")

        lost = d.pop("lost")

        late = d.pop("late")

        def _parse_success_rate(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        success_rate = _parse_success_rate(d.pop("success_rate"))

        statistics_attempts = cls(
            total=total,
            succeeded=succeeded,
            failed=failed,
            lost=lost,
            late=late,
            success_rate=success_rate,
        )

        statistics_attempts.additional_properties = d
        return statistics_attempts

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
