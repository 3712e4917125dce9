from typing import Literal

OrderedStatus = Literal["pending"]

ORDERED_STATUS_VALUES: set[OrderedStatus] = {
    "pending",
}


def check_ordered_status(value: str) -> OrderedStatus:
    if value in ORDERED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ORDERED_STATUS_VALUES!r}")
