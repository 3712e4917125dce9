from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BearerAuth")


@_attrs_define
class BearerAuth:
    """How to log in at the receiver: bearer."""

    type_: Literal["bearer"]
    """ The kind of auth. """
    token: str = _attrs_field(repr=False)
    """ Token of bearer auth. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        token = self.token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "token": token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["bearer"], d.pop("type"))
        if type_ != "bearer":
            raise ValueError(f"type must match const 'bearer', got '{type_}'")

        token = d.pop("token")

        bearer_auth = cls(
            type_=type_,
            token=token,
        )

        return bearer_auth
