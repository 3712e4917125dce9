from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.o_auth_2_auth_token_endpoint_auth_method import (
    OAuth2AuthTokenEndpointAuthMethod,
    check_o_auth_2_auth_token_endpoint_auth_method,
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
    scope: str | Unset = UNSET
    """ Scopes to ask for, with blanks between them. """
    token_endpoint_auth_method: OAuth2AuthTokenEndpointAuthMethod | Unset = "client_secret_basic"
    """ How the client says who it is (RFC 7591): by HTTP Basic, or in the body. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        token_url = self.token_url

        client_id = self.client_id

        client_secret = self.client_secret

        scope = self.scope

        token_endpoint_auth_method: str | Unset = UNSET
        if not isinstance(self.token_endpoint_auth_method, Unset):
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

        scope = d.pop("scope", UNSET)

        _token_endpoint_auth_method = d.pop("token_endpoint_auth_method", UNSET)
        token_endpoint_auth_method: OAuth2AuthTokenEndpointAuthMethod | Unset
        if isinstance(_token_endpoint_auth_method, Unset):
            token_endpoint_auth_method = UNSET
        else:
            token_endpoint_auth_method = check_o_auth_2_auth_token_endpoint_auth_method(_token_endpoint_auth_method)

        o_auth_2_auth = cls(
            type_=type_,
            token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            token_endpoint_auth_method=token_endpoint_auth_method,
        )

        return o_auth_2_auth
