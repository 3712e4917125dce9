from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.import_request_enforcement import ImportRequestEnforcement, check_import_request_enforcement
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.import_request_document import ImportRequestDocument


T = TypeVar("T", bound="ImportRequest")


@_attrs_define
class ImportRequest:
    """An OpenAPI document whose webhooks become event types. At most 2 MiB and 200 webhooks."""

    document: ImportRequestDocument
    """ OpenAPI 3.1 or 3.2 as JSON. Each name under `webhooks` becomes a type; the JSON schema of its `post` request
    body the schema of the data. At most 2048 KiB. """
    version: str | Unset = "v1"
    """ The version that is made or changed. """
    enforcement: ImportRequestEnforcement | Unset = UNSET
    """ Of that version. Absent: `block` for a new one, as it is for others. """
    dry_run: bool | Unset = False
    """ True: only report, write nothing. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        document = self.document.to_dict()

        version = self.version

        enforcement: str | Unset = UNSET
        if not isinstance(self.enforcement, Unset):
            enforcement = self.enforcement

        dry_run = self.dry_run

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "document": document,
            }
        )
        if version is not UNSET:
            field_dict["version"] = version
        if enforcement is not UNSET:
            field_dict["enforcement"] = enforcement
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.import_request_document import ImportRequestDocument  # noqa: PLC0415

        d = dict(src_dict)
        document = ImportRequestDocument.from_dict(d.pop("document"))

        version = d.pop("version", UNSET)

        _enforcement = d.pop("enforcement", UNSET)
        enforcement: ImportRequestEnforcement | Unset
        if isinstance(_enforcement, Unset):
            enforcement = UNSET
        else:
            enforcement = check_import_request_enforcement(_enforcement)

        dry_run = d.pop("dry_run", UNSET)

        import_request = cls(
            document=document,
            version=version,
            enforcement=enforcement,
            dry_run=dry_run,
        )

        import_request.additional_properties = d
        return import_request

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
