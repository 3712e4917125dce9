from typing import Literal

RoutedReasonType0 = Literal[
    "channel", "created_later", "deleted", "disabled", "filter", "not_routed", "paused", "test", "type", "version"
]

ROUTED_REASON_TYPE_0_VALUES: set[RoutedReasonType0] = {
    "channel",
    "created_later",
    "deleted",
    "disabled",
    "filter",
    "not_routed",
    "paused",
    "test",
    "type",
    "version",
}


def check_routed_reason_type_0(value: str) -> RoutedReasonType0:
    if value in ROUTED_REASON_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ROUTED_REASON_TYPE_0_VALUES!r}")
