from typing import Literal

EventOrigin = Literal["api", "inbound", "library", "operational", "test"]

EVENT_ORIGIN_VALUES: set[EventOrigin] = {
    "api",
    "inbound",
    "library",
    "operational",
    "test",
}


def check_event_origin(value: str) -> EventOrigin:
    if value in EVENT_ORIGIN_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_ORIGIN_VALUES!r}")
