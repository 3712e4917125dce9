from typing import Literal

RoutedDeliveryStatusType0 = Literal["cancelled", "dead", "held", "pending", "sending", "succeeded"]

ROUTED_DELIVERY_STATUS_TYPE_0_VALUES: set[RoutedDeliveryStatusType0] = {
    "cancelled",
    "dead",
    "held",
    "pending",
    "sending",
    "succeeded",
}


def check_routed_delivery_status_type_0(value: str) -> RoutedDeliveryStatusType0:
    if value in ROUTED_DELIVERY_STATUS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ROUTED_DELIVERY_STATUS_TYPE_0_VALUES!r}")
