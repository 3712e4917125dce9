from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RetrySchedule")


@_attrs_define
class RetrySchedule:
    """A retry policy of your own."""

    schedule: list[float]
    """ Seconds before each retry. """
    jitter: float | Unset = 0.1
    """ At most this share is added to each delay. """

    def to_dict(self) -> dict[str, Any]:
        schedule = self.schedule

        jitter = self.jitter

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "schedule": schedule,
            }
        )
        if jitter is not UNSET:
            field_dict["jitter"] = jitter

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        schedule = cast(list[float], d.pop("schedule"))

        jitter = d.pop("jitter", UNSET)

        retry_schedule = cls(
            schedule=schedule,
            jitter=jitter,
        )

        return retry_schedule
