from typing import Literal

ListEventsOrigin = Literal["api", "inbound", "library", "operational", "test"]

LIST_EVENTS_ORIGIN_VALUES: set[ListEventsOrigin] = {
    "api",
    "inbound",
    "library",
    "operational",
    "test",
}


def check_list_events_origin(value: str) -> ListEventsOrigin:
    if value in LIST_EVENTS_ORIGIN_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_EVENTS_ORIGIN_VALUES!r}")
