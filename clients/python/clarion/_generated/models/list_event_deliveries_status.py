from typing import Literal

ListEventDeliveriesStatus = Literal["cancelled", "dead", "held", "pending", "sending", "succeeded"]

LIST_EVENT_DELIVERIES_STATUS_VALUES: set[ListEventDeliveriesStatus] = {
    "cancelled",
    "dead",
    "held",
    "pending",
    "sending",
    "succeeded",
}


def check_list_event_deliveries_status(value: str) -> ListEventDeliveriesStatus:
    if value in LIST_EVENT_DELIVERIES_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_EVENT_DELIVERIES_STATUS_VALUES!r}")
