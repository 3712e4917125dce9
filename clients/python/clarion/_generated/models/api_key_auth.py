from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ApiKeyAuth")


@_attrs_define
class ApiKeyAuth:
    """How to log in at the receiver: api_key."""

    type_: Literal["api_key"]
    """ The kind of auth. """
    name: str
    """ Name of api_key auth. """
    value: str = _attrs_field(repr=False)
    """ Value of api_key auth. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        name = self.name

        value = self.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "name": name,
                "value": value,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["api_key"], d.pop("type"))
        if type_ != "api_key":
            raise ValueError(f"type must match const 'api_key', got '{type_}'")

        name = d.pop("name")

        value = d.pop("value")

        api_key_auth = cls(
            type_=type_,
            name=name,
            value=value,
        )

        return api_key_auth
