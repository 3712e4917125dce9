from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ordered_status import OrderedStatus, check_ordered_status
from ..types import UNSET, Unset

T = TypeVar("T", bound="Ordered")


@_attrs_define
class Ordered:
    """An operation that was ordered; it is done by and by."""

    operation_id: str
    """ Id of the operation. """
    status: OrderedStatus
    """ It has not begun. """
    callback_secret: str | Unset = _attrs_field(default=UNSET, repr=False)
    """ The secret of the callback, when one was made. Shown here only. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        operation_id = self.operation_id

        status: str = self.status

        callback_secret = self.callback_secret

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "operation_id": operation_id,
                "status": status,
            }
        )
        if callback_secret is not UNSET:
            field_dict["callback_secret"] = callback_secret

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        operation_id = d.pop("operation_id")

        status = check_ordered_status(d.pop("status"))

        callback_secret = d.pop("callback_secret", UNSET)

        ordered = cls(
            operation_id=operation_id,
            status=status,
            callback_secret=callback_secret,
        )

        ordered.additional_properties = d
        return ordered

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
