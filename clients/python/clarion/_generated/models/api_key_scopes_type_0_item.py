from typing import Literal

ApiKeyScopesType0Item = Literal[
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

API_KEY_SCOPES_TYPE_0_ITEM_VALUES: set[ApiKeyScopesType0Item] = {
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


def check_api_key_scopes_type_0_item(value: str) -> ApiKeyScopesType0Item:
    if value in API_KEY_SCOPES_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {API_KEY_SCOPES_TYPE_0_ITEM_VALUES!r}")
