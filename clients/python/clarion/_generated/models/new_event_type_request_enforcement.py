from typing import Literal

NewEventTypeRequestEnforcement = Literal["block", "off", "warn"]

NEW_EVENT_TYPE_REQUEST_ENFORCEMENT_VALUES: set[NewEventTypeRequestEnforcement] = {
    "block",
    "off",
    "warn",
}


def check_new_event_type_request_enforcement(value: str) -> NewEventTypeRequestEnforcement:
    if value in NEW_EVENT_TYPE_REQUEST_ENFORCEMENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NEW_EVENT_TYPE_REQUEST_ENFORCEMENT_VALUES!r}")
