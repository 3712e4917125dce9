from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.o_auth_2_auth_token_endpoint_auth_method_type_0 import (
    OAuth2AuthTokenEndpointAuthMethodType0,
    check_o_auth_2_auth_token_endpoint_auth_method_type_0,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="OAuth2Auth")


@_attrs_define
class OAuth2Auth:
    """How to log in at the receiver: oauth2."""

    type_: Literal["oauth2"]
    """ The kind of auth. """
    token_url: str
    """ Where access tokens are asked for: https, a public host. """
    client_id: str
    """ Client id of oauth2 auth. """
    client_secret: str = _attrs_field(repr=False)
    """ Client secret of oauth2 auth. """
    scope: None | str | Unset = UNSET
    """ Scopes to ask for, with blanks between them. """
    token_endpoint_auth_method: None | OAuth2AuthTokenEndpointAuthMethodType0 | Unset = UNSET
    """ How the client says who it is (RFC 7591): by HTTP Basic, or in the body. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        token_url = self.token_url

        client_id = self.client_id

        client_secret = self.client_secret

        scope: None | str | Unset
        if isinstance(self.scope, Unset):
            scope = UNSET
        else:
            scope = self.scope

        token_endpoint_auth_method: None | str | Unset
        if isinstance(self.token_endpoint_auth_method, Unset):
            token_endpoint_auth_method = UNSET
        elif isinstance(self.token_endpoint_auth_method, str):
            token_endpoint_auth_method = self.token_endpoint_auth_method
        else:
            token_endpoint_auth_method = self.token_endpoint_auth_method

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "token_url": token_url,
                "client_id": client_id,
                "client_secret": client_secret,
            }
        )
        if scope is not UNSET:
            field_dict["scope"] = scope
        if token_endpoint_auth_method is not UNSET:
            field_dict["token_endpoint_auth_method"] = token_endpoint_auth_method

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["oauth2"], d.pop("type"))
        if type_ != "oauth2":
            raise ValueError(f"type must match const 'oauth2', got '{type_}'")

        token_url = d.pop("token_url")

        client_id = d.pop("client_id")

        client_secret = d.pop("client_secret")

        def _parse_scope(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scope = _parse_scope(d.pop("scope", UNSET))

        def _parse_token_endpoint_auth_method(data: object) -> None | OAuth2AuthTokenEndpointAuthMethodType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                token_endpoint_auth_method_type_0 = check_o_auth_2_auth_token_endpoint_auth_method_type_0(data)

                return token_endpoint_auth_method_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OAuth2AuthTokenEndpointAuthMethodType0 | Unset, data)

        token_endpoint_auth_method = _parse_token_endpoint_auth_method(d.pop("token_endpoint_auth_method", UNSET))

        o_auth_2_auth = cls(
            type_=type_,
            token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            token_endpoint_auth_method=token_endpoint_auth_method,
        )

        return o_auth_2_auth
