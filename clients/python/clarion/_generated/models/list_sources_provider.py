from typing import Literal

ListSourcesProvider = Literal[
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

LIST_SOURCES_PROVIDER_VALUES: set[ListSourcesProvider] = {
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


def check_list_sources_provider(value: str) -> ListSourcesProvider:
    if value in LIST_SOURCES_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_SOURCES_PROVIDER_VALUES!r}")
