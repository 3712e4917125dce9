from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BasicAuth")


@_attrs_define
class BasicAuth:
    """How to log in at the receiver: basic."""

    type_: Literal["basic"]
    """ The kind of auth. """
    username: str
    """ Username of basic auth. """
    password: str = _attrs_field(repr=False)
    """ Password of basic auth. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        username = self.username

        password = self.password

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "username": username,
                "password": password,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["basic"], d.pop("type"))
        if type_ != "basic":
            raise ValueError(f"type must match const 'basic', got '{type_}'")

        username = d.pop("username")

        password = d.pop("password")

        basic_auth = cls(
            type_=type_,
            username=username,
            password=password,
        )

        return basic_auth
