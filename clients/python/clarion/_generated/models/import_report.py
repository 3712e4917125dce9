from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.refused_type import RefusedType


T = TypeVar("T", bound="ImportReport")


@_attrs_define
class ImportReport:
    """What became of each webhook of the document."""

    dry_run: bool
    """ True: nothing was written. """
    created: list[str]
    """ New types. """
    updated: list[str]
    """ Types whose version was added or changed. """
    unchanged: list[str]
    """ Types that were as the document says. """
    refused: list[RefusedType]
    """ The others. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dry_run = self.dry_run

        created = self.created

        updated = self.updated

        unchanged = self.unchanged

        refused = []
        for refused_item_data in self.refused:
            refused_item = refused_item_data.to_dict()
            refused.append(refused_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dry_run": dry_run,
                "created": created,
                "updated": updated,
                "unchanged": unchanged,
                "refused": refused,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.refused_type import RefusedType  # noqa: PLC0415

        d = dict(src_dict)
        dry_run = d.pop("dry_run")

        created = cast(list[str], d.pop("created"))

        updated = cast(list[str], d.pop("updated"))

        unchanged = cast(list[str], d.pop("unchanged"))

        refused = []
        _refused = d.pop("refused")
        for refused_item_data in _refused:
            refused_item = RefusedType.from_dict(refused_item_data)

            refused.append(refused_item)

        import_report = cls(
            dry_run=dry_run,
            created=created,
            updated=updated,
            unchanged=unchanged,
            refused=refused,
        )

        import_report.additional_properties = d
        return import_report

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
