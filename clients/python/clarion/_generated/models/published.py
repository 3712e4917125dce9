from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_fault import BatchFault


T = TypeVar("T", bound="Published")


@_attrs_define
class Published:
    """An event that is durable now."""

    id: str
    """ Your own id, or the one Clarion gave it. """
    type_: str
    """ Its type. """
    created_at: datetime.datetime
    """ When it happened. """
    version: str
    """ Version of the type. """
    duplicate: bool
    """ True: it was there already; nothing was stored. """
    warnings: list[BatchFault] | Unset = UNSET
    """ What is wrong with the data by a schema that only warns. Absent when nothing is. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        type_ = self.type_

        created_at = self.created_at.isoformat()

        version = self.version

        duplicate = self.duplicate

        warnings: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.warnings, Unset):
            warnings = []
            for warnings_item_data in self.warnings:
                warnings_item = warnings_item_data.to_dict()
                warnings.append(warnings_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "created_at": created_at,
                "version": version,
                "duplicate": duplicate,
            }
        )
        if warnings is not UNSET:
            field_dict["warnings"] = warnings

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_fault import BatchFault  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = d.pop("type")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        version = d.pop("version")

        duplicate = d.pop("duplicate")

        _warnings = d.pop("warnings", UNSET)
        warnings: list[BatchFault] | Unset = UNSET
        if _warnings is not UNSET:
            warnings = []
            for warnings_item_data in _warnings:
                warnings_item = BatchFault.from_dict(warnings_item_data)

                warnings.append(warnings_item)

        published = cls(
            id=id,
            type_=type_,
            created_at=created_at,
            version=version,
            duplicate=duplicate,
            warnings=warnings,
        )

        published.additional_properties = d
        return published

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
