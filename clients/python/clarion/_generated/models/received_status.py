from typing import Literal

ReceivedStatus = Literal["failed", "processed", "received", "refused", "rejected"]

RECEIVED_STATUS_VALUES: set[ReceivedStatus] = {
    "failed",
    "processed",
    "received",
    "refused",
    "rejected",
}


def check_received_status(value: str) -> ReceivedStatus:
    if value in RECEIVED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECEIVED_STATUS_VALUES!r}")
