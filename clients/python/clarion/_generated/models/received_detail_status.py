from typing import Literal

ReceivedDetailStatus = Literal["failed", "processed", "received", "refused", "rejected"]

RECEIVED_DETAIL_STATUS_VALUES: set[ReceivedDetailStatus] = {
    "failed",
    "processed",
    "received",
    "refused",
    "rejected",
}


def check_received_detail_status(value: str) -> ReceivedDetailStatus:
    if value in RECEIVED_DETAIL_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECEIVED_DETAIL_STATUS_VALUES!r}")
