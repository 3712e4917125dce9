from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="MtlsAuth")


@_attrs_define
class MtlsAuth:
    """How to log in at the receiver: mtls."""

    type_: Literal["mtls"]
    """ The kind of auth. """
    certificate: str
    """ PEM: the client's certificate, and below it those of the authorities between. """
    private_key: str = _attrs_field(repr=False)
    """ PEM: the certificate's private key, not encrypted. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        certificate = self.certificate

        private_key = self.private_key

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "certificate": certificate,
                "private_key": private_key,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["mtls"], d.pop("type"))
        if type_ != "mtls":
            raise ValueError(f"type must match const 'mtls', got '{type_}'")

        certificate = d.pop("certificate")

        private_key = d.pop("private_key")

        mtls_auth = cls(
            type_=type_,
            certificate=certificate,
            private_key=private_key,
        )

        return mtls_auth
