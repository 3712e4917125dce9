from typing import Literal

CreatedSourceProvider = Literal[
    "api_key",
    "custom",
    "eventbridge",
    "github",
    "hex",
    "mtls",
    "none",
    "oauth2",
    "shopify",
    "slack",
    "standard",
    "stripe",
]

CREATED_SOURCE_PROVIDER_VALUES: set[CreatedSourceProvider] = {
    "api_key",
    "custom",
    "eventbridge",
    "github",
    "hex",
    "mtls",
    "none",
    "oauth2",
    "shopify",
    "slack",
    "standard",
    "stripe",
}


def check_created_source_provider(value: str) -> CreatedSourceProvider:
    if value in CREATED_SOURCE_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_SOURCE_PROVIDER_VALUES!r}")
