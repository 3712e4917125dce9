from typing import Literal

DeliveryDetailTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

DELIVERY_DETAIL_TRIGGER_VALUES: set[DeliveryDetailTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_delivery_detail_trigger(value: str) -> DeliveryDetailTrigger:
    if value in DELIVERY_DETAIL_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DELIVERY_DETAIL_TRIGGER_VALUES!r}")
