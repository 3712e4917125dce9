from typing import Literal

OAuthClientRequestScopesType0Item = Literal[
    "events:read",
    "events:write",
    "keys",
    "operations",
    "sources:read",
    "sources:write",
    "tenants",
    "webhooks:read",
    "webhooks:write",
]

O_AUTH_CLIENT_REQUEST_SCOPES_TYPE_0_ITEM_VALUES: set[OAuthClientRequestScopesType0Item] = {
    "events:read",
    "events:write",
    "keys",
    "operations",
    "sources:read",
    "sources:write",
    "tenants",
    "webhooks:read",
    "webhooks:write",
}


def check_o_auth_client_request_scopes_type_0_item(value: str) -> OAuthClientRequestScopesType0Item:
    if value in O_AUTH_CLIENT_REQUEST_SCOPES_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {O_AUTH_CLIENT_REQUEST_SCOPES_TYPE_0_ITEM_VALUES!r}")
