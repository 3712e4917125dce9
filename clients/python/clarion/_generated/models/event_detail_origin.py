from typing import Literal

EventDetailOrigin = Literal["api", "inbound", "library", "operational", "test"]

EVENT_DETAIL_ORIGIN_VALUES: set[EventDetailOrigin] = {
    "api",
    "inbound",
    "library",
    "operational",
    "test",
}


def check_event_detail_origin(value: str) -> EventDetailOrigin:
    if value in EVENT_DETAIL_ORIGIN_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_DETAIL_ORIGIN_VALUES!r}")
