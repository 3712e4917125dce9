from typing import Literal

CreatedOAuthClientScopesType0Item = Literal[
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

CREATED_O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES: set[CreatedOAuthClientScopesType0Item] = {
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


def check_created_o_auth_client_scopes_type_0_item(value: str) -> CreatedOAuthClientScopesType0Item:
    if value in CREATED_O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_O_AUTH_CLIENT_SCOPES_TYPE_0_ITEM_VALUES!r}")
