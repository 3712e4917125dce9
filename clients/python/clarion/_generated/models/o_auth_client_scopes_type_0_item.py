from typing import Literal

OAuthClientScopesType0Item = Literal[
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

O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES: set[OAuthClientScopesType0Item] = {
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


def check_o_auth_client_scopes_type_0_item(value: str) -> OAuthClientScopesType0Item:
    if value in O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES!r}")
