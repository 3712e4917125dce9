from typing import Literal

DeliveryTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

DELIVERY_TRIGGER_VALUES: set[DeliveryTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_delivery_trigger(value: str) -> DeliveryTrigger:
    if value in DELIVERY_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DELIVERY_TRIGGER_VALUES!r}")
