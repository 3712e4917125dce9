from typing import Literal

DeliveryStatus = Literal["cancelled", "dead", "held", "pending", "sending", "succeeded"]

DELIVERY_STATUS_VALUES: set[DeliveryStatus] = {
    "cancelled",
    "dead",
    "held",
    "pending",
    "sending",
    "succeeded",
}


def check_delivery_status(value: str) -> DeliveryStatus:
    if value in DELIVERY_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DELIVERY_STATUS_VALUES!r}")
