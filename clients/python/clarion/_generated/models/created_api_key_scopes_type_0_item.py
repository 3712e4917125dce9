from typing import Literal

CreatedApiKeyScopesType0Item = Literal[
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

CREATED_API_KEY_SCOPES_TYPE_0_ITEM_VALUES: set[CreatedApiKeyScopesType0Item] = {
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


def check_created_api_key_scopes_type_0_item(value: str) -> CreatedApiKeyScopesType0Item:
    if value in CREATED_API_KEY_SCOPES_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_API_KEY_SCOPES_TYPE_0_ITEM_VALUES!r}")
