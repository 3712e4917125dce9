from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.signing_key import SigningKey


T = TypeVar("T", bound="Secret")


@_attrs_define
class Secret:
    """The new secret."""

    secret: str = _attrs_field(repr=False)
    """ Signing secret (`whsec_…`). It is not shown again. """
    signing_keys: list[SigningKey]
    """ The ed25519 keys, the new one first; empty when the webhook has none. """
    overlap_seconds: int
    """ Seconds for which the old secret signs as well. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        secret = self.secret

        signing_keys = []
        for signing_keys_item_data in self.signing_keys:
            signing_keys_item = signing_keys_item_data.to_dict()
            signing_keys.append(signing_keys_item)

        overlap_seconds = self.overlap_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "secret": secret,
                "signing_keys": signing_keys,
                "overlap_seconds": overlap_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.signing_key import SigningKey  # noqa: PLC0415

        d = dict(src_dict)
        secret = d.pop("secret")

        signing_keys = []
        _signing_keys = d.pop("signing_keys")
        for signing_keys_item_data in _signing_keys:
            signing_keys_item = SigningKey.from_dict(signing_keys_item_data)

            signing_keys.append(signing_keys_item)

        overlap_seconds = d.pop("overlap_seconds")

        secret = cls(
            secret=secret,
            signing_keys=signing_keys,
            overlap_seconds=overlap_seconds,
        )

        secret.additional_properties = d
        return secret

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
