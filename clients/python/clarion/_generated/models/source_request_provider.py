from typing import Literal

SourceRequestProvider = Literal[
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

SOURCE_REQUEST_PROVIDER_VALUES: set[SourceRequestProvider] = {
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


def check_source_request_provider(value: str) -> SourceRequestProvider:
    if value in SOURCE_REQUEST_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SOURCE_REQUEST_PROVIDER_VALUES!r}")
