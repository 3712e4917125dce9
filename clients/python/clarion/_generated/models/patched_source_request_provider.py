from typing import Literal

PatchedSourceRequestProvider = Literal[
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

PATCHED_SOURCE_REQUEST_PROVIDER_VALUES: set[PatchedSourceRequestProvider] = {
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


def check_patched_source_request_provider(value: str) -> PatchedSourceRequestProvider:
    if value in PATCHED_SOURCE_REQUEST_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PATCHED_SOURCE_REQUEST_PROVIDER_VALUES!r}")
