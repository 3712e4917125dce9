from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.batch_fault import BatchFault


T = TypeVar("T", bound="RefusedEvent")


@_attrs_define
class RefusedEvent:
    """An event of a batch that was not accepted."""

    index: int
    """ Place of the event in the batch, from 0. """
    errors: list[BatchFault]
    """ What is wrong with it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        index = self.index

        errors = []
        for errors_item_data in self.errors:
            errors_item = errors_item_data.to_dict()
            errors.append(errors_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "index": index,
                "errors": errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_fault import BatchFault  # noqa: PLC0415

        d = dict(src_dict)
        index = d.pop("index")

        errors = []
        _errors = d.pop("errors")
        for errors_item_data in _errors:
            errors_item = BatchFault.from_dict(errors_item_data)

            errors.append(errors_item)

        refused_event = cls(
            index=index,
            errors=errors,
        )

        refused_event.additional_properties = d
        return refused_event

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
