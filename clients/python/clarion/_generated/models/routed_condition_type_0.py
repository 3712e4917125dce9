from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RoutedConditionType0")


@_attrs_define
class RoutedConditionType0:
    """For `filter`: the first condition of the present filter that does not hold, without its value."""

    pointer: str
    """ JSON Pointer into the webhook, such as `/filter/data.amount/$gte`. """
    path: None | str
    """ Path into the event; null for `$or` and `$not`. """
    operator: str
    """ The operator that was expected to hold, such as `$gte`. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        pointer = self.pointer

        path: None | str
        path = self.path

        operator = self.operator

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "pointer": pointer,
                "path": path,
                "operator": operator,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        pointer = d.pop("pointer")

        def _parse_path(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        path = _parse_path(d.pop("path"))

        operator = d.pop("operator")

        routed_condition_type_0 = cls(
            pointer=pointer,
            path=path,
            operator=operator,
        )

        routed_condition_type_0.additional_properties = d
        return routed_condition_type_0

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
