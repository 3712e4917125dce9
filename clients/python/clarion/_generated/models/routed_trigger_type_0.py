from typing import Literal

RoutedTriggerType0 = Literal["callback", "event", "manual", "replay", "retry", "test"]

ROUTED_TRIGGER_TYPE_0_VALUES: set[RoutedTriggerType0] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_routed_trigger_type_0(value: str) -> RoutedTriggerType0:
    if value in ROUTED_TRIGGER_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ROUTED_TRIGGER_TYPE_0_VALUES!r}")
