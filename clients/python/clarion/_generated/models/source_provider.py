from typing import Literal

SourceProvider = Literal[
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

SOURCE_PROVIDER_VALUES: set[SourceProvider] = {
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


def check_source_provider(value: str) -> SourceProvider:
    if value in SOURCE_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SOURCE_PROVIDER_VALUES!r}")
