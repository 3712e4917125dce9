from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.envelope_metadata import EnvelopeMetadata


T = TypeVar("T", bound="Envelope")


@_attrs_define
class Envelope:
    """The body of a delivery in `envelope` format."""

    id: str
    """ Id of the event; the same on every retry. Also in `webhook-id`. """
    type_: str
    """ Type of the event. """
    created_at: datetime.datetime
    """ When it happened. """
    version: str
    """ Version of the type. """
    data: Any
    """ The content, byte for byte as it was published. """
    metadata: EnvelopeMetadata
    """ What the publisher said about it, with `correlation_id`, `tenant_id` and, if it has any, the tenant's own
    metadata as `tenant`. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        type_ = self.type_

        created_at = self.created_at.isoformat()

        version = self.version

        data = self.data

        metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "created_at": created_at,
                "version": version,
                "data": data,
                "metadata": metadata,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.envelope_metadata import EnvelopeMetadata  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = d.pop("type")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        version = d.pop("version")

        data = d.pop("data")

        metadata = EnvelopeMetadata.from_dict(d.pop("metadata"))

        envelope = cls(
            id=id,
            type_=type_,
            created_at=created_at,
            version=version,
            data=data,
            metadata=metadata,
        )

        envelope.additional_properties = d
        return envelope

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
