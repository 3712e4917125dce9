from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="BatchSettings")


@_attrs_define
class BatchSettings:
    """When several events go into one request."""

    max_events: int | Unset = 50
    """ Events of one request. """
    max_wait: float | Unset = 5.0
    """ Seconds an event waits for others. """

    def to_dict(self) -> dict[str, Any]:
        max_events = self.max_events

        max_wait = self.max_wait

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if max_events is not UNSET:
            field_dict["max_events"] = max_events
        if max_wait is not UNSET:
            field_dict["max_wait"] = max_wait

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        max_events = d.pop("max_events", UNSET)

        max_wait = d.pop("max_wait", UNSET)

        batch_settings = cls(
            max_events=max_events,
            max_wait=max_wait,
        )

        return batch_settings
