from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.new_operation_request_type import NewOperationRequestType, check_new_operation_request_type
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.new_operation_request_params_type_0 import NewOperationRequestParamsType0


T = TypeVar("T", bound="NewOperationRequest")


@_attrs_define
class NewOperationRequest:
    """An operation to order."""

    type_: NewOperationRequestType
    """ What is to be done. """
    callback_url: None | str | Unset = UNSET
    """ Where its end is told, by a signed `POST` with the retries of any delivery. """
    callback_secret: None | str | Unset = _attrs_field(default=UNSET, repr=False)
    """ `whsec_` and the base64 of 24 to 64 bytes. Absent: one is made and shown in this answer only. """
    params: NewOperationRequestParamsType0 | None | Unset = UNSET
    """ Depends on the type, see the manual; null: none. At most 256 KiB. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_operation_request_params_type_0 import NewOperationRequestParamsType0  # noqa: PLC0415

        type_: str = self.type_

        callback_url: None | str | Unset
        if isinstance(self.callback_url, Unset):
            callback_url = UNSET
        else:
            callback_url = self.callback_url

        callback_secret: None | str | Unset
        if isinstance(self.callback_secret, Unset):
            callback_secret = UNSET
        else:
            callback_secret = self.callback_secret

        params: dict[str, Any] | None | Unset
        if isinstance(self.params, Unset):
            params = UNSET
        elif isinstance(self.params, NewOperationRequestParamsType0):
            params = self.params.to_dict()
        else:
            params = self.params

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if callback_url is not UNSET:
            field_dict["callback_url"] = callback_url
        if callback_secret is not UNSET:
            field_dict["callback_secret"] = callback_secret
        if params is not UNSET:
            field_dict["params"] = params

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_operation_request_params_type_0 import NewOperationRequestParamsType0  # noqa: PLC0415

        d = dict(src_dict)
        type_ = check_new_operation_request_type(d.pop("type"))

        def _parse_callback_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        callback_url = _parse_callback_url(d.pop("callback_url", UNSET))

        def _parse_callback_secret(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        callback_secret = _parse_callback_secret(d.pop("callback_secret", UNSET))

        def _parse_params(data: object) -> NewOperationRequestParamsType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                params_type_0 = NewOperationRequestParamsType0.from_dict(data)

                return params_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NewOperationRequestParamsType0 | None | Unset, data)

        params = _parse_params(d.pop("params", UNSET))

        new_operation_request = cls(
            type_=type_,
            callback_url=callback_url,
            callback_secret=callback_secret,
            params=params,
        )

        new_operation_request.additional_properties = d
        return new_operation_request

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
