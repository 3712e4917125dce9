from typing import Literal

EventTypeVersionEnforcement = Literal["block", "off", "warn"]

EVENT_TYPE_VERSION_ENFORCEMENT_VALUES: set[EventTypeVersionEnforcement] = {
    "block",
    "off",
    "warn",
}


def check_event_type_version_enforcement(value: str) -> EventTypeVersionEnforcement:
    if value in EVENT_TYPE_VERSION_ENFORCEMENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EVENT_TYPE_VERSION_ENFORCEMENT_VALUES!r}")
