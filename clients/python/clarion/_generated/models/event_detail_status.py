from typing import Literal

EventDetailStatus = Literal["accepted", "routed"]

EVENT_DETAIL_STATUS_VALUES: set[EventDetailStatus] = {
    "accepted",
    "routed",
}


def check_event_detail_status(value: str) -> EventDetailStatus:
    if value in EVENT_DETAIL_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_DETAIL_STATUS_VALUES!r}")
