from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.tenant_metadata_type_0 import TenantMetadataType0


T = TypeVar("T", bound="Tenant")


@_attrs_define
class Tenant:
    """A customer of the product that runs Clarion."""

    id: str
    """ Id of the tenant. """
    name: str
    """ For people. """
    slug: None | str
    """ Short name, unique; made from the name when absent. """
    metadata: None | TenantMetadataType0
    """ Sent with each delivery as metadata.tenant; no secrets here. At most 4 KiB. """
    active: bool
    """ False: its API keys do not work. """
    created_at: datetime.datetime
    """ When it was made. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.tenant_metadata_type_0 import TenantMetadataType0  # noqa: PLC0415

        id = self.id

        name = self.name

        slug: None | str
        slug = self.slug

        metadata: dict[str, Any] | None
        if isinstance(self.metadata, TenantMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        active = self.active

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "slug": slug,
                "metadata": metadata,
                "active": active,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tenant_metadata_type_0 import TenantMetadataType0  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        def _parse_slug(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        slug = _parse_slug(d.pop("slug"))

        def _parse_metadata(data: object) -> None | TenantMetadataType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = TenantMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TenantMetadataType0, data)

        metadata = _parse_metadata(d.pop("metadata"))

        active = d.pop("active")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        tenant = cls(
            id=id,
            name=name,
            slug=slug,
            metadata=metadata,
            active=active,
            created_at=created_at,
        )

        tenant.additional_properties = d
        return tenant

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
