from typing import Literal

ListReceivedStatus = Literal["failed", "processed", "received", "refused", "rejected"]

LIST_RECEIVED_STATUS_VALUES: set[ListReceivedStatus] = {
    "failed",
    "processed",
    "received",
    "refused",
    "rejected",
}


def check_list_received_status(value: str) -> ListReceivedStatus:
    if value in LIST_RECEIVED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_RECEIVED_STATUS_VALUES!r}")
