from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RateLimitSettings")


@_attrs_define
class RateLimitSettings:
    """How many requests the receiver gets."""

    limit: int
    """ Requests in each period. """
    period: float | Unset = 1.0
    """ Seconds. """

    def to_dict(self) -> dict[str, Any]:
        limit = self.limit

        period = self.period

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "limit": limit,
            }
        )
        if period is not UNSET:
            field_dict["period"] = period

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        limit = d.pop("limit")

        period = d.pop("period", UNSET)

        rate_limit_settings = cls(
            limit=limit,
            period=period,
        )

        return rate_limit_settings
