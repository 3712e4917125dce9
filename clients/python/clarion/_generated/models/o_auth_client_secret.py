from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="OAuthClientSecret")


@_attrs_define
class OAuthClientSecret:
    """The new secret."""

    client_id: str
    """ Id of the client; it stays. """
    client_secret: str = _attrs_field(repr=False)
    """ The new secret. Keep it: it is not shown again. """
    overlap_seconds: int
    """ Seconds for which the old secret fetches tokens as well. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        client_id = self.client_id

        client_secret = self.client_secret

        overlap_seconds = self.overlap_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "client_id": client_id,
                "client_secret": client_secret,
                "overlap_seconds": overlap_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        client_id = d.pop("client_id")

        client_secret = d.pop("client_secret")

        overlap_seconds = d.pop("overlap_seconds")

        o_auth_client_secret = cls(
            client_id=client_id,
            client_secret=client_secret,
            overlap_seconds=overlap_seconds,
        )

        o_auth_client_secret.additional_properties = d
        return o_auth_client_secret

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
