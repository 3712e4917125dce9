from typing import Literal

EventTypeVersionRequestEnforcement = Literal["block", "off", "warn"]

EVENT_TYPE_VERSION_REQUEST_ENFORCEMENT_VALUES: set[EventTypeVersionRequestEnforcement] = {
    "block",
    "off",
    "warn",
}


def check_event_type_version_request_enforcement(value: str) -> EventTypeVersionRequestEnforcement:
    if value in EVENT_TYPE_VERSION_REQUEST_ENFORCEMENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_TYPE_VERSION_REQUEST_ENFORCEMENT_VALUES!r}")
